// The twins of the searches: one block, one element at a time.
//
// What each step is for stands in `KerfKernels/SymmetricSearch.swift`, `AffineSearch.swift` and
// `BetterFit.swift`.

/// What a search decides for a block, already in half precision, and the codes it takes: q + zero.
public struct SearchedFit {
  public var scale: Float
  public var minimum: Float = 0
  public var codes: [UInt8]
}

/// Codes from `lowest` to `highest`, stored as q + zero; places are multiples of 2^−fractionBits.
struct Axis {
  let lowest: Int32
  let highest: Int32
  let fractionBits: Int32
  var zero: Int32 = 0

  func places(_ codes: Float) -> Int32 {
    Int32((codes * Float(1 << fractionBits)).rounded(.toNearestOrAwayFromZero))
  }

  /// The nearest code of a place.
  func code(_ place: Int32) -> Int32 {
    min(max(scaled(place, 1 << (15 - fractionBits)), lowest), highest)
  }
}

/// ⌊x · y / 2¹⁵ + ½⌋
private func scaled(_ x: Int32, _ y: Int32) -> Int32 { (x * y + (1 << 14)) >> 15 }

private func word(_ x: Float) -> Int32 {
  x.isNaN ? -32768 : Int32(min(max(x.rounded(.toNearestOrEven), -32768), 32767))
}

private func isSearchable(_ size: Float) -> Bool { size > 1e-30 && size < 1e30 }

func searchedSymmetric(
  _ x: [Float], _ axis: Axis, positions: [Float],
  referenceScale: (_ signedLargest: Float) -> Float
) -> SearchedFit {
  let largest = x.map(\.magnitude).max()!
  let normalizer = isSearchable(largest) ? 32767 / largest : 0
  let y = x.map { word($0 * normalizer) }
  let sign: Int32 =
    y.contains(32767) && (!y.contains(-32767) || signedLargest(x) > 0) ? -1 : 1

  var best = (square: Float(0), yq: Float(0), qq: Float(1))
  for t in positions {
    let q = y.map { axis.code(scaled($0, sign * axis.places(t))) }
    let yq = Float(zip(y, q).reduce(0) { $0 + $1.0 * $1.1 })
    let qq = Float(q.reduce(0) { $0 + $1 * $1 })
    if yq * yq * best.qq > best.square * qq { best = (yq * yq, yq, qq) }
  }

  let reference = storedHalf(referenceScale(sign < 0 ? largest : 0 - largest) + 0)
  let searched = storedHalf((best.yq / best.qq) * (largest * (1 / Float(32767))))
  let isFound = isSearchable(largest) && searched != 0 && reference != 0
  return better(
    x, axis, searched: isFound ? (searched, 0) : (reference, 0), reference: (reference, 0))
}

func searchedAffine(
  _ x: [Float], _ axis: Axis, spans: [(first: Float, last: Float)]
) -> SearchedFit {
  let smallest = signedSmallest(x)
  let range = x.max()! - smallest + 0
  let normalizer = isSearchable(range) ? 32767 / range : 0
  let y = x.map { word(($0 - smallest) * normalizer) }
  let sum = Float(y.reduce(0, +))
  let mean = sum * 0x1p-5

  var best = (square: Float(0), cov: Float(0), variance: Float(1), q: Float(0))
  for (f, g) in spans {
    let step = axis.places(Float(axis.highest) + g - f)
    let q = y.map { axis.code(scaled($0, step) + axis.places(f)) }
    let total = Float(q.reduce(0, +))
    let cov = Float(zip(y, q).reduce(0) { $0 + $1.0 * $1.1 }) - total * mean
    let variance = Float(q.reduce(0) { $0 + $1 * $1 }) - (total * total) * 0x1p-5
    if cov * cov * best.variance > best.square * variance {
      best = (cov * cov, cov, variance, total)
    }
  }

  let unit = range * (1 / Float(32767))
  let reference = storedHalf(range / Float(axis.highest))
  let referenceMinimum = storedHalf(smallest + 0)
  let searched = storedHalf(unit * (best.cov / best.variance))
  let searchedMinimum = storedHalf(smallest + (unit * sum - searched * best.q) * 0x1p-5)
  let isFound = isSearchable(range) && searched != 0 && reference != 0
  return better(
    x, axis, searched: isFound ? (searched, searchedMinimum) : (reference, referenceMinimum),
    reference: (reference, referenceMinimum))
}

/// The fit that leaves less error, with its codes; the reference where it is too close to tell.
private func better(
  _ x: [Float], _ axis: Axis, searched: (scale: Float, minimum: Float),
  reference: (scale: Float, minimum: Float)
) -> SearchedFit {
  func coded(_ fit: (scale: Float, minimum: Float)) -> (codes: [UInt8], squares: [Float]) {
    let multiplier = reciprocal(fit.scale)
    var codes: [UInt8] = []
    var squares: [Float] = []
    for x in x {
      let v = (x - fit.minimum) * multiplier
      // No number, as of ∞ · 0, is clamped like the vectors clamp it.
      let u = v.isNaN ? Float(axis.lowest) : min(max(v, Float(axis.lowest)), Float(axis.highest))
      let q = u.rounded(.toNearestOrEven)
      codes.append(UInt8(truncatingIfNeeded: Int32(q) + axis.zero))
      squares.append((v - q) * (v - q))
    }
    return (codes, squares)
  }
  let found = coded(searched)
  let kept = coded(reference)
  let ratio = searched.scale * reciprocal(reference.scale)
  let weight = ratio * ratio * (1 + 0x1p-10)
  let differences = (0..<16).map { (i: Int) -> Float in
    let new = found.squares[i] + found.squares[i + 16]
    let old = kept.squares[i] + kept.squares[i + 16]
    return new * weight - old
  }
  return rowSum(differences) < -0x1p-15
    ? SearchedFit(scale: searched.scale, minimum: searched.minimum, codes: found.codes)
    : SearchedFit(scale: reference.scale, minimum: reference.minimum, codes: kept.codes)
}

/// The sum of sixteen, in the order in which vectors are folded.
private func rowSum(_ row: [Float]) -> Float {
  let quarters = stride(from: 0, to: 16, by: 4).map { (i: Int) -> Float in
    (row[i] + row[i + 2]) + (row[i + 1] + row[i + 3])
  }
  return (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}

/// The smallest element, of zeros the first.
private func signedSmallest(_ x: [Float]) -> Float {
  x.dropFirst().reduce(x[0]) { $1 < $0 ? $1 : $0 }
}

/// To half precision and back, within its finite range.
func storedHalf(_ x: Float) -> Float {
  // A quotient of zeros is no number; it is clamped like the vectors clamp it.
  Float(Float16(x.isNaN ? -65504 : min(max(x, -65504), 65504)))
}
