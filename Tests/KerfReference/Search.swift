// The twins of the searches: one block, one element at a time, in the order that the kernels add.
//
// What each step is for stands in `KerfKernels/SymmetricSearch.swift` and `AffineSearch.swift`.

/// What a search decides for a block: the stored scale and minimum, already in half precision.
public struct SearchedFit {
  public var scale: Float
  public var minimum: Float = 0
}

public func searchedSymmetric(
  _ x: [Float], negative: Float, positive: Float, positions: [Float],
  referenceScale: (_ signedLargest: Float) -> Float
) -> SearchedFit {
  let lowest = x.min()!
  let highest = x.max()!
  let below = 0 - lowest
  let largest = (highest >= below ? highest : below) + 0
  let other = highest >= below ? below : highest
  var signed = highest >= below ? highest : lowest
  if highest == below && largest > 0 { signed = signedLargest(x) }
  let usable = largest > 1e-30 && largest < 1e30
  let normalizer = usable ? -1 / signed : 0
  let opposite = other * normalizer.magnitude
  let y = x.map { $0 * normalizer }
  let sumOfSquares = y.reduce(0) { $0 + $1 * $1 }

  var num: Float = 1e30
  var den: Float = 1
  var bestYQ: Float = 0
  var bestQQ: Float = 1
  for t in positions {
    var residual: Float = 0
    var product: Float = 0
    for y in y {
      let r = y * t - (y * t).rounded(.toNearestOrEven)
      residual += r * r
      product += r * y
    }
    if t > positive + 0.5 {
      let code = (opposite * t).rounded(.toNearestOrEven)
      let r = opposite * t - code
      let excess = max(code - positive, 0)
      residual += excess * ((r + r) + excess)
      product += opposite * excess
    }
    if t > negative + 0.5 {
      let code = (-t).rounded(.toNearestOrEven)
      let r = -t - code
      let excess = code + negative
      residual += excess * (r + r + excess)
      product -= excess
    }
    let u = (t * t) * sumOfSquares
    let w = t * product
    let qq = (u - (w + w)) + residual
    let candidate = (num: residual * u - w * w, den: qq * (t * t))
    if candidate.num * den < num * candidate.den {
      (num, den) = candidate
      bestQQ = qq
      bestYQ = t * sumOfSquares - product
    }
  }

  let searched = storedHalf((0 - signed) * (bestYQ / bestQQ))
  let reference = storedHalf(referenceScale(signed) + 0)
  let searchedError = symmetricError(x, searched, negative, positive)
  let referenceError = symmetricError(x, reference, negative, positive)
  let better = usable && searchedError * (1 + 0x1p-17) < referenceError
  return SearchedFit(scale: better ? searched : reference)
}

/// Σ(x − dq)² with the nearest codes.
private func symmetricError(
  _ x: [Float], _ scale: Float, _ negative: Float, _ positive: Float
) -> Float {
  let multiplier = reciprocal(scale)
  return x.reduce(0) { sum, x in
    let q = min(max(x * multiplier, -negative), positive).rounded(.toNearestOrEven)
    let r = x - q * scale
    return sum + r * r
  }
}

public func searchedAffine(
  _ x: [Float], largestCode: Float, spans: [(first: Float, last: Float)]
) -> SearchedFit {
  let lowest = x.min()!
  let range = x.max()! - lowest + 0
  let usable = range > 1e-30 && range < 1e30
  let normalizer = usable ? 1 / range : 0
  let y = x.map { ($0 - lowest) * normalizer }
  let plain = y.reduce(0, +)
  let squares = y.reduce(0) { $0 + $1 * $1 }

  var num: Float = 1e30
  var den: Float = 1
  var best = (q: Float(0), covariance: Float(0), variance: Float(1), step: Float(1))
  for (f, last) in spans {
    let t = largestCode + last - f
    var residual: Float = 0
    var sum: Float = 0
    var product: Float = 0
    for y in y {
      let u = y * t + f
      let r = u - u.rounded(.toNearestOrEven)
      sum += r
      residual += r * r
      product += r * y
    }
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
    let u = t * plain
    let uu = ((t * t) * squares + (2 * f) * u) + 32 * f * f
    let ru = t * product + f * sum
    let rq = ru - residual
    let q = (u + 32 * f) - sum
    let qq = (uu - (ru + ru)) + residual
    let meanQ = q * 0x1p-5
    let varianceR = residual - (sum * sum) * 0x1p-5
    let varianceQ = qq - q * meanQ
    let covariance = rq - sum * meanQ
    let candidate = (
      num: varianceR * varianceQ - covariance * covariance, den: varianceQ * (t * t)
    )
    if candidate.num * den < num * candidate.den {
      (num, den) = candidate
      best = (q, covariance, varianceQ, 1 / t)
    }
  }

  let searched = storedHalf((range * best.step) * (1 + best.covariance / best.variance))
  let searchedMinimum = storedHalf(lowest + (range * plain - searched * best.q) * 0x1p-5)
  let reference = storedHalf(range / largestCode)
  let referenceMinimum = storedHalf(lowest + 0)
  let searchedError = affineError(x, searched, searchedMinimum, largestCode)
  let referenceError = affineError(x, reference, referenceMinimum, largestCode)
  let better = usable && searchedError * (1 + 0x1p-17) < referenceError
  return better
    ? SearchedFit(scale: searched, minimum: searchedMinimum)
    : SearchedFit(scale: reference, minimum: referenceMinimum)
}

/// Σ(x − m − dq)² with the nearest codes.
private func affineError(
  _ x: [Float], _ scale: Float, _ minimum: Float, _ largestCode: Float
) -> Float {
  let multiplier = reciprocal(scale)
  return x.reduce(0) { sum, x in
    let v = x - minimum
    let q = min(max(v * multiplier, 0), largestCode).rounded(.toNearestOrEven)
    let r = v - q * scale
    return sum + r * r
  }
}

/// To half precision and back, within its finite range.
private func storedHalf(_ x: Float) -> Float {
  // A quotient of zeros is no number; it is clamped like the vectors clamp it.
  Float(Float16(x.isNaN ? -65504 : min(max(x, -65504), 65504)))
}
