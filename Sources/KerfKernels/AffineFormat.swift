// What the affine formats share: y = q · d + m, q in 0…largest.
//
// The reference code spans the block: m = min x, d = (max x − m) / largest; q = ⌊(x − m) / d + ½⌋.

internal import CVectors

protocol AffineFormat: SearchedFormat {
  /// Candidates for where the extremes of a block fall on the axis of codes.
  static var spans: InlineArray<16, CodeSpan> { get }
}

extension AffineFormat {
  static var hasMinimum: Bool { true }
  @inline(__always) static var zero: Int32 { 0 }
  @inline(__always) private static var largestCode: Float { Float(axis.highest) }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    let (minima, maxima) = group.extremes()
    return .affine(minimum: minima, maximum: maxima, largestCode: largestCode)
  }

  @inline(__always)
  static func outline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup<Floats>, outline: AffineOutline) {
    BlockGroup.affineOutline(source, count, slot: slot, workspace)
  }

  @inline(__always)
  static func fits(
    _ group: BlockGroup<Floats>, _ outline: AffineOutline
  ) -> (searched: Fit, reference: Fit) {
    group.affineFits(outline, axis, spans: spans)
  }

  // The search takes all elements alike.
  @inline(__always)
  static func encodeWeighted(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    encodeOptimal(source, target, blocks, workspace)
  }

  @inline(__always)
  static func codes(_ x: f32x16, multiplier: Float, origin: Float) -> i32x16 {
    f32x16_truncated((x - origin) * multiplier + 0.5)
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low) * scale + minimum, i32x16_to_f32(high) * scale + minimum)
  }
}
