// Lines y = a · q − b of sixteen runs, a lane each: the search for the best of one run.
//
// Elements are taken from the end of the range where code 0 is: z = x − smallest, so that sums keep
// their digits where all elements are far from zero. A line is then z = a · q − c, b = c − smallest.
// Candidates say where the smallest and the largest element fall on the axis of codes (`CodeSpan`);
// each is refitted to its codes by weighted least squares,
//
//     a = (W·Σwzq − Σwz·Σwq) / (W·Σwq² − (Σwq)²)      c = (a·Σwq − Σwz) / W      W = Σw
//
// and its sums are kept: what any other line leaves with the same codes follows from them, without
// touching an element (`AffineSuperBlock.swift`).

internal import CVectors

/// Whole numbers, none too small or too large.
enum WholeNumbers: CodeGrid {
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { places + 0x1.8p23 - 0x1.8p23 }
}

extension Runs {
  /// Tries codes (z − origin) · multiplier, rounded, keeps their sums as candidate `k`, and refits the
  /// line.
  ///
  /// - Parameters:
  ///   - slope: The line's own slope, for runs whose codes do not say.
  ///   - refits: Whether it is refitted at all.
  ///   - isAbsolute: Whether the sum of errors, not of their squares, says which line is best.
  @inline(__always)
  func tryLine<Grid: CodeGrid>(
    _: Grid.Type, _ k: Int, slope: f32x16, multiplier: f32x16, origin: f32x16, _ bound: LineBound,
    refits: Bool = true, isAbsolute: Bool = false
  ) {
    let sums = moments(Grid.self, multiplier: multiplier, origin: origin)
    let (sum, weight, inverse) = (facts.sum, facts.weight, facts.inverse)
    let square = weight * sums.qq
    let determinant = square - sums.q * sums.q
    let isClear = f32x16_below(square * 0x1p-12, determinant)
    var a = f32x16_select(isClear, (weight * sums.xq - sum * sums.q) / determinant, slope)
    var c = (a * sums.q - sum) * inverse
    if bound == .aboveZero {
      let smallest = facts.smallest
      let isAbove = f32x16_below(c, smallest)
      let through = (sums.xq + smallest * sums.q) * f32x16_inverse_of_positive(sums.qq)
      a = f32x16_select(isAbove, through, a)
      c = f32x16_max(c, smallest)
    }
    a = f32x16_max(a, f32x16(repeating: 0))
    if !refits { (a, c) = (slope, 0 - origin) }
    // Half of what is left, but for Σw·z².
    let half = sums.qq * 0.5
    var error = a * (a * half - sums.xq) + c * (c * (weight * 0.5) - (a * sums.q - sum))
    if isAbsolute {
      error = f32x16(repeating: 0)
      var j = 0
      while j < length {
        let z = element(j)
        let q = Grid.nearest((z - origin) * multiplier)
        error += weighted(f32x16_abs(a * q - c - z), j)
        j &+= 1
      }
    }
    let isBetter = f32x16_below(error, facts.error)
    facts.error = f32x16_min(error, facts.error)
    facts.slope = f32x16_select(isBetter, a, facts.slope)
    facts.shift = f32x16_select(isBetter, c, facts.shift)
    let kept = facts.candidate(k)
    kept[0] = sums.xq
    kept[1] = half
    kept[2] = sums.q
    kept[3] = a
  }

  /// Tries a line whose codes of the smallest and the largest element `span` says.
  @inline(__always)
  func tryLine<Grid: CodeGrid>(
    _: Grid.Type, _ k: Int, _ span: CodeSpan, highest: Int, _ bound: LineBound
  ) {
    let range = facts.range
    let steps = Float(highest) + span.last - span.first
    let slope = range * (1 / steps)
    tryLine(
      Grid.self, k, slope: slope, multiplier: f32x16_inverse_of_positive(range) * steps,
      origin: slope * (0 - span.first), bound)
  }

  /// Tries every candidate of a table.
  @inline(__always)
  func tryLines<Grid: CodeGrid, Table: CandidateTable>(
    _: Grid.Type, _ table: Table, highest: Int
  ) {
    var k = 0
    while k < table.spanCount {
      tryLine(Grid.self, k, table.span(k), highest: highest, .aboveZero)
      k &+= 1
    }
  }

  /// Tries the codes of the best line so far.
  @inline(__always)
  func tryBest<Grid: CodeGrid>(_: Grid.Type, _ k: Int, _ bound: LineBound) {
    let slope = facts.slope
    tryLine(
      Grid.self, k, slope: slope, multiplier: f32x16_inverse_of_positive(slope),
      origin: 0 - facts.shift, bound)
  }

  /// Fits the shift of the best line to its slope and its codes.
  @inline(__always)
  func shiftBest<Grid: CodeGrid>(_: Grid.Type) {
    let slope = facts.slope
    let sums = moments(
      Grid.self, multiplier: f32x16_inverse_of_positive(slope), origin: 0 - facts.shift)
    facts.shift = (slope * sums.q - facts.sum) * facts.inverse
  }
}
