// What codes of groups stand for before any scale: NF4, FP4, E2M1, E4M3.

internal import CVectors

/// The numbers of a group's codes. Zero is one of them.
protocol NumberGrid: SendableMetatype {
  /// Bits of a code: 4 or 8.
  static var bits: Int { get }
  /// The largest number.
  static var largest: Float { get }
  /// Whether there is −y for every y: then no search needs scales of either sign.
  static var isSymmetric: Bool { get }
  /// Whether the public code divides elements by the scale; it multiplies by the inverse otherwise.
  static var divides: Bool { get }
  /// Candidates for where the element of largest magnitude falls, in units of the largest number.
  /// With importance, that element may count little.
  static var places: InlineArray<16, Float> { get }
  static var importantPlaces: InlineArray<16, Float> { get }
  /// How many of them there are, a power of two.
  static var placeCount: Int { get }

  /// The nearest number; of a symmetric grid, of lanes that are not negative.
  static func nearest(_ places: f32x16) -> f32x16
  /// The same, for lanes that are no farther out than the candidates say.
  static func nearestWithin(_ places: f32x16) -> f32x16
  /// The code of the nearest number.
  static func codes(_ places: f32x16) -> u8x16
  static func numbers(_ codes: u8x16) -> f32x16
}

extension NumberGrid {
  @inline(__always) static var bits: Int { 4 }
  @inline(__always) static var isSymmetric: Bool { true }
  @inline(__always) static var divides: Bool { false }
  @inline(__always) static var placeCount: Int { 8 }
  @inline(__always) static func nearestWithin(_ places: f32x16) -> f32x16 { nearest(places) }
}

/// Quantiles of a normal distribution. −1 is one of them, and so is 1, but the others differ in
/// sign: a group is tried both ways.
enum NF4Grid: NumberGrid {
  @inline(__always) static var largest: Float { 1 }
  @inline(__always) static var isSymmetric: Bool { false }
  @inline(__always) static var placeCount: Int { 16 }
  @inline(__always)
  static var places: InlineArray<16, Float> {
    [
      1, -1, 1.1, -1.075, 0.94, 1.05, -0.94, -1.15, -1.025, 0.76, 1.15, 0.98, -0.98, -0.74, -1.1,
      1.025,
    ]
  }
  @inline(__always)
  static var importantPlaces: InlineArray<16, Float> {
    [
      1, -1, -1.15, 1.125, 1.275, -1.075, -1.3, 1.05, 0.92, -0.94, -1.8, 0.76, -0.72, 1.45, 1.2,
      -1.5,
    ]
  }
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { f32x16_nf4_nearest(places) }
  @inline(__always)
  static func nearestWithin(_ places: f32x16) -> f32x16 { f32x16_nf4_nearest_within(places) }
  @inline(__always)
  static func codes(_ places: f32x16) -> u8x16 { i32x16_low_bytes(f32x16_nf4_codes(places)) }
  @inline(__always)
  static func numbers(_ codes: u8x16) -> f32x16 { nf4_numbers(codes) }
}

/// 0, ½, 16, 24, 32, 48, 64, 96, in units of 1/96.
enum FP4Grid: NumberGrid {
  @inline(__always) static var largest: Float { 1 }
  @inline(__always)
  static var places: InlineArray<16, Float> {
    [1, 1.125, 1.2, 1.05, 0.94, 1.075, 1.25, 1.15, 0, 0, 0, 0, 0, 0, 0, 0]
  }
  @inline(__always)
  static var importantPlaces: InlineArray<16, Float> {
    [1, 1.2, 1.45, 1.1, 1.75, 1.3, 0.94, 1.05, 0, 0, 0, 0, 0, 0, 0, 0]
  }
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { f32x16_fp4_nearest(places) }
  @inline(__always)
  static func codes(_ places: f32x16) -> u8x16 { f32x16_fp4_codes(places) }
  @inline(__always)
  static func numbers(_ codes: u8x16) -> f32x16 { fp4_numbers(codes) }
}

/// 0, ½, 1, 1½, 2, 3, 4, 6.
enum E2M1Grid: NumberGrid {
  @inline(__always) static var largest: Float { 6 }
  @inline(__always) static var divides: Bool { true }
  @inline(__always)
  static var places: InlineArray<16, Float> {
    [1, 1.1, 0.66, 0.94, 0.72, 1.05, 0.62, 0.76, 0, 0, 0, 0, 0, 0, 0, 0]
  }
  @inline(__always)
  static var importantPlaces: InlineArray<16, Float> {
    [1, 1.2, 0.66, 1.45, 0.94, 1.1, 1.75, 0.76, 0, 0, 0, 0, 0, 0, 0, 0]
  }
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { E2M1.nearest(places) }
  @inline(__always)
  static func codes(_ places: f32x16) -> u8x16 { i32x16_low_bytes(f32x16_e2m1_codes(places)) }
  @inline(__always)
  static func numbers(_ codes: u8x16) -> f32x16 { e2m1_doubled(codes) * 0.5 }
}

/// Floats of eight bits, from 2⁻⁹ to 448.
enum E4M3Grid: NumberGrid {
  @inline(__always) static var bits: Int { 8 }
  @inline(__always) static var largest: Float { 448 }
  @inline(__always) static var divides: Bool { true }
  @inline(__always)
  static var places: InlineArray<16, Float> {
    [1, 0.64, 0.86, 0.72, 0.54, 0.56, 0.92, 0.58, 0, 0, 0, 0, 0, 0, 0, 0]
  }
  @inline(__always) static var importantPlaces: InlineArray<16, Float> { places }
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { f32x16_e4m3_nearest(places) }
  @inline(__always)
  static func codes(_ places: f32x16) -> u8x16 { i32x16_low_bytes(f32x16_e4m3_codes(places)) }
  @inline(__always)
  static func numbers(_ codes: u8x16) -> f32x16 { e4m3_numbers(codes) }
}
