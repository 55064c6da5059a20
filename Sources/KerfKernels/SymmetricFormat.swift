// What the small symmetric formats share: y = (q − zero) · d, q in 0…2·zero − 1.
//
// The reference code makes the first element of largest magnitude, M, the code 0: d = M / −zero, of
// either sign; q = min(2·zero − 1, ⌊x / d + zero + ½⌋).

internal import CVectors

protocol SymmetricFormat: BlockFormat {
  /// The code that stands for zero.
  static var zero: Int32 { get }
  /// Candidates for where the largest magnitude falls on the axis of codes.
  static var positions: InlineArray<8, Float> { get }
}

extension SymmetricFormat {
  static var hasMinimum: Bool { false }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    .symmetric(scale: group.signedLargest() / -Float(zero))
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup<Floats>) -> Fit {
    group.symmetricFit(
      SymmetricCodes(negative: Float(zero), positive: Float(zero) - 1), positions: positions,
      referenceScale: { $0 / -Float(zero) })
  }

  @inline(__always)
  static func codes(
    _ x: f32x16, multiplier: Float, origin: Float, clamping: Bool
  ) -> i32x16 {
    let u = x * multiplier + (Float(zero) + 0.5)
    return f32x16_truncated(clamping ? f32x16_clamped(u, 0, 2 * Float(zero) - 1) : u)
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low &- zero) * scale, i32x16_to_f32(high &- zero) * scale)
  }
}
