import KerfCodecs
import KerfElements
import Testing

@Suite struct TranscoderTests {
  private static let formats: [Format] = [.f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1]

  @Test("past the caches or not, the bytes are the same", arguments: formats, formats)
  func pastCaches(source: Format, target: Format) throws {
    let tile = Transcoder.tile
    let largest = 3 * 4 * tile + 2 * tile + 96
    let input = try row(source, largest)
    for instructionSet in InstructionSet.available {
      let transcoder = try Transcoder(
        from: source, to: target, rounding: .reference, instructionSet: instructionSet)
      // No strand, one tile each, several and a rest.
      for count in [0, 96, 4 * tile - 32, 4 * tile, largest] {
        let expected = run(transcoder, input, count, offset: 0, pastCaches: false)
        for offset in [0, 2, 13, 63] {
          #expect(
            run(transcoder, input, count, offset: offset, pastCaches: true) == expected,
            "\(instructionSet), \(count) elements, \(offset) bytes off")
        }
      }
    }
  }

  @Test("optimal rounding past the caches", arguments: [Format.f32, .f16])
  func optimal(source: Format) throws {
    let count = 4 * Transcoder.tile
    let input = try row(source, count)
    let transcoder = try Transcoder(from: source, to: .q4_0)
    #expect(
      run(transcoder, input, count, offset: 2, pastCaches: true)
        == run(transcoder, input, count, offset: 0, pastCaches: false))
  }

  @Test(
    "groups of any length, from one format to another",
    arguments: [
      (Format.f32, "int8_g5000"), (.bf16, "int8_g384"), (.q8_0, "int4_g96_zp"),
      (.f16, "int4_g4096"), (.f32, "int4_g64_bias"),
    ])
  func groups(source: Format, name: String) throws {
    let target = try #require(Format(name: name))
    let count = 3 * Format.length(about: 4096, of: [source, target]) * 4
    let input = try row(source, count)
    let table = try KernelTable.table(for: nil)
    let there = try Transcoder(from: source, to: target)
    // The same block by block.
    let floats = AlignedBuffer(byteCount: count * 4)
    let expected = AlignedBuffer(byteCount: count / target.elementsPerBlock * target.bytesPerBlock)
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    let (reading, writing) = (try #require(table.codec(source)), try #require(table.codec(target)))
    input.withUnsafeBytes {
      reading.decode($0.baseAddress!, floats.baseAddress, count / source.elementsPerBlock)
    }
    for block in 0..<count / target.elementsPerBlock {
      writing.encode(.optimal)!(
        floats.baseAddress + 4 * block * target.elementsPerBlock,
        expected.baseAddress + block * target.bytesPerBlock, 1, workspace.baseAddress)
    }
    let bytes = Array(
      UnsafeRawBufferPointer(start: expected.baseAddress, count: expected.byteCount))
    for pastCaches in [false, true] {
      let isEqual = run(there, input, count, offset: 3, pastCaches: pastCaches) == bytes
      #expect(isEqual)
    }
  }

  @Test("a tensor of channels and back")
  func channels() throws {
    let shape: Shape = [37, 4100]
    let values = (0..<shape.count).map { Float($0 &* 7919 % 4093) * 0.001 - 2 }
    let format = try #require(Format(name: "int8_g4100"))
    let tensor = try Tensor(shape: shape, values)
    let quantized = try tensor.quantized(as: format)
    let restored: [Float] = try quantized.dequantized(as: .float32).withUnsafeBytes {
      Array($0.bindMemory(to: Float.self))
    }
    let error = zip(values, restored).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(error < 2.1 / 127 / 2 * 1.05)
  }

  @Test("what is large")
  func large() throws {
    let transcoder = try Transcoder(from: .f32, to: .f16)
    #expect(!transcoder.isLarge((4 << 20) - 1))
    #expect(transcoder.isLarge(4 << 20))
  }

  /// The bytes that come out, and those around them untouched.
  private func run(
    _ transcoder: Transcoder, _ input: [UInt8], _ count: Int, offset: Int, pastCaches: Bool
  ) -> [UInt8] {
    let length = count / transcoder.target.elementsPerBlock * transcoder.target.bytesPerBlock
    let buffer = AlignedBuffer(byteCount: length + 192)
    buffer.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: length + 192)
    let target = buffer.baseAddress + 64 + offset
    input.withUnsafeBytes {
      transcoder.run(
        $0.baseAddress!, target, count: count, scratch: Transcoder.Scratch(for: transcoder),
        pastCaches: pastCaches)
    }
    let around = [
      UnsafeRawBufferPointer(start: target - 64, count: 64),
      UnsafeRawBufferPointer(start: target + length, count: 64),
    ]
    #expect(around.allSatisfy { $0.allSatisfy { $0 == 0xA5 } })
    return Array(UnsafeRawBufferPointer(start: target, count: length))
  }

  /// A row of weights in a format.
  private func row(_ format: Format, _ count: Int) throws -> [UInt8] {
    let floats = (0..<count).map { Float($0 &* 7919 % 4093) * 0.001 - 2 }
    let transcoder = try Transcoder(from: .f32, to: format, rounding: .reference)
    var bytes = [UInt8](
      repeating: 0, count: count / format.elementsPerBlock * format.bytesPerBlock)
    floats.withUnsafeBytes { from in
      bytes.withUnsafeMutableBytes { to in
        transcoder.run(
          from.baseAddress!, to.baseAddress!, count: count, scratch: Transcoder.Scratch())
      }
    }
    return bytes
  }
}
