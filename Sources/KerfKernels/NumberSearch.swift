// The scale of least squared error for groups of numbers.
//
// Candidates say where the element of largest magnitude falls on the grid, or how many steps a scale
// is from the first, where scales are among a few. For each, Σ w·x·q and Σ w·q² over the nearest
// numbers tell what it takes off the error: the square of the first by the second, after a refit by
// least squares, where any scale may be stored; s · (2 Σ w·x·q − s · Σ w·q²) where not.

internal import CVectors
internal import KerfElements

/// A candidate of each lane's group.
struct GroupCandidate {
  /// What elements are multiplied by.
  let multiplier: f32x16
  /// The scale of scaled elements, and its bits, where it is one of a few.
  let scale: f32x16
  let bits: i32x16
}

/// What is left of candidates, a lane each.
struct GroupFit {
  /// What it takes off the error.
  var gain = f32x16(repeating: 0)
  var xq = f32x16(repeating: 0)
  var qq = f32x16(repeating: 1)
  var bits = i32x16(repeating: 0)

  @inline(__always) init() {}

  /// What sums tell of a candidate. One whose gain is no number has none.
  @inline(__always)
  init(_ candidate: GroupCandidate, _ xq: f32x16, _ qq: f32x16, isFree: Bool) {
    let gain =
      isFree
      ? xq * xq * f32x16_inverse_of_positive(qq)
      : candidate.scale * ((xq + xq) - candidate.scale * qq)
    let zero = f32x16(repeating: 0)
    self.gain = f32x16_select(f32x16_above(gain, zero), gain, zero)
    self.xq = xq
    self.qq = qq
    bits = candidate.bits
  }

  /// Takes another one where that takes more off.
  @inline(__always)
  mutating func challenge(_ other: GroupFit) {
    let isMore = f32x16_above(other.gain, gain)
    gain = f32x16_select(isMore, other.gain, gain)
    xq = f32x16_select(isMore, other.xq, xq)
    qq = f32x16_select(isMore, other.qq, qq)
    bits = i32x16_select(isMore, other.bits, bits)
  }
}

extension NumberGroups {
  /// How many candidates a group has.
  @inline(__always)
  var candidateCount: Int {
    switch shape.scale {
    case .e8m0: Weights.isUniform ? 2 : 4
    case .e4m3: Weights.isUniform ? 8 : 16
    default: Grid.placeCount
    }
  }

  /// Where the element of largest magnitude falls.
  @inline(__always)
  var places: InlineArray<16, Float> { Weights.isUniform ? Grid.places : Grid.importantPlaces }
  /// How many steps a scale is from the first.
  @inline(__always)
  var steps: InlineArray<16, Int32> {
    shape.scale == .e8m0
      ? [0, 1, -1, -2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      : [0, 1, -1, 2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6, -7, -8]
  }

  /// The candidate with those places, or so many steps away.
  @inline(__always)
  func candidate(places: f32x16, steps: i32x16, _ facts: GroupFacts) -> GroupCandidate {
    let zero = f32x16(repeating: 0)
    if shape.isFree {
      let scaled = facts.size * facts.unit
      let multiplier = places * Grid.largest / scaled
      return GroupCandidate(
        multiplier: f32x16_select(f32x16_equal(scaled, zero), zero, multiplier), scale: zero,
        bits: i32x16(repeating: 0))
    }
    let magnitude = f32x16_abs(facts.size)
    var bits: i32x16
    if shape.scale == .e8m0 {
      // With the first, the largest element is within the octave of the largest number, with the next
      // below it. Where it may count little, it may be above.
      let octave = Int32(bitPattern: Grid.largest.bitPattern &>> 23) &- 127
      bits = (f32x16_bits(magnitude) &>> 23) &- octave &+ steps
      bits = i32x16_min(i32x16_max(bits, i32x16(repeating: 0)), i32x16(repeating: 254))
    } else {
      // Around the one with which the largest element is the largest number.
      bits = shape.stored(magnitude * (1 / Grid.largest), rest) &+ steps
      bits = i32x16_min(i32x16_max(bits, i32x16(repeating: 1)), i32x16(repeating: 126))
    }
    let scale = shape.value(bits, rest) * facts.unit
    return GroupCandidate(multiplier: 1 / scale, scale: scale, bits: bits)
  }

  /// The bits of the scale that fits, or those of the reference where nothing is gained.
  @inline(__always)
  func bits(_ fit: GroupFit, _ facts: GroupFacts) -> i32x16 {
    var bits = fit.bits
    if shape.isFree {
      let largest = Float.greatestFiniteMagnitude
      bits = shape.stored(
        f32x16_clamped(fit.xq / fit.qq * (1 / facts.unit), -largest, largest), rest)
    }
    let gains = f32x16_above(fit.gain, f32x16(repeating: 0))
    return i32x16_select(gains, bits, referenceBits(facts))
  }

  /// Adds the products of elements, with the nearest numbers of their places.
  @inline(__always)
  func add(_ element: f32x16, _ weight: f32x16, _ multiplier: f32x16, to sums: inout CodeMoments) {
    let x = Grid.isSymmetric ? f32x16_abs(element) : element
    let q =
      Weights.isUniform ? Grid.nearestWithin(x * multiplier) : Grid.nearest(x * multiplier)
    let weighted = Weights.isUniform ? q : q * weight
    sums.xq += x * weighted
    sums.qq += q * weighted
  }
}
