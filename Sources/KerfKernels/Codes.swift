// How codes of four and five bits lie in the bytes of a block of 32.

internal import CVectors

/// A way to store 32 small codes: the first sixteen in one vector, the others in another.
protocol CodePacking {
  static func store(_ low: i32x16, _ high: i32x16, to codes: UnsafeMutableRawPointer)
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16)
}

/// Sixteen bytes: the low nibble of byte j is code j, the high nibble code j + 16.
enum Nibbles: CodePacking {
  @inline(__always)
  static func store(_ low: i32x16, _ high: i32x16, to codes: UnsafeMutableRawPointer) {
    u8x16_store(codes, i32x16_low_bytes(low | high &<< 4))
  }

  @inline(__always)
  static func load(_ codes: UnsafeRawPointer) -> (low: i32x16, high: i32x16) {
    let bytes = u8x16_widened(u8x16_load(codes))
    return (bytes & 15, bytes &>> 4)
  }
}

/// Four bytes whose bit i is the fifth bit of code i, then the lower four bits as nibbles.
enum FiveBits: CodePacking {
  @inline(__always)
  static func store(_ low: i32x16, _ high: i32x16, to codes: UnsafeMutableRawPointer) {
    let fifth = i32x16_above_bits(low, 15) | i32x16_above_bits(high, 15) &<< 16
    codes.storeBytes(of: fifth, as: UInt32.self)
    Nibbles.store(low & 15, high & 15, to: codes + 4)
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
