// The inner loops of the searches: what rounding to a candidate's codes leaves, summed lane by lane.
//
// Four candidates go through the columns together: they share the load of each column, and their
// four chains of sums hide each other's latency. Sums run over the elements in order.

internal import CVectors

/// Sums over the 32 elements of a block, a lane per block, for four candidates.
struct ResidualSums {
  /// Σr²
  var squares: InlineArray<4, f32x16>
  /// Σr·y
  var products: InlineArray<4, f32x16>
  /// Σr
  var sums: InlineArray<4, f32x16>

  @inline(__always)
  init() {
    let zeros = InlineArray<4, f32x16>(repeating: f32x16(repeating: 0))
    squares = zeros
    products = zeros
    sums = zeros
  }
}

extension BlockGroup<Floats> {
  /// The smallest and largest element of each block, from its columns.
  @inline(__always)
  func columnExtremes() -> (minimum: f32x16, maximum: f32x16) {
    // Four chains, so that they hide each other's latency.
    var minima = InlineArray<4, f32x16> { f32x16_load(originals + 16 &* $0) }
    var maxima = minima
    for j in 1..<8 {
      for c in 0..<4 {
        let x = f32x16_load(originals + 64 &* j + 16 &* c)
        minima[c] = f32x16_min(minima[c], x)
        maxima[c] = f32x16_max(maxima[c], x)
      }
    }
    return (
      f32x16_min(f32x16_min(minima[0], minima[1]), f32x16_min(minima[2], minima[3])),
      f32x16_max(f32x16_max(maxima[0], maxima[1]), f32x16_max(maxima[2], maxima[3]))
    )
  }

  /// Fills the normalised columns with y = (x − origin) · normalizer; returns Σy and Σy².
  @inline(__always)
  func normalizeColumns(
    origin: f32x16, _ normalizer: f32x16
  ) -> (plain: f32x16, squares: f32x16) {
    var plain = f32x16(repeating: 0)
    var squares = f32x16(repeating: 0)
    for j in 0..<32 {
      let y = (f32x16_load(originals + 16 &* j) - origin) * normalizer
      f32x16_store(normalized + 16 &* j, y)
      plain += y
      squares += y * y
    }
    return (plain, squares)
  }

  /// Residuals of t·y for four positions t from `first`.
  @inline(__always)
  func residuals<let n: Int>(_ positions: InlineArray<n, Float>, _ first: Int) -> ResidualSums {
    var sums = ResidualSums()
    for j in 0..<32 {
      let y = f32x16_load(normalized + 16 &* j)
      for c in 0..<4 {
        let r = f32x16_rounding_error(y * positions[first &+ c])
        sums.squares[c] += r * r
        sums.products[c] += r * y
      }
    }
    return sums
  }

  /// Residuals of t·y + f for four spans from `first`.
  @inline(__always)
  func residuals<let n: Int>(
    _ spans: InlineArray<n, CodeSpan>, _ first: Int, _ largestCode: Float
  ) -> ResidualSums {
    var sums = ResidualSums()
    for j in 0..<32 {
      let y = f32x16_load(normalized + 16 &* j)
      for c in 0..<4 {
        let f = spans[first &+ c].first
        let r = f32x16_rounding_error(y * (largestCode + spans[first &+ c].last - f) + f)
        sums.sums[c] += r
        sums.squares[c] += r * r
        sums.products[c] += r * y
      }
    }
    return sums
  }
}
