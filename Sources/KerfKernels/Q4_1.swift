// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q4_1: 32 elements in 20 bytes, 5 bits per weight.
//
//     f16 d | f16 m | 16 bytes: low nibble q[j], high nibble q[j + 16]        y = q · d + m
//
// reference: m = min x, d = (max x − m) / 15; q = ⌊(x − m) / d + ½⌋.

internal import CVectors
internal import KerfElements

enum Q4_1: BlockFormat {
  static let bytesPerBlock = 20
  static let hasMinimum = true

  @inline(__always)
  static func referenceFit(_ group: BlockGroup) -> Fit {
    .affine(minimum: group.minima(), maximum: group.maxima(), largestCode: 15)
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup) -> Fit {
    group.affineFit(largestCode: 15, spans: spans)
  }

  /// Candidates for where the extremes of a block fall on the axis of codes.
  @inline(__always)
  private static var spans: InlineArray<16, CodeSpan> {
    [
      CodeSpan(-0.6, -0.15), CodeSpan(-0.45, 0.15), CodeSpan(-0.45, -0.15), CodeSpan(-0.3, 0.3),
      CodeSpan(-0.15, 0.45), CodeSpan(-0.15, -0.15), CodeSpan(-0.15, -1.35), CodeSpan(0, 0),
      CodeSpan(0, -0.75), CodeSpan(0.15, 0.6), CodeSpan(0.15, 0.45), CodeSpan(0.15, 0.15),
      CodeSpan(0.3, -0.75), CodeSpan(0.75, 0), CodeSpan(0.9, 0.15), CodeSpan(0.9, -0.9),
    ]
  }

  @inline(__always)
  static func packCodes(
    _ block: UnsafePointer<Float>, multiplier: Float, origin: Float,
    to codes: UnsafeMutableRawPointer
  ) {
    Nibbles.store(
      code(f32x16_load(block), multiplier, origin),
      code(f32x16_load(block + 16), multiplier, origin), to: codes)
  }

  @inline(__always)
  private static func code(_ x: f32x16, _ multiplier: Float, _ origin: Float) -> i32x16 {
    f32x16_truncated(f32x16_clamped((x - origin) * multiplier + 0.5, 0, 15))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>
  ) {
    let (low, high) = Nibbles.load(codes)
    f32x16_store(block, i32x16_to_f32(low) * scale + minimum)
    f32x16_store(block + 16, i32x16_to_f32(high) * scale + minimum)
  }
}
