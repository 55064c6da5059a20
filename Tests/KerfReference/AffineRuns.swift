// The twins of the searches for lines of runs, one run and one element at a time.
//
// What each step is for stands in `KerfKernels/AffineRuns.swift`, `AffineSuperBlock.swift` and
// `AffineReference.swift`.

/// Sums over the codes of a candidate, and the slope that it was refitted to.
struct AffineCandidate {
  /// Σw·z·q, half of Σw·q², Σw·q.
  var zq: Float
  var half: Float
  var q: Float
  var slope: Float
}

/// Consecutive elements with a line of their own, z = a · q − c.
struct AffineRun {
  let elements: [Float]
  let highest: Float
  /// Whether b = c − smallest must not be negative.
  let isBounded: Bool
  private let isUniform: Bool

  private(set) var z: [Float] = []
  private(set) var w: [Float] = []
  private(set) var smallest: Float = 0
  private(set) var range: Float = 0
  private(set) var sum: Float = 0
  private(set) var weight: Float = 0
  private(set) var heaviest: Float = 0
  /// What the run counts among the others of its block.
  var share: Float = 1

  private(set) var error = Float.infinity
  var slope: Float = 0
  var shift: Float = 0
  private(set) var candidates: [AffineCandidate] = []

  /// - Parameter importance: `nil` where each element counts alike.
  init(_ elements: [Float], _ importance: [Float]?, highest: Float, isBounded: Bool) {
    self.elements = elements
    self.highest = highest
    self.isBounded = isBounded
    isUniform = importance == nil
    let x = elements.map { clamped($0, -0x1p40, 0x1p40) }
    smallest = x.reduce(isBounded ? 0 : x[0], lower) + 0
    range = x.reduce(x[0], upper) - smallest
    if range < 0x1p-40 { range = 0 }
    z = x.map { $0 - smallest }
    if let importance {
      heaviest = importance.reduce(0, upper)
      let isWeightless = heaviest < 0x1p-100
      let unit = 1 / (isWeightless ? 1 : heaviest)
      w = importance.map { isWeightless ? 1 : upper($0 * unit, 0x1p-40) }
      weight = w.reduce(0, +)
    } else {
      w = elements.map { _ in 1 }
      weight = Float(elements.count)
    }
    sum = zip(z, w).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Whole numbers, clamped to the codes there are.
  private func code(_ place: Float, clamps: Bool = true) -> Float {
    clamps ? nearest(place, highest) : place + 0x1.8p23 - 0x1.8p23
  }

  mutating func tryLine(
    slope ownSlope: Float, multiplier: Float, origin: Float, clamps: Bool = true,
    refits: Bool = true, isAbsolute: Bool = false
  ) {
    let codes = z.map { code(($0 - origin) * multiplier, clamps: clamps) }
    var (xq, qq, q) = (Float(0), Float(0), Float(0))
    for (j, code) in codes.enumerated() {
      let wq = code * w[j]
      xq += z[j] * wq
      qq += code * wq
      q += wq
    }
    let square = weight * qq
    let determinant = square - q * q
    var a = square * 0x1p-12 < determinant ? (weight * xq - sum * q) / determinant : ownSlope
    var c = (a * q - sum) * (1 / weight)
    if isBounded {
      if c < smallest { a = (xq + smallest * q) * inverseOfPositive(qq) }
      c = upper(c, smallest)
    }
    a = upper(a, 0)
    if !refits { (a, c) = (ownSlope, 0 - origin) }
    let half = qq * 0.5
    var found = a * (a * half - xq) + c * (c * (weight * 0.5) - (a * q - sum))
    if isAbsolute {
      found = 0
      for (j, code) in codes.enumerated() { found += abs(a * code - c - z[j]) * w[j] }
    }
    if found < error { (error, slope, shift) = (found, a, c) }
    candidates.append(AffineCandidate(zq: xq, half: half, q: q, slope: a))
  }

  mutating func tryLines(_ spans: [(first: Float, last: Float)], clamps: Bool) {
    let unit = inverseOfPositive(range)
    for (first, last) in spans {
      let steps = highest + last - first
      let slope = range * (1 / steps)
      tryLine(
        slope: slope, multiplier: unit * steps, origin: slope * (0 - first), clamps: clamps)
    }
  }

  mutating func tryBest() {
    tryLine(slope: slope, multiplier: inverseOfPositive(slope), origin: 0 - shift)
  }

  mutating func shiftBest() {
    let multiplier = inverseOfPositive(slope)
    let q = zip(z, w).reduce(Float(0)) { $0 + code(($1.0 - (0 - shift)) * multiplier) * $1.1 }
    shift = (slope * q - sum) * (1 / weight)
  }

  mutating func tryReferenceLines(first: Float, count: Int, isAbsolute: Bool) {
    shift = 0
    for k in -1..<count {
      let steps = highest + (k < 0 ? 0 : first + 0.1 * Float(k))
      let span = range + shift
      tryLine(
        slope: span * (1 / steps), multiplier: inverseOfPositive(span) * steps, origin: 0 - shift,
        refits: k >= 0, isAbsolute: isAbsolute)
    }
  }

  /// How much the reference code lets elements count.
  static func referenceWeights(_ elements: [Float], isAbsolute: Bool) -> [Float] {
    let x = elements.map { clamped($0, -0x1p40, 0x1p40) }
    let square = isAbsolute ? 0 : x.reduce(0) { $0 + $1 * $1 }
    let root = (square * (1 / Float(x.count))).squareRoot()
    return x.map { root + abs($0) }
  }
}

/// A block of runs whose lines share two scales: y = (d · s) · q − (dmin · m).
struct AffineBlock {
  var runs: [AffineRun]
  let levels: Float
  private(set) var scale: Float = 0
  private(set) var minimum: Float = 0
  private(set) var s: [Float]
  private(set) var m: [Float]
  private var total = Float.infinity

  init(_ runs: [AffineRun], levels: Float) {
    self.runs = runs
    self.levels = levels
    s = runs.map { _ in 0 }
    m = s
  }

  /// With importance: weights of the runs among each other.
  mutating func share() {
    let all = runs.map(\.heaviest).reduce(0, upper)
    for r in runs.indices {
      runs[r].share = upper(runs[r].heaviest / (all >= 0x1p-100 ? all : 1), 0x1p-30)
    }
  }

  private mutating func judge(_ scale: Float, _ minimum: Float) {
    var (bestS, bestM) = (s, m)
    var errors: [Float] = []
    for (r, run) in runs.enumerated() {
      let unit = inverseOfPositive(scale)
      let unitOfMinimum = inverseOfPositive(minimum)
      let perCode = unitOfMinimum * (1 / run.weight)
      let origin = (run.smallest + run.sum * (1 / run.weight)) * unitOfMinimum
      var error = Float.infinity
      (bestS[r], bestM[r]) = (0, 0)
      for kept in run.candidates {
        var s = nearest(kept.slope * unit - 0.5, levels - 1)
        for _ in 0..<2 {
          let a = s * scale
          let m = nearest(a * (kept.q * perCode) - origin, levels)
          let c = m * minimum + run.smallest
          let e =
            a * (a * kept.half - kept.zq) + c * (c * (run.weight * 0.5) - (a * kept.q - run.sum))
          if e < error { (error, bestS[r], bestM[r]) = (e, s, m) }
          s += 1
        }
      }
      errors.append(error * run.share)
    }
    let total = pairwise(errors)
    if total < self.total {
      (self.total, self.scale, self.minimum, s, m) = (total, scale, minimum, bestS, bestM)
    }
  }

  mutating func spread(_ ends: [(scale: Float, minimum: Float)]) {
    let largestSlope = runs.map(\.slope).reduce(0, upper)
    let largestShift = runs.map { $0.shift - $0.smallest }.reduce(0, upper)
    for end in ends {
      judge(
        stored(largestSlope * (1 / (levels + end.scale))),
        stored(largestShift * (1 / (levels + end.minimum))))
    }
  }

  mutating func refit() {
    for r in runs.indices {
      let slope = s[r] * scale
      runs[r].tryLine(
        slope: slope, multiplier: inverseOfPositive(slope),
        origin: 0 - (m[r] * minimum + runs[r].smallest))
    }
    func sum(_ term: (Int, AffineRun, AffineCandidate) -> Float) -> Float {
      pairwise(runs.indices.map { runs[$0].share * term($0, runs[$0], runs[$0].candidates.last!) })
    }
    let p = sum { r, _, kept in s[r] * s[r] * (kept.half + kept.half) }
    let q = sum { r, _, kept in s[r] * m[r] * kept.q }
    let u = sum { r, run, _ in m[r] * m[r] * run.weight }
    let v = sum { r, run, kept in s[r] * (kept.zq + run.smallest * kept.q) }
    let w = sum { r, run, _ in m[r] * (run.sum + run.smallest * run.weight) }
    let determinant = p * u - q * q
    let isClear = p * u * 0x1p-12 < determinant
    judge(
      stored(isClear ? (v * u - w * q) / determinant : scale),
      stored(isClear ? (v * q - w * p) / determinant : minimum))
  }

  mutating func takeLargest() {
    let shifts = runs.map { $0.shift - $0.smallest }
    let largestSlope = runs.map(\.slope).reduce(0, upper)
    let largestShift = shifts.reduce(0, upper)
    scale = stored(largestSlope * (1 / levels))
    minimum = stored(largestShift * (1 / levels))
    s = runs.map { nearest($0.slope * (levels * inverseOfPositive(largestSlope)), levels) }
    m = shifts.map { nearest($0 * (levels * inverseOfPositive(largestShift)), levels) }
  }

  /// The codes of each run.
  var codes: [[UInt8]] {
    runs.indices.map { r in
      let multiplier = inverseOfPositive(scale * s[r])
      let origin = 0 - minimum * m[r]
      return runs[r].elements.map { UInt8(nearest(($0 - origin) * multiplier, runs[r].highest)) }
    }
  }

  private func stored(_ x: Float) -> Float { Float(Float16(clamped(x, 0, 65504))) }
}

/// The sum in the order in which lanes are folded: neighbours, then pairs, and so on.
private func pairwise(_ terms: [Float]) -> Float {
  terms.count == 1
    ? terms[0]
    : pairwise(stride(from: 0, to: terms.count, by: 2).map { terms[$0] + terms[$0 + 1] })
}

// Where a lane is NaN, vectors take the second operand.
func lower(_ a: Float, _ b: Float) -> Float { a < b ? a : b }
func upper(_ a: Float, _ b: Float) -> Float { a > b ? a : b }
private func clamped(_ x: Float, _ low: Float, _ high: Float) -> Float {
  lower(upper(x, low), high)
}

/// The whole number within 0…highest, ties to even.
func nearest(_ place: Float, _ highest: Float) -> Float {
  clamped(place, 0, highest) + 0x1.8p23 - 0x1.8p23
}

func inverseOfPositive(_ x: Float) -> Float { x > 0 ? 1 / x : 0 }
