// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q8_0: 32 elements in 34 bytes, 8.5 bits per weight.
//
//     f16 d | i8 q[32]                 y = q · d
//
// reference: d = max|x| / 127, q = x / d rounded half away from zero; −128 stays unused.

internal import CVectors
internal import KerfElements

enum Q8_0: SearchedFormat, WeightedSymmetricFormat {
  typealias Codes = SignedBytes
  typealias Grid = Integers<-128, 127>
  static let bytesPerBlock = 34
  static let hasMinimum = false
  @inline(__always) static var zero: Int32 { 0 }
  @inline(__always) static var lowestCode: Int32 { -128 }
  @inline(__always)
  static var axis: CodeAxis { CodeAxis(lowest: -128, highest: 127, fractionBits: 7) }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    .symmetric(scale: group.largestMagnitudes() / 127)
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
      outline, axis, positions: positions, clampedFrom: 12, .above,
      referenceScale: { f32x16_abs($0) / 127 })
  }

  /// Candidates for where the largest magnitude falls on the axis of codes.
  @inline(__always)
  private static var positions: InlineArray<16, Int16> {
    axis.places([
      115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 125.875, 126.25, 127, 127.875, 128.25,
    ])
  }

  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 14 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<16, Float> = [
        112, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, -128, -129,
      ]
      return places[candidate]
    }
  }

  @inline(__always)
  static func codes(_ x: f32x16, multiplier: Float, origin: Float) -> i32x16 {
    let u = x * multiplier
    // Just below a half: a half itself still carries, its lower neighbours do not.
    return f32x16_truncated(u + f32x16_copysign(0x1.FFFFFEp-2, u))
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low) * scale, i32x16_to_f32(high) * scale)
  }
}
