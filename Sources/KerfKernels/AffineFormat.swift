// What the affine formats share: y = q · d + m, q in 0…largest.
//
// The reference code spans the block: m = min x, d = (max x − m) / largest; q = ⌊(x − m) / d + ½⌋.

internal import CVectors

protocol AffineFormat: SearchedFormat {
  associatedtype Codes: CodePacking
  /// Candidates for where the extremes of a block fall on the axis of codes.
  static var spans: InlineArray<16, CodeSpan> { get }
}

extension AffineFormat {
  static var hasMinimum: Bool { true }
  @inline(__always) static var zero: Int32 { 0 }
  @inline(__always) private static var largestCode: Float { Float(axis.highest) }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    .affine(minimum: group.minima(), maximum: group.maxima(), largestCode: largestCode)
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

  @inline(__always)
  static func codes(
    _ x: f32x16, multiplier: Float, origin: Float, clamping: Bool
  ) -> i32x16 {
    let u = (x - origin) * multiplier + 0.5
    return f32x16_truncated(clamping ? f32x16_clamped(u, 0, largestCode) : u)
  }

  @inline(__always)
  static func store(_ low: i32x16, _ high: i32x16, to codes: UnsafeMutableRawPointer) {
    Codes.store(low, high, to: codes)
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>
  ) {
    let (low, high) = Codes.load(codes)
    f32x16_store(block, i32x16_to_f32(low) * scale + minimum)
    f32x16_store(block + 16, i32x16_to_f32(high) * scale + minimum)
  }
}
