// What searches for scales see of groups, and the memory they work in.
//
// Elements are counted in units of a power of two, near the largest magnitude of their group: no sum
// overflows or loses what is small, whatever the scale's type can hold.
//
//     workspace   0             32768       33024
//                 the elements  candidates  facts and decisions: vectors with a lane per group
//
// Of a long group, each lane says the same.

internal import CVectors
internal import KerfElements

/// Elements of sixteen groups, a lane each, or of one group, sixteen to a vector.
protocol GroupElements: SendableMetatype {
  associatedtype Weights: Weighting
  /// How many vectors of elements there are.
  var vectors: Int { get }
  /// The elements of a vector, in units of their group and counted from its origin.
  func element(_ j: Int) -> f32x16
  /// `x` times how much the squared error of each counts.
  func weighted(_ x: f32x16, _ j: Int) -> f32x16
  /// In each lane, the sum over a whole group.
  func total(_ x: f32x16) -> f32x16
  /// Counts elements from `origin` on, in units of their group.
  mutating func count(from origin: f32x16)
}

/// The workspace of groups: what is known of them, and what is decided.
struct GroupWork {
  let memory: UnsafeMutableRawPointer

  @inline(__always)
  private subscript(_ i: Int) -> f32x16 {
    get { f32x16_load(memory + (33024 &+ 64 &* i)) }
    nonmutating set { f32x16_store(memory + (33024 &+ 64 &* i), newValue) }
  }
  /// The smallest element and the largest, as they are.
  @inline(__always) var smallest: f32x16 {
    get { self[0] }
    nonmutating set { self[0] = newValue }
  }
  @inline(__always) var largest: f32x16 {
    get { self[1] }
    nonmutating set { self[1] = newValue }
  }
  /// A power of two, and its reciprocal, which elements are multiplied with.
  @inline(__always) var power: f32x16 {
    get { self[2] }
    nonmutating set { self[2] = newValue }
  }
  @inline(__always) var unit: f32x16 {
    get { self[3] }
    nonmutating set { self[3] = newValue }
  }

  /// What is known once extremes are: units. Zeros of either sign are one.
  @inline(__always)
  func store(smallest: f32x16, largest: f32x16) {
    self.smallest = smallest + 0
    self.largest = largest + 0
    let magnitude = f32x16_max(f32x16_abs(smallest), f32x16_abs(largest))
    let exponent = i32x16_min(
      i32x16_max(f32x16_bits(magnitude) &>> 23, i32x16(repeating: 1)), i32x16(repeating: 252))
    power = i32x16_as_f32(exponent &<< 23)
    unit = i32x16_as_f32((254 &- exponent) &<< 23)
  }

  // Candidates: where a group's extremes fall on the axis of codes.

  @inline(__always)
  var candidates: UnsafeMutablePointer<Float> {
    (memory + 32768).assumingMemoryBound(to: Float.self)
  }
  /// How many there are.
  @inline(__always) var candidateCount: Int {
    get { (memory + (32768 &+ 248)).load(as: Int.self) }
    nonmutating set { (memory + (32768 &+ 248)).storeBytes(of: newValue, as: Int.self) }
  }

  // What is decided: a rule for the codes of each group.

  @inline(__always)
  func store(
    scale: i32x16, offset: i32x16, unit: f32x16, origin: f32x16, factor: f32x16, shift: f32x16,
    lowest: f32x16, zero: i32x16
  ) {
    self[4] = i32x16_as_f32(scale)
    self[5] = i32x16_as_f32(offset)
    self[6] = unit
    self[7] = origin
    self[8] = factor
    self[9] = shift
    self[10] = lowest
    self[11] = i32x16_as_f32(zero)
  }

  /// Whether quotients by all factors come from their reciprocals.
  @inline(__always) var hasUsualFactors: Bool {
    let magnitude = f32x16_abs(self[8])
    let least = f32x16(repeating: 0x1p-60)
    let most = f32x16(repeating: 0x1p60)
    return i32x16_mask_bits(f32x16_below(magnitude, least) | f32x16_above(magnitude, most)) == 0
  }

  /// The rule of one of the groups.
  @inline(__always)
  func rule(_ group: Int) -> CodeRule {
    @inline(__always) func number(_ i: Int) -> Float {
      (memory + (33024 &+ 64 &* i &+ 4 &* group)).load(as: Float.self)
    }
    return CodeRule(
      scale: number(4).bitPattern, offset: number(5).bitPattern, unit: number(6),
      origin: number(7), factor: number(8), shift: number(9), lowest: number(10),
      zero: Int32(bitPattern: number(11).bitPattern))
  }
}

/// How weights are levelled: the largest of a group becomes 1, and none is so small that a sum of
/// products loses it. Where all are nothing, all count alike.
struct WeightLevel {
  let unit, floor: f32x16

  @inline(__always)
  init(largest: f32x16) {
    let isNothing = f32x16_below(largest, f32x16(repeating: 0x1p-100))
    let one = f32x16(repeating: 1)
    let zero = f32x16(repeating: 0)
    unit = f32x16_select(isNothing, zero, 1 / f32x16_select(isNothing, one, largest))
    floor = f32x16_select(isNothing, one, f32x16(repeating: 0x1p-30))
  }

  @inline(__always)
  func levelled(_ w: f32x16) -> f32x16 { f32x16_max(w * unit, floor) }
}
