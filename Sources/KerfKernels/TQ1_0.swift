// swift-format-ignore-file: AlwaysUseLowerCamelCase
// tq1_0: 256 elements in 54 bytes, 1.6875 bits per weight.
//
//     32 bytes: q[j], q[j + 32] … q[j + 128] | 16 bytes: q[160 + j], q[176 + j] … q[224 + j]
//     | 4 bytes: q[240 + j], q[244 + j], q[248 + j], q[252 + j] | f16 d                  y = (q − 1) · d
//
// The codes of a byte are digits of base 3 after the point, the first one highest: a byte is the
// number ⌈256 · 0.q₀q₁q₂q₃q₄⌉, and a product with 3 brings the next digit before the point. How d is
// chosen stands in `TernarySearch.swift`.

internal import CVectors

enum TQ1_0: TernaryFormat {
  @inline(__always) static var bytesPerBlock: Int { 54 }
  @inline(__always) static var hasFourthCode: Bool { false }
  @inline(__always) static var scaleOffset: Int { 52 }

  /// Codes `first`, `first` + `step`… as bytes.
  @inline(__always)
  private static func fraction(_ codes: TernaryCodes, _ first: Int, _ step: Int) -> u8x16 {
    var digits = codes[first]
    for n in 1..<5 { digits = digits &* 3 &+ codes[first &+ n &* step] }
    return fraction(digits)
  }

  /// ⌈256 · n / 243⌉, for n < 243.
  @inline(__always)
  private static func fraction(_ digits: i32x16) -> u8x16 {
    i32x16_low_bytes((digits &* 17261 &+ 16383) &>> 14)
  }

  @inline(__always)
  static func pack(_ codes: TernaryCodes, to block: UnsafeMutableRawPointer) {
    u8x16_store(block, fraction(codes, 0, 2))
    u8x16_store(block + 16, fraction(codes, 1, 2))
    u8x16_store(block + 32, fraction(codes, 10, 1))
    // The last sixteen are four of each of four bytes.
    let last = codes[15]
    var digits = i32x16(repeating: 0)
    for n in 0..<4 { digits = digits &* 3 &+ i32x16_quarter(last, Int32(n)) }
    let bytes = fraction(digits &* 3)
    block.storeBytes(of: u8x16_first_four(bytes), toByteOffset: 48, as: UInt32.self)
  }

  /// Digit n of each byte, scaled.
  @inline(__always)
  private static func elements(_ bytes: i32x16, _ n: Int, scale: Float) -> f32x16 {
    let powers: InlineArray<5, Int32> = [1, 3, 9, 27, 81]
    return i32x16_to_f32(((bytes &* powers[n] & 255) &* 3) &>> 8 &- 1) * scale
  }

  @inline(__always)
  static func unpack(
    _ block: UnsafeRawPointer, scale: Float, to elements: UnsafeMutableRawPointer
  ) {
    let a = u8x16_widened(u8x16_load(block))
    let b = u8x16_widened(u8x16_load(block + 16))
    let c = u8x16_widened(u8x16_load(block + 32))
    for n in 0..<5 {
      f32x16_store(elements + 128 &* n, Self.elements(a, n, scale: scale))
      f32x16_store(elements + 128 &* n + 64, Self.elements(b, n, scale: scale))
      f32x16_store(elements + 640 + 64 &* n, Self.elements(c, n, scale: scale))
    }
    let powers = i32x16(1, 1, 1, 1, 3, 3, 3, 3, 9, 9, 9, 9, 27, 27, 27, 27)
    let last = i32x16_four_repeated(block.loadUnaligned(fromByteOffset: 48, as: UInt32.self))
    f32x16_store(elements + 960, Self.elements(last &* powers, 0, scale: scale))
  }
}
