// What a candidate lost against its reference: five sums and a maximum in one pass over both.
//
// Sixteen elements at a time become two vectors of eight doubles. A product of two Floats is exact
// in double precision; lanes are added in a fixed order at the end, so every instruction set and
// every number of threads gives the same sums.

internal import CVectors
package import KerfElements

/// Running sums, one per lane.
private struct LaneSums {
  var squaredError = f64x8(repeating: 0)
  var squaredReference = f64x8(repeating: 0)
  var squaredCandidate = f64x8(repeating: 0)
  var absoluteError = f64x8(repeating: 0)
  var error = f64x8(repeating: 0)
  var maxAbsoluteError = f64x8(repeating: 0)

  @inline(__always)
  mutating func add(_ x: f64x8, _ y: f64x8) {
    let e = y - x
    let magnitude = f64x8_abs(e)
    squaredError += e * e
    squaredReference = f64x8_adding_exact_square(squaredReference, x)
    squaredCandidate = f64x8_adding_exact_square(squaredCandidate, y)
    absoluteError += magnitude
    error += e
    maxAbsoluteError = f64x8_max(magnitude, maxAbsoluteError)
  }
}

package func lossSums(
  _ reference: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, _ count: Int
) -> LossSums {
  let whole = count & ~15
  var low = LaneSums()
  var high = LaneSums()
  var i = 0
  while i < whole {
    let x = f32x16_load(reference + i)
    let y = f32x16_load(candidate + i)
    low.add(f32x16_low_f64(x), f32x16_low_f64(y))
    high.add(f32x16_high_f64(x), f32x16_high_f64(y))
    i &+= 16
  }
  // No square of a Float overflows a Double, so these sums are finite where all elements are.
  let squares = total(
    (low.squaredReference + high.squaredReference) + (low.squaredCandidate + high.squaredCandidate))
  guard squares.isFinite else { return lossSumsOneByOne(reference, candidate, count) }
  var sums = lossSumsOneByOne(reference + whole, candidate + whole, count &- whole)
  sums.squaredError += total(low.squaredError + high.squaredError)
  sums.squaredReference += total(low.squaredReference + high.squaredReference)
  sums.squaredCandidate += total(low.squaredCandidate + high.squaredCandidate)
  sums.absoluteError += total(low.absoluteError + high.absoluteError)
  sums.error += total(low.error + high.error)
  let largest = f64x8_max(low.maxAbsoluteError, high.maxAbsoluteError)
  for lane in 0..<8 where largest[lane] > sums.maxAbsoluteError {
    sums.maxAbsoluteError = largest[lane]
  }
  return sums
}

/// The rare way: where an element is not finite, and for the few that fill no vector.
private func lossSumsOneByOne(
  _ reference: UnsafePointer<Float>, _ candidate: UnsafePointer<Float>, _ count: Int
) -> LossSums {
  var sums = LossSums()
  var i = 0
  while i < count {
    let x = Double(reference[i])
    let y = Double(candidate[i])
    i &+= 1
    guard x.isFinite else {
      sums.nonFiniteReference &+= 1
      continue
    }
    guard y.isFinite else {
      sums.nonFiniteCandidate &+= 1
      continue
    }
    let e = y - x
    let magnitude = e.magnitude
    sums.squaredError += e * e
    sums.squaredReference += x * x
    sums.squaredCandidate += y * y
    sums.absoluteError += magnitude
    sums.error += e
    if magnitude > sums.maxAbsoluteError { sums.maxAbsoluteError = magnitude }
  }
  return sums
}

/// The sum of the lanes, in an order that is the same everywhere.
@inline(__always)
func total(_ v: f64x8) -> Double {
  ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}
