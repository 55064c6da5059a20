// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q4_0: 32 elements in 18 bytes, 4.5 bits per weight.
//
//     f16 d | 16 bytes: low nibble q[j], high nibble q[j + 16]        y = (q − 8) · d
//
// reference: the first element of largest magnitude, M, becomes −8: d = M / −8, of either sign;
// q = min(15, ⌊x / d + 8.5⌋).

internal import CVectors
internal import KerfElements

enum Q4_0: BlockFormat {
  static let bytesPerBlock = 18
  static let hasMinimum = false

  @inline(__always)
  static func referenceFit(_ group: BlockGroup) -> Fit {
    .symmetric(scale: group.signedLargest() / -8)
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup) -> Fit {
    group.symmetricFit(
      SymmetricCodes(negative: 8, positive: 7), positions: positions,
      referenceScale: { $0 / -8 })
  }

  /// Candidates for where the largest magnitude falls on the axis of codes.
  @inline(__always)
  private static var positions: InlineArray<8, Float> {
    [6.2, 6.95, 7.25, 7.75, 8, 8.25, 8.45, 8.85]
  }

  @inline(__always)
  static func packCodes(
    _ block: UnsafePointer<Float>, multiplier: Float, origin: Float,
    to codes: UnsafeMutableRawPointer
  ) {
    Nibbles.store(
      code(f32x16_load(block), multiplier), code(f32x16_load(block + 16), multiplier), to: codes)
  }

  @inline(__always)
  private static func code(_ x: f32x16, _ multiplier: Float) -> i32x16 {
    f32x16_truncated(f32x16_clamped(x * multiplier + 8.5, 0, 15))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>
  ) {
    let (low, high) = Nibbles.load(codes)
    f32x16_store(block, i32x16_to_f32(low &- 8) * scale)
    f32x16_store(block + 16, i32x16_to_f32(high &- 8) * scale)
  }
}
