// How codes of eight, five and four bits lie in the bytes of a block of 32.
//
// Four blocks are packed at a time: the first sixteen codes of each fill one vector of bytes, the
// others a second one.

internal import CVectors

/// Sixteen codes of each of four blocks.
struct CodeQuad {
  let a, b, c, d: i32x16

  /// As bytes, held to −128…127.
  @inline(__always)
  var signed: u8x64 { i32x16_packed_signed(a, b, c, d) }

  /// As bytes, held to 0…`largest`.
  @inline(__always)
  func unsigned(atMost largest: UInt8) -> u8x64 {
    u8x64_at_most(i32x16_packed_unsigned(a, b, c, d), largest)
  }
}

/// A way to store 32 small codes.
protocol CodePacking {
  /// Packs the codes of four blocks, the first sixteen of each and the others, into scratch of 128
  /// bytes. A code too large or too small for the packing becomes the nearest that is not.
  static func pack(_ low: CodeQuad, _ high: CodeQuad, to scratch: UnsafeMutableRawPointer)
  /// Copies the bytes of block `i` of the four.
  static func copy(_ i: Int, of scratch: UnsafeRawPointer, to codes: UnsafeMutableRawPointer)
  /// Reads the first sixteen codes of a block, and the others.
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16)
}

/// A byte each, with a sign.
enum SignedBytes: CodePacking {
  @inline(__always)
  static func pack(_ low: CodeQuad, _ high: CodeQuad, to scratch: UnsafeMutableRawPointer) {
    u8x64_store(scratch, low.signed)
    u8x64_store(scratch + 64, high.signed)
  }

  @inline(__always)
  static func copy(_ i: Int, of scratch: UnsafeRawPointer, to codes: UnsafeMutableRawPointer) {
    u8x16_store(codes, u8x16_load(scratch + 16 &* i))
    u8x16_store(codes + 16, u8x16_load(scratch + 64 + 16 &* i))
  }

  @inline(__always)
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16) {
    (i8x16_widened(i8x16_load(codes)), i8x16_widened(i8x16_load(codes + 16)))
  }
}

/// Sixteen bytes: the low nibble of byte j is code j, the high nibble code j + 16.
enum Nibbles: CodePacking {
  @inline(__always)
  static func pack(_ low: CodeQuad, _ high: CodeQuad, to scratch: UnsafeMutableRawPointer) {
    u8x64_store(
      scratch, u8x64_nibbles(low.unsigned(atMost: 15), high.unsigned(atMost: 15)))
  }

  @inline(__always)
  static func copy(_ i: Int, of scratch: UnsafeRawPointer, to codes: UnsafeMutableRawPointer) {
    u8x16_store(codes, u8x16_load(scratch + 16 &* i))
  }

  @inline(__always)
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16) {
    let bytes = u8x16_widened(u8x16_load(codes))
    return (bytes & 15, bytes &>> 4)
  }
}

/// Four bytes whose bit i is the fifth bit of code i, then the lower four bits as nibbles.
enum FiveBits: CodePacking {
  // Scratch: the nibbles, then sixteen fifth bits of the first codes of each block, and of the
  // others.
  @inline(__always)
  static func pack(_ low: CodeQuad, _ high: CodeQuad, to scratch: UnsafeMutableRawPointer) {
    let (first, second) = (low.unsigned(atMost: 31), high.unsigned(atMost: 31))
    u8x64_store(scratch, u8x64_nibbles(first, second))
    scratch.storeBytes(of: u8x64_fifth_bits(first), toByteOffset: 64, as: UInt64.self)
    scratch.storeBytes(of: u8x64_fifth_bits(second), toByteOffset: 72, as: UInt64.self)
  }

  @inline(__always)
  static func copy(_ i: Int, of scratch: UnsafeRawPointer, to codes: UnsafeMutableRawPointer) {
    let low = scratch.load(fromByteOffset: 64 &+ 2 &* i, as: UInt16.self)
    let high = scratch.load(fromByteOffset: 72 &+ 2 &* i, as: UInt16.self)
    codes.storeBytes(of: low, as: UInt16.self)
    codes.storeBytes(of: high, toByteOffset: 2, as: UInt16.self)
    Nibbles.copy(i, of: scratch, to: codes + 4)
  }

  @inline(__always)
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16) {
    let fifth = codes.loadUnaligned(as: UInt32.self)
    let (low, high) = Nibbles.load(codes + 4)
    return (
      low | u32_spread(fifth & 0xFFFF, 16), high | u32_spread(fifth &>> 16, 16)
    )
  }
}
