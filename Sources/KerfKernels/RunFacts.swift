// What a search for lines knows of sixteen runs before it begins, and what it has found.
//
//     the workspace's rest   0         576      1088           2048
//                            RunFacts  scales   lines to be    candidates: 256 bytes each
//                                               written

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
  /// The best line so far: half of what it leaves (but for Σw·z²), a, c.
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
  /// Candidate k: Σw·z·q, half of Σw·q², Σw·q, a.
  @inline(__always) func candidate(_ k: Int) -> RunFacts {
    RunFacts(memory: memory + (2048 &+ 256 &* k))
  }
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

  @inline(__always)
  private func setElement(_ j: Int, _ z: f32x16) { f32x16_store(workspace + 4096 + 64 &* j, z) }
  @inline(__always)
  private func setWeight(_ j: Int, _ w: f32x16) { f32x16_store(workspace + 6144 + 64 &* j, w) }
}
