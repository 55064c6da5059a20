// Scales of integer groups, and integer zero points: y = (q − z) · s.
//
// Candidates say where a group's extremes fall on the axis of codes. Without an offset that is the
// element of largest magnitude, on either side of the middle, for the scale has a sign. With a zero
// point, the smallest and the largest element; zero is among them. Each candidate's scale is refitted
// to its codes by least squares; what then remains follows from two sums,
//
//     min over s of Σ w(x − s(q − z))² = Σ wx² − (Σ wx(q − z))² / Σ w(q − z)²,
//
// and the codes nearest to the best line are refitted once more.
//
// A search never takes z = 0, which GPTQ's first layout cannot hold.

internal import CVectors
internal import KerfElements

#if KERF_AVX512
  /// Candidates that go through the elements together: they share the loads, and their chains of sums
  /// hide each other's latency.
  typealias Abreast = InlineArray<4, f32x16>
#else
  typealias Abreast = InlineArray<2, f32x16>
#endif

/// The scale and the zero point that leave least so far, each lane for itself.
struct BestGroupScale {
  var xq = f32x16(repeating: 0)
  var qq = f32x16(repeating: 1)
  var zero: f32x16
  private var square = f32x16(repeating: 0)

  @inline(__always)
  init(zero: f32x16) { self.zero = zero }

  @inline(__always)
  mutating func take(_ xq: f32x16, _ qq: f32x16, zero: f32x16) {
    let square = xq * xq
    let isBetter = f32x16_above(square * self.qq, self.square * qq)
    self.xq = f32x16_select(isBetter, xq, self.xq)
    self.qq = f32x16_select(isBetter, qq, self.qq)
    self.zero = f32x16_select(isBetter, zero, self.zero)
    self.square = f32x16_select(isBetter, square, self.square)
  }
}

extension GroupElements {
  /// Σ w·x·p and Σ w·p² over p = q − z, the nearest integers to x · multiplier in −z…highest − z.
  @inline(__always)
  private func sums<let n: Int>(
    _ multipliers: InlineArray<n, f32x16>, zeros: InlineArray<n, f32x16>, highest: Float
  ) -> (xq: InlineArray<n, f32x16>, qq: InlineArray<n, f32x16>) {
    let magic: Float = 0x1.8p23
    var xq = InlineArray<n, f32x16>(repeating: f32x16(repeating: 0))
    var qq = xq
    let lowest = InlineArray<n, f32x16> { 0 - zeros[$0] }
    let largest = InlineArray<n, f32x16> { highest - zeros[$0] }
    var j = 0
    while j < vectors {
      let x = element(j)
      for c in 0..<n {
        let q =
          f32x16_min(f32x16_max(x * multipliers[c], lowest[c]), largest[c]) + magic - magic
        let wq = weighted(q, j)
        xq[c] += x * wq
        qq[c] += q * wq
      }
      j &+= 1
    }
    for c in 0..<n {
      xq[c] = total(xq[c])
      qq[c] = total(qq[c])
    }
    return (xq, qq)
  }

  /// Decides the scale, and the zero point where there is one.
  @inline(never)
  func decideScale(_ group: IntegerGroup, _ work: GroupWork) {
    let nothing = f32x16(repeating: 0)
    var elements = self
    elements.count(from: nothing)
    let highest = Float(group.highest)
    let middle = f32x16(repeating: Float(group.middle))
    let isSymmetric = group.offset == .none
    let unit = work.unit
    let smallest = f32x16_min(work.smallest * unit, nothing)
    let largest = f32x16_max(work.largest * unit, nothing)
    // What a code's place is divided by: the element of largest magnitude, or the range.
    let size =
      isSymmetric
      ? f32x16_where_at_least(largest, 0 - smallest, largest, smallest) : largest - smallest
    let inverse = reciprocals(size)

    var best = BestGroupScale(zero: middle)
    let candidates = work.candidates
    var k = 0
    while k < work.candidateCount {
      var multipliers = Abreast(repeating: nothing)
      var zeros = Abreast(repeating: middle)
      for c in multipliers.indices {
        let (first, last) = (candidates[2 &* (k &+ c)], candidates[2 &* (k &+ c) &+ 1])
        if isSymmetric {
          multipliers[c] = inverse * first
        } else {
          multipliers[c] = inverse * (highest + last - first)
          let place = f32x16_clamped(first - smallest * multipliers[c], 1, highest)
          zeros[c] = place + 0x1.8p23 - 0x1.8p23
        }
      }
      let sums = elements.sums(multipliers, zeros: zeros, highest: highest)
      for c in multipliers.indices { best.take(sums.xq[c], sums.qq[c], zero: zeros[c]) }
      k &+= multipliers.count
    }
    for _ in 0..<2 {
      let refit = elements.sums(
        InlineArray<1, f32x16>(repeating: reciprocals(best.xq / best.qq)),
        zeros: InlineArray<1, f32x16>(repeating: best.zero), highest: highest)
      best.take(refit.xq[0], refit.qq[0], zero: best.zero)
    }

    let stored = group.stored(best.xq / best.qq * work.power)
    let zero = f32x16_truncated(best.zero)
    work.store(
      scale: stored.bits, offset: zero, unit: unit, origin: nothing,
      factor: reciprocals(stored.number * unit), shift: nothing, lowest: 0 - best.zero, zero: zero)
  }
}
