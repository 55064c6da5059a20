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

/// Where the lines of a format may be.
enum LineBound {
  /// Anywhere.
  case none
  /// b ≥ 0: what is added to the product is never positive.
  case aboveZero
}

/// What is known of sixteen runs, in memory: vectors with a lane per run.
struct RunFacts {
  let memory: UnsafeMutableRawPointer

  @inline(__always)
  subscript(_ i: Int) -> f32x16 {
    get { f32x16_load(memory + 64 &* i) }
    nonmutating set { f32x16_store(memory + 64 &* i, newValue) }
  }

  /// What z is counted from.
  @inline(__always) var smallest: f32x16 {
    get { self[0] }
    nonmutating set { self[0] = newValue }
  }
  /// The largest z; what half precision rounds to zero anyway counts as zero.
  @inline(__always) var range: f32x16 {
    get { self[1] }
    nonmutating set { self[1] = newValue }
  }
  /// Σw·z
  @inline(__always) var sum: f32x16 {
    get { self[2] }
    nonmutating set { self[2] = newValue }
  }
  /// Σw
  @inline(__always) var weight: f32x16 {
    get { self[3] }
    nonmutating set { self[3] = newValue }
  }
  /// 1 / Σw
  @inline(__always) var inverse: f32x16 {
    get { self[4] }
    nonmutating set { self[4] = newValue }
  }
  /// What a run counts among the others of its block.
  @inline(__always) var share: f32x16 {
    get { self[5] }
    nonmutating set { self[5] = newValue }
  }
  /// The best line so far: what it leaves (but for Σw·z²), a, c.
  @inline(__always) var error: f32x16 {
    get { self[6] }
    nonmutating set { self[6] = newValue }
  }
  @inline(__always) var slope: f32x16 {
    get { self[7] }
    nonmutating set { self[7] = newValue }
  }
  @inline(__always) var shift: f32x16 {
    get { self[8] }
    nonmutating set { self[8] = newValue }
  }

  /// What else is decided, and behind it the candidates.
  @inline(__always) var rest: RunFacts { RunFacts(memory: memory + 576) }
  /// The sums of candidate k.
  @inline(__always) func candidate(_ k: Int) -> RunFacts {
    RunFacts(memory: memory + (2048 &+ 256 &* k))
  }
}

/// Whole numbers, none too small or too large.
enum WholeNumbers: CodeGrid {
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { places + 0x1.8p23 - 0x1.8p23 }
}

/// In each lane the sum of those of its block, eight or sixteen.
@inline(__always)
func sumOfBlock(_ x: f32x16, of lanes: Int) -> f32x16 {
  lanes == 16 ? f32x16_whole_sums(x) : f32x16_half_sums(x)
}
/// In each lane the largest of those of its block, of one, eight or sixteen.
@inline(__always)
func largestOfBlock(_ x: f32x16, of lanes: Int) -> f32x16 {
  lanes == 16 ? f32x16_whole_maxima(x) : lanes == 8 ? f32x16_half_maxima(x) : x
}

/// No magnitude beyond this matters: what half precision can scale is far below.
private let largestMagnitude: Float = 0x1p40
/// Weights below this count as zero.
private let smallestWeight: Float = 0x1p-100

extension Runs {
  @inline(__always) var facts: RunFacts { RunFacts(memory: rest) }

  /// Counts elements from the smallest, or from 0 where lines must not start above it, and weights in
  /// units of the largest of a run. A run without any weight counts each element alike.
  @inline(__always)
  func level(_ bound: LineBound, runsPerBlock: Int) {
    let zero = f32x16(repeating: 0)
    var smallest = bound == .none ? element(0) : zero
    var largest = element(0)
    var heaviest = zero
    var j = 0
    while j < length {
      smallest = f32x16_min(smallest, element(j))
      largest = f32x16_max(largest, element(j))
      if !Weights.isUniform { heaviest = f32x16_max(heaviest, weight(j)) }
      j &+= 1
    }
    if f32x16_below_bits(smallest, -largestMagnitude)
      | f32x16_below_bits(0 - largest, -largestMagnitude) != 0
    {
      j = 0
      while j < length {
        setElement(j, f32x16_clamped(element(j), -largestMagnitude, largestMagnitude))
        j &+= 1
      }
      smallest = f32x16_clamped(smallest, -largestMagnitude, largestMagnitude)
      largest = f32x16_clamped(largest, -largestMagnitude, largestMagnitude)
    }

    // Zeros of either sign are one.
    smallest += 0
    let isWeightless = f32x16_below(heaviest, f32x16(repeating: smallestWeight))
    let one = f32x16(repeating: 1)
    // So little that it only counts where nothing else does, and no sum is subnormal.
    let lightest = f32x16(repeating: 0x1p-40)
    let unit = 1 / f32x16_select(isWeightless, one, heaviest)
    var sum = zero
    var weights = zero
    j = 0
    while j < length {
      let z = element(j) - smallest
      setElement(j, z)
      if !Weights.isUniform {
        let w = f32x16_select(isWeightless, one, f32x16_max(weight(j) * unit, lightest))
        setWeight(j, w)
        weights += w
      }
      sum += weighted(z, j)
      j &+= 1
    }
    if Weights.isUniform { weights = f32x16(repeating: Float(length)) }
    let range = largest - smallest
    facts.smallest = smallest
    facts.range = f32x16_where_at_least(range, f32x16(repeating: 0x1p-40), range, zero)
    facts.sum = sum
    facts.weight = weights
    facts.inverse = 1 / weights
    if Weights.isUniform {
      facts.share = one
    } else {
      let all = largestOfBlock(heaviest, of: runsPerBlock)
      let share =
        heaviest / f32x16_where_at_least(all, f32x16(repeating: smallestWeight), all, one)
      facts.share = f32x16_max(share, f32x16(repeating: 0x1p-30))
    }
    facts.error = f32x16(repeating: .infinity)
  }

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
    let twice = sums.xq + sums.xq
    let rest = a * sums.q - sum
    var error = a * (a * sums.qq - twice) + c * (c * weight - (rest + rest))
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
    kept[0] = twice
    kept[1] = sums.qq
    kept[2] = sums.q
    kept[3] = a
  }

  /// Tries every candidate of `spans`.
  @inline(__always)
  func tryLines<Grid: CodeGrid, let n: Int>(
    _: Grid.Type, spans: InlineArray<n, CodeSpan>, highest: Int, _ bound: LineBound
  ) {
    let range = facts.range
    let unit = f32x16_inverse_of_positive(range)
    var k = 0
    while k < n {
      let steps = Float(highest) + spans[k].last - spans[k].first
      let slope = range * (1 / steps)
      tryLine(
        Grid.self, k, slope: slope, multiplier: unit * steps, origin: slope * (0 - spans[k].first),
        bound)
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

  @inline(__always)
  private func setElement(_ j: Int, _ z: f32x16) { f32x16_store(workspace + 4096 + 64 &* j, z) }
  @inline(__always)
  private func setWeight(_ j: Int, _ w: f32x16) { f32x16_store(workspace + 6144 + 64 &* j, w) }
}
