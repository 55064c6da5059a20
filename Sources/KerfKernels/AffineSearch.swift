// The scale and minimum of least squared error for y = q · d + m, q in 0…largest.
//
// As in the symmetric search, sixteen blocks stand in sixteen lanes, elements are normalised, here
// to y = (x − min) / (max − min), and candidates are constants: a pair says where the smallest and
// the largest element fall on the axis of codes, f and largest + g. The reference code takes
// (0, 0).
//
// For each pair, with t = largest + g − f, u = t·y + f and r = u − round(u): R = Σr², S = Σr,
// P = Σr·y. With q = u − r, the error after refitting both d and m by least squares is, up to a
// factor common to all pairs, (var r · var q − cov² rq) / (var q · t²). Clamping is put right for
// the two extremes only; the winner is held against the reference.

internal import CVectors

/// Where a candidate puts the extremes of a block on the axis of codes.
struct CodeSpan {
  /// The code of the smallest element.
  let first: Float
  /// The code of the largest element, counted from the largest code.
  let last: Float

  @inline(__always)
  init(_ first: Float, _ last: Float) {
    self.first = first
    self.last = last
  }
}

extension BlockGroup<Floats> {
  /// - Parameters:
  ///   - largestCode: 15 or 31.
  ///   - spans: Candidates; none may put an extreme half-way between two codes.
  @inline(__always)
  func affineFit<let n: Int>(largestCode: Float, spans: InlineArray<n, CodeSpan>) -> Fit {
    fillColumns()
    let extremes = columnExtremes()
    let range = extremes.maximum - extremes.minimum + 0
    let usable = range .> 1e-30 .& range .< 1e30
    let normalizer = (1 / range).replacing(with: 0, where: .!usable)
    let sums = normalizeColumns(origin: extremes.minimum, normalizer)

    // The pair with the least error num / den so far; Σq, cov(r, q), var q and 1 / t of its codes.
    var best = (num: f32x16(repeating: 1e30), den: f32x16(repeating: 1))
    var bestQ = f32x16(repeating: 0)
    var bestCovariance = f32x16(repeating: 0)
    var bestVariance = f32x16(repeating: 1)
    var bestStep = f32x16(repeating: 1)
    var start = 0
    while start < n {
      let lanes = residuals(spans, start, largestCode)
      for c in 0..<4 {
        let f = spans[start &+ c].first
        let t = largestCode + spans[start &+ c].last - f
        var residual = lanes.squares[c]
        var sum = lanes.sums[c]
        var product = lanes.products[c]

        let firstCode = f.rounded(.toNearestOrEven)
        if firstCode < 0 {
          let r = f - firstCode
          residual += firstCode * (r + r + firstCode)
          sum += firstCode
        }
        let lastCode = (t + f).rounded(.toNearestOrEven)
        if lastCode > largestCode {
          let r = (t + f) - lastCode
          let excess = lastCode - largestCode
          residual += excess * (r + r + excess)
          sum += excess
          product += excess
        }

        let u = t * sums.plain
        let uu = ((t * t) * sums.squares + (2 * f) * u) + 32 * f * f
        let ru = t * product + f * sum
        let rq = ru - residual
        let q = (u + 32 * f) - sum
        let qq = (uu - (ru + ru)) + residual
        let meanQ = q * 0x1p-5
        let varianceR = residual - (sum * sum) * 0x1p-5
        let varianceQ = qq - q * meanQ
        let covariance = rq - sum * meanQ
        let num = varianceR * varianceQ - covariance * covariance
        let den = varianceQ * (t * t)
        let better = num * best.den .< best.num * den
        best.num.replace(with: num, where: better)
        best.den.replace(with: den, where: better)
        bestQ.replace(with: q, where: better)
        bestCovariance.replace(with: covariance, where: better)
        bestVariance.replace(with: varianceQ, where: better)
        bestStep.replace(with: f32x16(repeating: 1 / t), where: better)
      }
      start &+= 4
    }

    let searched = half((range * bestStep) * (1 + bestCovariance / bestVariance))
    // The minimum is fitted to the scale as it is stored.
    let searchedMinimum = half(
      extremes.minimum + (range * sums.plain - searched * bestQ) * 0x1p-5)
    let reference = half(range / largestCode)
    let referenceMinimum = half(extremes.minimum + 0)
    let takeSearched =
      usable
      .& guardedChoice(
        largestCode, searched, searchedMinimum, reference, referenceMinimum)
    let scale = reference.replacing(with: searched, where: takeSearched)
    let minimum = referenceMinimum.replacing(with: searchedMinimum, where: takeSearched)
    return Fit(
      scale: scale, minimum: minimum, multiplier: Fit.reciprocal(scale), origin: minimum)
  }

  /// Whether the searched pair, with nearest codes, leaves less error than the reference pair.
  @inline(__always)
  func guardedChoice(
    _ largestCode: Float, _ searched: f32x16, _ searchedMinimum: f32x16, _ reference: f32x16,
    _ referenceMinimum: f32x16
  ) -> SIMDMask<SIMD16<Int32>> {
    let searchedMultiplier = Fit.reciprocal(searched)
    let referenceMultiplier = Fit.reciprocal(reference)
    var searchedError = f32x16(repeating: 0)
    var referenceError = f32x16(repeating: 0)
    for j in 0..<32 {
      let x = f32x16_load(originals + 16 &* j)
      let v = x - referenceMinimum
      let p = f32x16_round(f32x16_clamped(v * referenceMultiplier, 0, largestCode))
      let e = v - p * reference
      referenceError += e * e
      let w = x - searchedMinimum
      let q = f32x16_round(f32x16_clamped(w * searchedMultiplier, 0, largestCode))
      let r = w - q * searched
      searchedError += r * r
    }
    return searchedError * guardMargin .< referenceError
  }
}
