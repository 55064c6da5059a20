// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q5_0: 32 elements in 22 bytes, 5.5 bits per weight.
//
//     f16 d | u32: bit i is the fifth bit of q[i] | 16 bytes of nibbles as in q4_0
//     y = (q − 16) · d
//
// reference: the first element of largest magnitude, M, becomes −16: d = M / −16, of either sign;
// q = min(31, ⌊x / d + 16.5⌋).

internal import CVectors
internal import KerfElements

enum Q5_0: BlockFormat {
  static let bytesPerBlock = 22
  static let hasMinimum = false

  @inline(__always)
  static func referenceFit(_ group: BlockGroup) -> Fit {
    .symmetric(scale: group.signedLargest() / -16)
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup) -> Fit {
    group.symmetricFit(
      SymmetricCodes(negative: 16, positive: 15), positions: positions,
      referenceScale: { $0 / -16 })
  }

  /// Candidates for where the largest magnitude falls on the axis of codes.
  @inline(__always)
  private static var positions: InlineArray<8, Float> {
    [13.2, 14.1, 14.9, 15.2, 15.8, 16.1, 16.4, 16.7]
  }

  @inline(__always)
  static func packCodes(
    _ block: UnsafePointer<Float>, multiplier: Float, origin: Float,
    to codes: UnsafeMutableRawPointer
  ) {
    FiveBits.store(
      code(f32x16_load(block), multiplier), code(f32x16_load(block + 16), multiplier), to: codes)
  }

  @inline(__always)
  private static func code(_ x: f32x16, _ multiplier: Float) -> i32x16 {
    f32x16_truncated(f32x16_clamped(x * multiplier + 16.5, 0, 31))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>
  ) {
    let (low, high) = FiveBits.load(codes)
    f32x16_store(block, i32x16_to_f32(low &- 16) * scale)
    f32x16_store(block + 16, i32x16_to_f32(high &- 16) * scale)
  }
}
