// The scale of least squared error for y = q · d, q in −negative…positive.
//
// Sixteen blocks stand in sixteen lanes, transposed, so that a candidate scale costs six vector
// instructions per sixteen elements and no sum across lanes.
//
// 1. Normalise: y = −x / e, where e is the element of largest magnitude. Candidates are then the
//    same constants t for every block: t is where e falls on the axis of codes. The reference code
//    takes t = negative. A smaller t is a coarser grid that may happen to fit better; a larger one
//    is finer for the many small elements and clamps e.
// 2. For each t, with r = t·y − round(t·y): R = Σr² and P = Σr·y. Codes are q = t·y − r, so the
//    error that would remain after refitting the scale by least squares follows without another
//    pass, and without the cancellation of Σx² − (Σxq)² / Σq²:
//        Σ(x − dq)² = e²/t² · (R·U − w²) / (U − 2w + R),    U = t²·Σy²,  w = t·P.
// 3. No clamping in the loop. Only the extremes of the two sides can leave the range of codes, and
//    their share of R and P is put right afterwards.
// 4. The winner's least-squares scale, rounded to half precision, is held against the reference
//    code's scale with the codes that either would store; the better one stays. So no block comes
//    out worse than the reference.
//
// The candidates were chosen greedily for least error over the blocks of real and of generated
// weights. More of them gain little: q4_0 leaves 0.8907 of the reference error where an exhaustive
// search over all half-precision scales leaves about 0.889.

internal import CVectors

/// What a symmetric format's search needs to know of it.
struct SymmetricCodes {
  /// The magnitudes of the smallest and the largest code.
  let negative: Float
  let positive: Float
}

extension BlockGroup<Floats> {
  /// - Parameters:
  ///   - positions: Candidates t; none may lie half-way between two codes at the ends.
  ///   - referenceScale: The reference code's scale, from the signed element of largest magnitude.
  @inline(__always)
  func symmetricFit<let n: Int>(
    _ codes: SymmetricCodes, positions: InlineArray<n, Float>,
    referenceScale: (_ signedLargest: f32x16) -> f32x16
  ) -> Fit {
    fillColumns()
    let extremes = columnExtremes()
    let below = 0 - extremes.minimum
    let positiveSide = extremes.maximum .>= below
    let largest = below.replacing(with: extremes.maximum, where: positiveSide) + 0
    let other = extremes.maximum.replacing(with: below, where: positiveSide)
    let signedLargest = self.signedLargest(maxima: extremes.maximum, minima: extremes.minimum)

    let usable = largest .> 1e-30 .& largest .< 1e30
    let normalizer = (-1 / signedLargest).replacing(with: 0, where: .!usable)
    let opposite = other * f32x16_abs(normalizer)
    let sumOfSquares = normalizeColumns(origin: f32x16(repeating: 0), normalizer).squares

    // The candidate with the least error num / den so far, and Σyq, Σq² of its codes.
    var best = (num: f32x16(repeating: 1e30), den: f32x16(repeating: 1))
    var bestYQ = f32x16(repeating: 0)
    var bestQQ = f32x16(repeating: 1)
    var first = 0
    while first < n {
      let lanes = residuals(positions, first)
      for c in 0..<4 {
        let t = positions[first &+ c]
        var residual = lanes.squares[c]
        var product = lanes.products[c]
        if t > codes.positive + 0.5 {
          let u = opposite * t
          let code = f32x16_round(u)
          let r = u - code
          let excess = f32x16_max(code - codes.positive, f32x16(repeating: 0))
          residual += excess * ((r + r) + excess)
          product += opposite * excess
        }
        if t > codes.negative + 0.5 {
          let code = (-t).rounded(.toNearestOrEven)
          let r = -t - code
          let excess = code + codes.negative
          residual += excess * (r + r + excess)
          product -= excess
        }
        let u = (t * t) * sumOfSquares
        let w = t * product
        let qq = (u - (w + w)) + residual
        let num = residual * u - w * w
        let den = qq * (t * t)
        let better = num * best.den .< best.num * den
        best.num.replace(with: num, where: better)
        best.den.replace(with: den, where: better)
        bestQQ.replace(with: qq, where: better)
        bestYQ.replace(with: t * sumOfSquares - product, where: better)
      }
      first &+= 4
    }

    let searched = half((0 - signedLargest) * (bestYQ / bestQQ))
    // Adding zero makes −0 of a block of zeros 0.
    let reference = half(referenceScale(signedLargest) + 0)
    let takeSearched = guardedChoice(codes, searched, reference) .& usable
    return .symmetric(scale: reference.replacing(with: searched, where: takeSearched))
  }

  /// Whether the searched scale, with nearest codes, leaves less error than the reference scale.
  @inline(__always)
  func guardedChoice(
    _ codes: SymmetricCodes, _ searched: f32x16, _ reference: f32x16
  ) -> SIMDMask<SIMD16<Int32>> {
    let searchedMultiplier = Fit.reciprocal(searched)
    let referenceMultiplier = Fit.reciprocal(reference)
    var searchedError = f32x16(repeating: 0)
    var referenceError = f32x16(repeating: 0)
    for j in 0..<32 {
      let x = f32x16_load(originals + 16 &* j)
      let p = f32x16_round(
        f32x16_clamped(x * referenceMultiplier, -codes.negative, codes.positive))
      let e = x - p * reference
      referenceError += e * e
      let q = f32x16_round(f32x16_clamped(x * searchedMultiplier, -codes.negative, codes.positive))
      let r = x - q * searched
      searchedError += r * r
    }
    return searchedError * guardMargin .< referenceError
  }
}

/// Sums in single precision may call a tie wrongly; a gain smaller than this is none.
let guardMargin: Float = 1 + 0x1p-17

/// To half precision and back, within its finite range.
@inline(__always)
func half(_ x: f32x16) -> f32x16 {
  f16x16_widened(f32x16_narrowed_f16(f32x16_clamped(x, -65504, 65504)))
}
