// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q5_1: 32 elements in 24 bytes, 6 bits per weight.
//
//     f16 d | f16 m | u32: bit i is the fifth bit of q[i] | 16 bytes of nibbles as in q4_0
//     y = q · d + m
//
// reference: m = min x, d = (max x − m) / 31; q = ⌊(x − m) / d + ½⌋.

internal import CVectors
internal import KerfElements

enum Q5_1: BlockFormat {
  static let bytesPerBlock = 24
  static let hasMinimum = true

  @inline(__always)
  static func referenceFit(_ group: BlockGroup) -> Fit {
    .affine(minimum: group.minima(), maximum: group.maxima(), largestCode: 31)
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup) -> Fit {
    group.affineFit(largestCode: 31, spans: spans)
  }

  /// Candidates for where the extremes of a block fall on the axis of codes.
  @inline(__always)
  private static var spans: InlineArray<16, CodeSpan> {
    [
      CodeSpan(-0.4, 0), CodeSpan(-0.4, -0.2), CodeSpan(-0.2, 0.2), CodeSpan(-0.2, -0.8),
      CodeSpan(-0.2, -1.2), CodeSpan(-0.2, -2.2), CodeSpan(0, 0.4), CodeSpan(0, -0.2),
      CodeSpan(0, -1), CodeSpan(0, -2), CodeSpan(0, -3), CodeSpan(0.2, 0.4),
      CodeSpan(0.2, 0), CodeSpan(0.2, -0.8), CodeSpan(0.2, -1.8), CodeSpan(1, -3),
    ]
  }

  @inline(__always)
  static func packCodes(
    _ block: UnsafePointer<Float>, multiplier: Float, origin: Float,
    to codes: UnsafeMutableRawPointer
  ) {
    FiveBits.store(
      code(f32x16_load(block), multiplier, origin),
      code(f32x16_load(block + 16), multiplier, origin), to: codes)
  }

  @inline(__always)
  private static func code(_ x: f32x16, _ multiplier: Float, _ origin: Float) -> i32x16 {
    f32x16_truncated(f32x16_clamped((x - origin) * multiplier + 0.5, 0, 31))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>
  ) {
    let (low, high) = FiveBits.load(codes)
    f32x16_store(block, i32x16_to_f32(low) * scale + minimum)
    f32x16_store(block + 16, i32x16_to_f32(high) * scale + minimum)
  }
}
