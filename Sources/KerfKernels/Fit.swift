// Fits of the reference code: a scale from the extremes of a block, and its unrounded reciprocal.

internal import CVectors

extension Fit {
  /// A symmetric fit; a scale of zero has a multiplier of zero.
  @inline(__always)
  static func symmetric(scale: f32x16) -> Fit {
    Fit(scale: scale, multiplier: reciprocal(scale))
  }

  /// The range from the smallest to the largest element, cut into `largestCode` steps.
  @inline(__always)
  static func affine(minimum: f32x16, maximum: f32x16, largestCode: Float) -> Fit {
    // Zeros of either sign must not make a scale of −0.
    let scale = (maximum - minimum + 0) / largestCode
    return Fit(
      scale: scale, minimum: minimum, multiplier: reciprocal(scale), origin: minimum)
  }

  @inline(__always)
  static func reciprocal(_ scale: f32x16) -> f32x16 {
    (1 / scale).replacing(with: 0, where: scale .== 0)
  }
}
