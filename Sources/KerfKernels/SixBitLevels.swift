// The s and m of q4_K and q5_K, and the lines that blocks are decoded with.

internal import CVectors

/// A line that is decoded with.
struct DecodedLine {
  let slope: Float
  let shift: Float

  @inline(__always)
  func store(_ codes: i32x16, _ target: UnsafeMutableRawPointer) {
    f32x16_store(target, i32x16_to_f32(codes) * slope - shift)
  }
}

/// Eight s and eight m of six bits in twelve bytes: the lower six bits of a byte are s[0…3], m[0…3];
/// the nibbles of the last four bytes are the lower bits of s[4…7] and of m[4…7], whose upper two bits
/// are above those of s[0…3] and m[0…3].
struct SixBitLevels {
  private let d: Float
  private let minimum: Float
  private let s: UInt64
  private let m: UInt64

  /// Of a block that begins with d and dmin.
  @inline(__always)
  init(_ block: UnsafeRawPointer) {
    d = f16_widened(block.loadUnaligned(as: UInt16.self))
    minimum = f16_widened(block.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    let a = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    let b = block.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
    let c = block.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
    let upperS: UInt32 = (c & 0x0F0F_0F0F) | ((a &>> 2) & 0x3030_3030)
    let upperM: UInt32 = ((c &>> 4) & 0x0F0F_0F0F) | ((b &>> 2) & 0x3030_3030)
    s = UInt64(a & 0x3F3F_3F3F) | UInt64(upperS) &<< 32
    m = UInt64(b & 0x3F3F_3F3F) | UInt64(upperM) &<< 32
  }

  @inline(__always)
  func line(_ run: Int) -> DecodedLine {
    let shift = UInt64(truncatingIfNeeded: 8 &* run)
    return DecodedLine(
      slope: d * Float(Int32(truncatingIfNeeded: s &>> shift & 63)),
      shift: minimum * Float(Int32(truncatingIfNeeded: m &>> shift & 63)))
  }

  /// Eight bytes of s, and sixteen bytes further eight of m.
  @inline(__always)
  static func pack(_ levels: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    let s = levels.loadUnaligned(as: UInt64.self)
    let m = levels.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    let (lowerS, upperS) = (UInt32(truncatingIfNeeded: s), UInt32(truncatingIfNeeded: s &>> 32))
    let (lowerM, upperM) = (UInt32(truncatingIfNeeded: m), UInt32(truncatingIfNeeded: m &>> 32))
    target.storeBytes(of: lowerS | (upperS & 0x3030_3030) &<< 2, as: UInt32.self)
    target.storeBytes(
      of: lowerM | (upperM & 0x3030_3030) &<< 2, toByteOffset: 4, as: UInt32.self)
    target.storeBytes(
      of: (upperS & 0x0F0F_0F0F) | (upperM & 0x0F0F_0F0F) &<< 4, toByteOffset: 8, as: UInt32.self)
  }
}
