// E2M1, the numbers of mxfp4 and nvfp4: 0, ½, 1, 1½, 2, 3, 4, 6, and the same with a minus.
//
// A code is the number's place in that list, and 8 for a minus.

internal import CVectors

enum E2M1 {
  /// The nearest number of the grid to each lane, which must not be negative.
  ///
  /// From 1 on, numbers have two significant bits: a product with 2²² + 1, of which the lane is taken
  /// away, loses the others (Veltkamp). Below 1, steps of ½ are those of a float of that size.
  @inline(__always)
  static func nearest(_ magnitudes: f32x16) -> f32x16 {
    let x = f32x16_min(magnitudes, f32x16(repeating: 6))
    let large = f32x16_max(x * 0x1.000004p22, f32x16(repeating: 0x1.8p22))
    return large - (large - x)
  }

  /// Where one number of the grid gives way to the next; what is half-way belongs to the smaller.
  struct Bounds {
    private let a, b, c, d, e, f, g: f32x16

    /// Bounds of the grid whose numbers are scaled by twice `half`. Where a number overflows,
    /// nothing belongs to it.
    @inline(__always)
    init(half: f32x16) {
      @inline(__always) func between(_ low: Float, _ high: Float) -> f32x16 {
        (half * low) * 0.5 + (half * high) * 0.5
      }
      a = between(0, 1)
      b = between(1, 2)
      c = between(2, 3)
      d = between(3, 4)
      e = between(4, 6)
      f = between(6, 8)
      g = between(8, 12)
    }

    /// The code of each lane. What becomes zero has no sign.
    @inline(__always)
    func code(_ x: f32x16) -> i32x16 {
      let magnitude = f32x16_abs(x)
      let isNonzero = f32x16_above(magnitude, a)
      var code = (f32x16_bits(x) &>> 28) & 8 & isNonzero
      code &-= isNonzero
      code &-= f32x16_above(magnitude, b)
      code &-= f32x16_above(magnitude, c)
      code &-= f32x16_above(magnitude, d)
      code &-= f32x16_above(magnitude, e)
      code &-= f32x16_above(magnitude, f)
      return code &- f32x16_above(magnitude, g)
    }
  }
}

extension Runs {
  /// Σ w·r² for each of `n` multipliers, r being what |x| · multiplier lacks to the nearest number.
  @inline(__always)
  func e2m1Errors<let n: Int>(_ multipliers: InlineArray<n, f32x16>) -> InlineArray<n, f32x16> {
    var sums = InlineArray<n, f32x16>(repeating: f32x16(repeating: 0))
    var j = 0
    while j < length {
      let magnitude = f32x16_abs(element(j))
      for c in 0..<n {
        let place = magnitude * multipliers[c]
        let residual = place - E2M1.nearest(place)
        sums[c] += weighted(residual * residual, j)
      }
      j &+= 1
    }
    return sums
  }

  /// Packs the codes of every run: byte j holds code j below, and the code half a run later above.
  /// Word w of every run goes to `rest` + 64 · w.
  @inline(__always)
  func packE2M1(_ bounds: E2M1.Bounds) {
    var w = 0
    while w < length / 8 {
      var word = i32x16(repeating: 0)
      for i in 0..<4 {
        let j = 4 &* w &+ i
        let low = bounds.code(element(j))
        let high = bounds.code(element(j &+ length / 2))
        word |= (low | high &<< 4) &<< Int32(8 &* i)
      }
      i32x16_store(rest + 64 &* w, word)
      w &+= 1
    }
  }
}
