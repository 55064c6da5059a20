// Weights packed for the integer matrix product: 32 rows, a panel, block by block.
//
//     block of a panel = what 32 rows have in one block of 32 along K, in as many bytes as before
//
//     f16 d[32] | f16 m[32] | rows 0…15: fifth bits, codes | rows 16…31: fifth bits, codes
//
// Codes and fifth bits are vectors of 64 bytes, four bytes for each of sixteen rows. What is k
// below counts within the block; g counts groups of four along K.
//
//     q8_0   8 vectors      bytes of row r in vector g: q[4g … 4g + 3]
//     q4_x   4 vectors      … in vector g: low nibbles q[4g …], high nibbles q[16 + 4g …]
//     q5_x   1 + 4 vectors  … in the first: bit g of byte i is the fifth bit of q[4g + i]
//
// Minima and fifth bits are there where the format has them. So the weights are a transposition of
// words, nibbles stay nibbles, and a product of one row reads as many bytes as the file has.

internal import CVectors
internal import KerfElements

/// Eight vectors of codes: sixteen rows of one block, as bytes that the dot product takes.
typealias PanelCodes = InlineArray<8, i32x16>

/// How the codes of a block are packed.
protocol PackedCodes: SendableMetatype {
  /// Bytes of the codes of one block in a file, fifth bits included.
  static var byteCount: Int { get }
  /// The codes of one block of one row, from where a file has them to lane `row` of the vectors.
  static func pack(_ codes: UnsafeRawPointer, _ vectors: UnsafeMutableRawPointer, _ row: Int)
  /// The inverse.
  static func unpack(_ vectors: UnsafeRawPointer, _ row: Int, _ codes: UnsafeMutableRawPointer)
  /// The codes of sixteen rows.
  static func load(_ vectors: UnsafeRawPointer) -> PanelCodes
  /// What they are multiplied with.
  associatedtype Products: DotProducts
}

/// Words of a row, one to a vector.
@inline(__always)
private func spread(
  _ words: Int, _ codes: UnsafeRawPointer, _ vectors: UnsafeMutableRawPointer, _ row: Int
) {
  var g = 0
  while g < words {
    vectors.storeBytes(
      of: codes.loadUnaligned(fromByteOffset: 4 &* g, as: UInt32.self),
      toByteOffset: 64 &* g &+ 4 &* row, as: UInt32.self)
    g &+= 1
  }
}

/// The inverse of ``spread(_:_:_:_:)``.
@inline(__always)
private func gather(
  _ words: Int, _ vectors: UnsafeRawPointer, _ row: Int, _ codes: UnsafeMutableRawPointer
) {
  var g = 0
  while g < words {
    codes.storeBytes(
      of: vectors.loadUnaligned(fromByteOffset: 64 &* g &+ 4 &* row, as: UInt32.self),
      toByteOffset: 4 &* g, as: UInt32.self)
    g &+= 1
  }
}

enum PackedBytes: PackedCodes {
  typealias Products = ByteProducts
  static let byteCount = 32

  @inline(__always)
  static func pack(_ codes: UnsafeRawPointer, _ vectors: UnsafeMutableRawPointer, _ row: Int) {
    spread(8, codes, vectors, row)
  }

  @inline(__always)
  static func unpack(_ vectors: UnsafeRawPointer, _ row: Int, _ codes: UnsafeMutableRawPointer) {
    gather(8, vectors, row, codes)
  }

  @inline(__always)
  static func load(_ vectors: UnsafeRawPointer) -> PanelCodes {
    var codes = PanelCodes(repeating: i32x16(repeating: 0))
    var g = 0
    while g < 8 {
      codes[g] = i32x16_load(vectors + 64 &* g) ^ i32x16(repeating: dot_sign_bits())
      g &+= 1
    }
    return codes
  }
}

enum PackedNibbles: PackedCodes {
  typealias Products = CodeProducts
  static let byteCount = 16

  @inline(__always)
  static func pack(_ codes: UnsafeRawPointer, _ vectors: UnsafeMutableRawPointer, _ row: Int) {
    spread(4, codes, vectors, row)
  }

  @inline(__always)
  static func unpack(_ vectors: UnsafeRawPointer, _ row: Int, _ codes: UnsafeMutableRawPointer) {
    gather(4, vectors, row, codes)
  }

  @inline(__always)
  static func load(_ vectors: UnsafeRawPointer) -> PanelCodes {
    var codes = PanelCodes(repeating: i32x16(repeating: 0))
    var g = 0
    while g < 4 {
      let bytes = i32x16_load(vectors + 64 &* g)
      codes[g] = bytes & 0x0F0F_0F0F
      codes[g &+ 4] = (bytes &>> 4) & 0x0F0F_0F0F
      g &+= 1
    }
    return codes
  }
}

enum PackedFiveBits: PackedCodes {
  typealias Products = CodeProducts
  static let byteCount = 20

  @inline(__always)
  static func pack(_ codes: UnsafeRawPointer, _ vectors: UnsafeMutableRawPointer, _ row: Int) {
    let fifth = transposed4x8(codes.loadUnaligned(as: UInt32.self))
    vectors.storeBytes(of: fifth, toByteOffset: 4 &* row, as: UInt32.self)
    spread(4, codes + 4, vectors + 64, row)
  }

  @inline(__always)
  static func unpack(_ vectors: UnsafeRawPointer, _ row: Int, _ codes: UnsafeMutableRawPointer) {
    let fifth = vectors.loadUnaligned(fromByteOffset: 4 &* row, as: UInt32.self)
    codes.storeBytes(of: transposed8x4(fifth), as: UInt32.self)
    gather(4, vectors + 64, row, codes + 4)
  }

  @inline(__always)
  static func load(_ vectors: UnsafeRawPointer) -> PanelCodes {
    let fifth = i32x16_load(vectors)
    let bit = i32x16(repeating: 0x1010_1010)
    var codes = PackedNibbles.load(vectors + 64)
    codes[0] |= (fifth &<< 4) & bit
    codes[1] |= (fifth &<< 3) & bit
    codes[2] |= (fifth &<< 2) & bit
    codes[3] |= (fifth &<< 1) & bit
    codes[4] |= fifth & bit
    codes[5] |= (fifth &>> 1) & bit
    codes[6] |= (fifth &>> 2) & bit
    codes[7] |= (fifth &>> 3) & bit
    return codes
  }

  /// Bit 4g + i becomes bit 8i + g.
  @inline(__always)
  private static func transposed4x8(_ bits: UInt32) -> UInt32 {
    var result: UInt32 = 0
    var g: UInt32 = 0
    while g < 8 {
      // Bits 0…3 to bits 0, 8, 16 and 24.
      result |= (((bits &>> (4 &* g) & 15) &* 0x0020_4081) & 0x0101_0101) &<< g
      g &+= 1
    }
    return result
  }

  /// Bit 8i + g becomes bit 4g + i.
  @inline(__always)
  private static func transposed8x4(_ bits: UInt32) -> UInt32 {
    var result: UInt32 = 0
    var g: UInt32 = 0
    while g < 8 {
      // Bits 0, 8, 16 and 24 to bits 24…27.
      result |= ((((bits &>> g) & 0x0101_0101) &* 0x0102_0408) &>> 24 & 15) &<< (4 &* g)
      g &+= 1
    }
    return result
  }
}

/// A format that the integer product takes.
protocol PackedFormat: BlockFormat {
  associatedtype Packed: PackedCodes
  /// The code of zero, where codes are not signed.
  static var codeOfZero: Int32 { get }
}

extension Q8_0: PackedFormat {
  typealias Packed = PackedBytes
  @inline(__always) static var codeOfZero: Int32 { dot_zero() }
}
extension Q4_0: PackedFormat {
  typealias Packed = PackedNibbles
  @inline(__always) static var codeOfZero: Int32 { zero }
}
extension Q5_0: PackedFormat {
  typealias Packed = PackedFiveBits
  @inline(__always) static var codeOfZero: Int32 { zero }
}
extension Q4_1: PackedFormat {
  typealias Packed = PackedNibbles
  @inline(__always) static var codeOfZero: Int32 { 0 }
}
extension Q5_1: PackedFormat {
  typealias Packed = PackedFiveBits
  @inline(__always) static var codeOfZero: Int32 { 0 }
}

extension PackedFormat {
  @inline(__always) static var packedByteCount: Int { 32 &* bytesPerBlock }
  /// Where sixteen rows' codes begin in a packed block.
  @inline(__always)
  static func packedCodes(_ half: Int) -> Int {
    32 &* codesOffset &+ 16 &* Packed.byteCount &* half
  }

  @inline(__always)
  static func pack(
    _ source: UnsafeRawPointer, _ stride: Int, _ rows: Int, _ blocks: Int,
    _ target: UnsafeMutableRawPointer
  ) {
    if rows < 32 {
      target.initializeMemory(as: UInt8.self, repeating: 0, count: packedByteCount &* blocks)
    }
    var b = 0
    while b < blocks {
      let to = target + packedByteCount &* b
      var r = 0
      while r < rows {
        let block = source + stride &* r + bytesPerBlock &* b
        to.storeBytes(
          of: block.loadUnaligned(as: UInt16.self), toByteOffset: 2 &* r, as: UInt16.self)
        if hasMinimum {
          to.storeBytes(
            of: block.loadUnaligned(fromByteOffset: 2, as: UInt16.self),
            toByteOffset: 64 &+ 2 &* r, as: UInt16.self)
        }
        Packed.pack(block + codesOffset, to + packedCodes(r &>> 4), r & 15)
        r &+= 1
      }
      b &+= 1
    }
  }

  @inline(__always)
  static func unpack(
    _ source: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutableRawPointer, _ stride: Int,
    _ rows: Int
  ) {
    var b = 0
    while b < blocks {
      let from = source + packedByteCount &* b
      var r = 0
      while r < rows {
        let block = target + stride &* r + bytesPerBlock &* b
        block.storeBytes(
          of: from.loadUnaligned(fromByteOffset: 2 &* r, as: UInt16.self), as: UInt16.self)
        if hasMinimum {
          block.storeBytes(
            of: from.loadUnaligned(fromByteOffset: 64 &+ 2 &* r, as: UInt16.self),
            toByteOffset: 2, as: UInt16.self)
        }
        Packed.unpack(from + packedCodes(r &>> 4), r & 15, block + codesOffset)
        r &+= 1
      }
      b &+= 1
    }
  }
}
