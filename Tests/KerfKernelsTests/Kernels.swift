// Calling a kernel on arrays, with pointers as misaligned as a caller may have them.

import KerfDispatch
import KerfElements
import Testing

extension KernelTable: CustomTestStringConvertible {
  public var testDescription: String { instructionSet.rawValue }
}

extension KernelTable {
  /// Encodes whole blocks; source and target start `offset` bytes past an aligned address, and the
  /// bytes around the target must come back untouched.
  func encoded(
    _ row: [Float], as format: Format, _ rounding: Rounding, offset: Int = 0
  ) throws -> [UInt8] {
    let encode = try #require(codec(format)?.encode(rounding))
    let blocks = row.count / format.elementsPerBlock
    let byteCount = blocks * format.bytesPerBlock
    let guarded = 64
    let source = AlignedBuffer(byteCount: row.count * 4 + 64)
    let target = AlignedBuffer(byteCount: byteCount + 2 * guarded + 64)
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    let from = source.baseAddress + offset / 4 * 4
    let to = target.baseAddress + guarded + offset
    row.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: from, count: $0.count).copyMemory(from: $0)
    }
    target.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: target.byteCount)
    encode(from.assumingMemoryBound(to: Float.self), to, blocks, workspace.baseAddress)
    let before = UnsafeRawBufferPointer(start: to - guarded, count: guarded)
    let after = UnsafeRawBufferPointer(start: to + byteCount, count: guarded)
    #expect(before.allSatisfy { $0 == 0xA5 } && after.allSatisfy { $0 == 0xA5 })
    return Array(UnsafeRawBufferPointer(start: to, count: byteCount))
  }

  /// Encodes whole blocks where errors count as `weights` say; see `encoded`.
  func encoded(
    _ row: [Float], weights: [Float], as format: Format, offset: Int = 0
  ) throws -> [UInt8] {
    let encode = try #require(codec(format)?.encodeWeighted)
    let blocks = row.count / format.elementsPerBlock
    let byteCount = blocks * format.bytesPerBlock
    let target = AlignedBuffer(byteCount: byteCount + 192)
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    let to = target.baseAddress + 64 + offset
    target.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: target.byteCount)
    row.withUnsafeBytes { row in
      weights.withUnsafeBufferPointer { weights in
        guard blocks > 0 else { return }
        encode(row.baseAddress!, weights.baseAddress!, to, blocks, workspace.baseAddress)
      }
    }
    let before = UnsafeRawBufferPointer(start: to - 64, count: 64)
    let after = UnsafeRawBufferPointer(start: to + byteCount, count: 64)
    #expect(before.allSatisfy { $0 == 0xA5 } && after.allSatisfy { $0 == 0xA5 })
    return Array(UnsafeRawBufferPointer(start: to, count: byteCount))
  }

  /// Encodes whole blocks of half words, f16 or bf16, by the kernel that reads them itself.
  func encoded(
    words: [UInt16], of source: Format, as format: Format, offset: Int = 0
  ) throws -> [UInt8] {
    let encode = try #require(codec(format)?.encode(.reference, from: source))
    let blocks = words.count / format.elementsPerBlock
    let from = AlignedBuffer(byteCount: words.count * 2 + 64)
    let to = AlignedBuffer(byteCount: blocks * format.bytesPerBlock + 128)
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    to.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: to.byteCount)
    words.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: from.baseAddress + offset, count: $0.count)
        .copyMemory(from: $0)
    }
    encode(from.baseAddress + offset, to.baseAddress + offset, blocks, workspace.baseAddress)
    let end = to.baseAddress + offset + blocks * format.bytesPerBlock
    #expect(UnsafeRawBufferPointer(start: end, count: 60).allSatisfy { $0 == 0xA5 })
    return Array(
      UnsafeRawBufferPointer(
        start: to.baseAddress + offset, count: blocks * format.bytesPerBlock))
  }

  /// Decodes whole blocks; see `encoded`.
  func decoded(_ bytes: [UInt8], as format: Format, offset: Int = 0) throws -> [Float] {
    let decode = try #require(codec(format)).decode
    let blocks = bytes.count / format.bytesPerBlock
    let count = blocks * format.elementsPerBlock
    let source = AlignedBuffer(byteCount: bytes.count + 64)
    let target = AlignedBuffer(byteCount: count * 4 + 192)
    let from = source.baseAddress + offset
    let to = (target.baseAddress + 64 + offset / 4 * 4).assumingMemoryBound(to: Float.self)
    target.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: target.byteCount)
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: from, count: $0.count).copyMemory(from: $0)
    }
    decode(from, to, blocks)
    let after = UnsafeRawBufferPointer(start: to + count, count: 60)
    #expect(after.allSatisfy { $0 == 0xA5 })
    return Array(UnsafeBufferPointer(start: to, count: count))
  }

  /// Decodes whole blocks to half words, f16 or bf16; see `encoded`.
  func decoded(
    _ bytes: [UInt8], as format: Format, to words: Format, offset: Int = 0
  ) throws -> [UInt16] {
    let decode = try #require(codec(format)?.decode(to: words))
    let blocks = bytes.count / format.bytesPerBlock
    let count = blocks * format.elementsPerBlock
    let source = AlignedBuffer(byteCount: bytes.count + 64)
    let target = AlignedBuffer(byteCount: count * 2 + 192)
    let to = target.baseAddress + 64 + offset
    target.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: target.byteCount)
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: source.baseAddress + offset, count: $0.count)
        .copyMemory(from: $0)
    }
    decode(source.baseAddress + offset, to, blocks)
    let before = UnsafeRawBufferPointer(start: to - 64, count: 64)
    let after = UnsafeRawBufferPointer(start: to + count * 2, count: 60)
    #expect(before.allSatisfy { $0 == 0xA5 } && after.allSatisfy { $0 == 0xA5 })
    return (0..<count).map { to.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
  }
}

/// Half words that stand for a row of floats, in f16 or bf16.
extension KernelTable {
  func narrowed(_ row: [Float], to words: Format) throws -> [UInt16] {
    let bytes = try encoded(row, as: words, .reference)
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }
}

/// Bit patterns, with one pattern for every NaN: which NaN a sum yields is the CPU's affair.
func bits(_ row: [Float]) -> [UInt32] {
  row.map { $0.isNaN ? 0x7FC0_0000 : $0.bitPattern }
}

let tables = Dispatch.available
/// Formats with kernels that read and write half words themselves.
let halfWordFormats: [Format] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1]
/// Formats whose searches know importance.
let weightedFormats: [Format] = [.q4_1, .q5_1] + runFormats
/// Formats whose searches go through `Runs`, or through sub-scales: the best of many candidates is
/// better than the reference code's choice on the whole, not for every block.
let runFormats: [Format] = [.q5_K, .q4_K, .q2_K]
let blockFormats: [Format] = halfWordFormats + runFormats

extension Format {
  /// None, one, and around as many as kernels take at a time.
  var blockCounts: [Int] {
    elementsPerBlock <= 64 ? [0, 1, 2, 15, 16, 17, 31, 32, 33, 130] : [0, 1, 2, 3, 17]
  }
  /// Enough blocks for every kind of group.
  var manyBlocks: Int { elementsPerBlock <= 64 ? 130 : 33 }
}
