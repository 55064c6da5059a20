// The sixteen numbers of iq4_nl and iq4_xs: denser around zero, like weights are.

internal import CVectors

enum Codebook: CodedGrid {
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { f32x16_iq4_nearest(places) }
  @inline(__always)
  static func nearestWithin(_ places: f32x16) -> f32x16 { f32x16_iq4_nearest_within(places) }
  @inline(__always)
  static func codes(_ places: f32x16) -> i32x16 { f32x16_iq4_codes(places) }

  /// Where the reference code puts a run's largest element: 127, then −120, −121 and so on to −134.
  enum ReferenceCandidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 0 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      candidate == 0 ? 127 : -135 + Float(candidate)
    }
  }
  enum Candidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 10 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<16, Float> = [
        92, 109, 114, 118, 122, -103, -108, -112, -120, -123, 126, -126, -129, -133, -137, -141,
      ]
      return places[candidate]
    }
  }
  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 20 }
    @inline(__always) static var countWithin: Int { 9 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<20, Float> = [
        92, 106, 112, 116, 122, -86, -102, -110, -118, 130, 144, 166, -124, -128, -132, -138, -144,
        -154, -168, -188,
      ]
      return places[candidate]
    }
  }

  /// Sixteen bytes of 32 codes: the low nibble of byte j is code j, the high nibble code j + 16.
  @inline(__always)
  static func pack(_ codes: UnsafePointer<UInt8>, to target: UnsafeMutableRawPointer) {
    u8x16_store(target, u8x16_load(codes) | u8x16_load(codes + 16) &<< 4)
  }

  /// The elements of sixteen such bytes.
  @inline(__always)
  static func unpack(
    _ source: UnsafeRawPointer, scale: Float, to elements: UnsafeMutableRawPointer
  ) {
    let bytes = u8x16_load(source)
    let low = i8x16_widened(i8x16_picked(i8x16_iq4_table(), bytes & 15))
    let high = i8x16_widened(i8x16_picked(i8x16_iq4_table(), bytes &>> 4))
    f32x16_store(elements, i32x16_to_f32(low) * scale)
    f32x16_store(elements + 64, i32x16_to_f32(high) * scale)
  }
}
