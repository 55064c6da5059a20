// What the small symmetric formats share: y = (q − zero) · d, q in 0…2·zero − 1.
//
// The reference code makes the first element of largest magnitude, M, the code 0: d = M / −zero, of
// either sign; q = min(2·zero − 1, ⌊x / d + zero + ½⌋).

internal import CVectors

protocol SymmetricFormat: SearchedFormat, WeightedSymmetricFormat {
  /// Candidates for where the largest magnitude falls on the axis of codes.
  static var positions: InlineArray<8, Int16> { get }
  /// The first of them that may exceed the range of codes.
  static var clampedFrom: Int { get }
  static var clamping: Clamping { get }
}

extension SymmetricFormat {
  static var hasMinimum: Bool { false }
  @inline(__always) static var lowestCode: Int32 { 0 }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    .symmetric(scale: group.signedLargest() / -Float(zero))
  }

  @inline(__always)
  static func outline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup<Floats>, outline: f32x16) {
    BlockGroup.symmetricOutline(source, count, slot: slot, workspace)
  }

  @inline(__always)
  static func fits(
    _ group: BlockGroup<Floats>, _ outline: f32x16
  ) -> (searched: Fit, reference: Fit) {
    group.symmetricFits(
      outline, axis, positions: positions, clampedFrom: clampedFrom, clamping,
      referenceScale: { $0 / -Float(zero) })
  }

  @inline(__always)
  static func codes(_ x: f32x16, multiplier: Float, origin: Float) -> i32x16 {
    f32x16_truncated(x * multiplier + (Float(zero) + 0.5))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low &- zero) * scale, i32x16_to_f32(high &- zero) * scale)
  }
}
