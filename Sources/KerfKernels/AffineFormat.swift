// What the affine formats share: y = q · d + m, q in 0…largest.
//
// The reference code spans the block: m = min x, d = (max x − m) / largest; q = ⌊(x − m) / d + ½⌋.

internal import CVectors

protocol AffineFormat: BlockFormat {
  /// 15 or 31.
  static var largestCode: Float { get }
  /// Candidates for where the extremes of a block fall on the axis of codes.
  static var spans: InlineArray<16, CodeSpan> { get }
}

extension AffineFormat {
  static var hasMinimum: Bool { true }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    let (minima, maxima) = group.extremes()
    return .affine(minimum: minima, maximum: maxima, largestCode: largestCode)
  }

  @inline(__always)
  static func optimalFit(_ group: BlockGroup<Floats>) -> Fit {
    group.affineFit(largestCode: largestCode, spans: spans)
  }

  @inline(__always)
  static func codes(
    _ x: f32x16, multiplier: Float, origin: Float, clamping: Bool
  ) -> i32x16 {
    let u = (x - origin) * multiplier + 0.5
    return f32x16_truncated(clamping ? f32x16_clamped(u, 0, largestCode) : u)
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low) * scale + minimum, i32x16_to_f32(high) * scale + minimum)
  }
}
