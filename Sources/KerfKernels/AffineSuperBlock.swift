// Blocks of eight or sixteen runs whose lines share two scales: y = (d · s) · q − (dmin · m), s and m
// in 0…levels.
//
// Given d and dmin, the lines of a run are a lattice. What a point of it leaves with a candidate's
// codes follows from the candidate's sums; for each s next to the candidate's slope there is one best
// m. So a pair of scales is judged without touching an element, and several are: those that put the
// largest line near the end of the lattice, then those that least squares fit to the codes of the
// best points so far.

internal import CVectors

/// Sixteen runs, `lanes` of them to a block.
struct AffineSuperBlock<let levels: Int, let lanes: Int> {
  let facts: RunFacts

  @inline(__always) init(_ facts: RunFacts) { self.facts = facts }

  // What is decided: scales, and the point of each run; and what is being tried.
  @inline(__always) var total: f32x16 {
    get { facts.rest[0] }
    nonmutating set { facts.rest[0] = newValue }
  }
  @inline(__always) var scale: f32x16 {
    get { facts.rest[1] }
    nonmutating set { facts.rest[1] = newValue }
  }
  @inline(__always) var minimum: f32x16 {
    get { facts.rest[2] }
    nonmutating set { facts.rest[2] = newValue }
  }
  @inline(__always) var s: f32x16 {
    get { facts.rest[3] }
    nonmutating set { facts.rest[3] = newValue }
  }
  @inline(__always) var m: f32x16 {
    get { facts.rest[4] }
    nonmutating set { facts.rest[4] = newValue }
  }
  @inline(__always) var triedScale: f32x16 {
    get { facts.rest[5] }
    nonmutating set { facts.rest[5] = newValue }
  }
  @inline(__always) var triedMinimum: f32x16 {
    get { facts.rest[6] }
    nonmutating set { facts.rest[6] = newValue }
  }

  /// To half precision and back; neither negative nor infinite.
  @inline(__always)
  static func stored(_ x: f32x16) -> f32x16 {
    f16x16_widened(f32x16_narrowed_f16(f32x16_clamped(x, 0, 65504)))
  }

  /// Judges the tried scales by the first `count` candidates, and takes them where they leave less.
  @inline(never)
  func judge(_ count: Int) {
    let (scale, minimum) = (triedScale, triedMinimum)
    let (smallest, sum, weight) = (facts.smallest, facts.sum, facts.weight * 0.5)
    let unit = f32x16_inverse_of_positive(scale)
    let unitOfMinimum = f32x16_inverse_of_positive(minimum)
    // m = (a · Σwq − Σwz) / W − smallest, in units of dmin.
    let perCode = unitOfMinimum * facts.inverse
    let origin = (smallest + sum * facts.inverse) * unitOfMinimum
    var error = f32x16(repeating: .infinity)
    var bestS = f32x16(repeating: 0)
    var bestM = bestS
    var k = 0
    while k < count {
      let kept = facts.candidate(k)
      let (zq, half, q) = (kept[0], kept[1], kept[2])
      // The s below the candidate's slope, then the one above.
      let below = f32x16_clamped(kept[3] * unit - 0.5, 0, Float(levels &- 1))
      var s = WholeNumbers.nearest(below)
      let qPerCode = q * perCode
      for _ in 0..<2 {
        let a = s * scale
        let m = Integers<0, levels>.nearest(a * qPerCode - origin)
        let c = m * minimum + smallest
        let e = a * (a * half - zq) + c * (c * weight - (a * q - sum))
        let isBetter = f32x16_below(e, error)
        error = f32x16_min(e, error)
        bestS = f32x16_select(isBetter, s, bestS)
        bestM = f32x16_select(isBetter, m, bestM)
        s += 1
      }
      k &+= 1
    }
    let total = sumOfBlock(error * facts.share, of: lanes)
    let isBetter = f32x16_below(total, self.total)
    self.total = f32x16_min(total, self.total)
    self.scale = f32x16_select(isBetter, scale, self.scale)
    self.minimum = f32x16_select(isBetter, minimum, self.minimum)
    s = f32x16_select(isBetter, bestS, s)
    m = f32x16_select(isBetter, bestM, m)
  }

  /// Tries scales that put the largest lines near the end of the lattice.
  @inline(__always)
  func spread<Table: CandidateTable>(_ table: Table, _ count: Int) {
    let zero = f32x16(repeating: 0)
    total = f32x16(repeating: .infinity)
    (scale, minimum, s, m) = (zero, zero, zero, zero)
    let largestSlope = largestOfBlock(facts.slope, of: lanes)
    let largestShift = largestOfBlock(facts.shift - facts.smallest, of: lanes)
    var i = 0
    while i < table.endCount {
      let end = table.end(i)
      triedScale = Self.stored(largestSlope * (1 / (Float(levels) + end.scale)))
      triedMinimum = Self.stored(largestShift * (1 / (Float(levels) + end.minimum)))
      judge(count)
      i &+= 1
    }
  }

  /// Tries the scales that fit the codes of the points so far, whose sums are candidate `k`.
  @inline(__always)
  func refit(_ k: Int) {
    let kept = facts.candidate(k)
    let (smallest, share, s, m) = (facts.smallest, facts.share, self.s, self.m)
    // Of x = d · (s · q) − dmin · m.
    let xq = kept[0] + smallest * kept[2]
    let x = facts.sum + smallest * facts.weight
    let p = sumOfBlock(share * (s * s * (kept[1] + kept[1])), of: lanes)
    let r = sumOfBlock(share * (s * m * kept[2]), of: lanes)
    let u = sumOfBlock(share * (m * m * facts.weight), of: lanes)
    let v = sumOfBlock(share * (s * xq), of: lanes)
    let w = sumOfBlock(share * (m * x), of: lanes)
    let determinant = p * u - r * r
    let isClear = f32x16_below(p * u * 0x1p-12, determinant)
    triedScale = Self.stored(f32x16_select(isClear, (v * u - w * r) / determinant, scale))
    triedMinimum = Self.stored(f32x16_select(isClear, (v * r - w * p) / determinant, minimum))
    judge(k &+ 1)
  }
}

/// Where the largest line of a block is on the lattice, counted from its end.
struct LatticeEnd {
  let scale: Float
  let minimum: Float

  @inline(__always)
  init(_ scale: Float, _ minimum: Float) {
    self.scale = scale
    self.minimum = minimum
  }
}
