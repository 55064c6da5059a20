// What the elements of a tile are like: extremes, mean, and central moments up to the fourth.
//
// Two walks over a tile, which stays in the first-level cache: the first finds the mean, the second
// adds up powers of the distances from it. So nothing is lost where the mean is large beside the
// deviation, as it would be with sums of x², x³ and x⁴. The mean of doubles is off by a rounding δ,
// which Σ(x−m) tells; to first order Σ(x−m)³ and Σ(x−m)⁴ are off by 3δ·Σ(x−m)² and 4δ·Σ(x−m)³, and
// Σ(x−m)² not at all. Powers of a Float's distance neither overflow a double nor vanish in it.

internal import CVectors
package import KerfElements

/// What the first walk finds of sixteen elements at a time, a lane each.
private struct LaneExtremes {
  var low = f64x8(repeating: 0)
  var high = f64x8(repeating: 0)
  var smallest: f32x16
  var largest: f32x16
  var zeros = i32x16(repeating: 0)

  @inline(__always)
  init(_ first: f32x16) {
    smallest = first
    largest = first
  }

  // Not inlined, as the second: where the compiler sees lanes taken apart in the end, it takes
  // vectors apart in the loop.
  @inline(never)
  mutating func add(_ x: UnsafePointer<Float>, _ count: Int) {
    var sums = self
    let zero = f32x16(repeating: 0)
    var i = 0
    while i < count {
      let v = f32x16_load(x + i)
      sums.low += f32x16_low_f64(v)
      sums.high += f32x16_high_f64(v)
      sums.smallest = f32x16_min(v, sums.smallest)
      sums.largest = f32x16_max(v, sums.largest)
      // A lane where it holds is −1.
      sums.zeros = sums.zeros &- f32x16_equal(v, zero)
      i &+= 16
    }
    self = sums
  }
}

/// What the second walk adds up, a lane each.
private struct LanePowers {
  var first = f64x8(repeating: 0)
  var second = f64x8(repeating: 0)
  var third = f64x8(repeating: 0)
  var fourth = f64x8(repeating: 0)

  @inline(never)
  mutating func add(_ x: UnsafePointer<Float>, _ count: Int, _ mean: Double) {
    var low = self
    var high = LanePowers()
    let center = f64x8(repeating: mean)
    var i = 0
    while i < count {
      let v = f32x16_load(x + i)
      low.add(f32x16_low_f64(v) - center)
      high.add(f32x16_high_f64(v) - center)
      i &+= 16
    }
    first = low.first + high.first
    second = low.second + high.second
    third = low.third + high.third
    fourth = low.fourth + high.fourth
  }

  @inline(__always)
  private mutating func add(_ distance: f64x8) {
    let square = distance * distance
    first += distance
    second += square
    third += square * distance
    fourth += square * square
  }
}

/// Sums of powers of distances from a mean.
private struct Powers {
  var first = 0.0
  var second = 0.0
  var third = 0.0
  var fourth = 0.0

  @inline(__always)
  mutating func add(_ distance: Double) {
    let square = distance * distance
    first += distance
    second += square
    third += square * distance
    fourth += square * square
  }
}

/// See ``KernelTable/moments``.
package func moments(_ x: UnsafePointer<Float>, _ count: Int) -> Moments {
  let whole = count & ~15
  guard whole > 0 else { return momentsOneByOne(x, count) }
  var lanes = LaneExtremes(f32x16_load(x))
  lanes.add(x, whole)
  var found = Moments()
  found.count = count
  found.minimum = x[0]
  found.maximum = x[0]
  for lane in 0..<16 {
    found.widen(lanes.smallest[lane])
    found.widen(lanes.largest[lane])
    found.zeros &+= Int(lanes.zeros[lane])
  }
  var sum = total(lanes.low + lanes.high)
  var i = whole
  while i < count {
    sum += Double(x[i])
    found.widen(x[i])
    if x[i] == 0 { found.zeros &+= 1 }
    i &+= 1
  }
  // No sum of Floats overflows a double: it is finite where all elements are.
  guard sum.isFinite else { return momentsOneByOne(x, count) }

  let mean = sum / Double(count)
  var distances = LanePowers()
  distances.add(x, whole, mean)
  var powers = Powers()
  powers.first = total(distances.first)
  powers.second = total(distances.second)
  powers.third = total(distances.third)
  powers.fourth = total(distances.fourth)
  i = whole
  while i < count {
    powers.add(Double(x[i]) - mean)
    i &+= 1
  }
  found.finish(powers, mean)
  return found
}

/// The rare way: where an element is not finite, and for so few that they fill no vector.
private func momentsOneByOne(_ x: UnsafePointer<Float>, _ count: Int) -> Moments {
  var found = Moments()
  var sum = 0.0
  var i = 0
  while i < count {
    let element = x[i]
    i &+= 1
    guard element.isFinite else {
      if element.isNaN { found.notNumbers &+= 1 } else { found.infinities &+= 1 }
      continue
    }
    if found.count == 0 {
      found.minimum = element
      found.maximum = element
    }
    found.count &+= 1
    found.widen(element)
    if element == 0 { found.zeros &+= 1 }
    sum += Double(element)
  }
  guard found.count > 0 else { return found }
  let mean = sum / Double(found.count)
  var powers = Powers()
  i = 0
  while i < count {
    if x[i].isFinite { powers.add(Double(x[i]) - mean) }
    i &+= 1
  }
  found.finish(powers, mean)
  return found
}

extension Moments {
  /// Widens the extremes, where that is needed, to hold an element.
  @inline(__always)
  fileprivate mutating func widen(_ element: Float) {
    if element < minimum { minimum = element }
    if element > maximum { maximum = element }
  }

  /// Takes over sums of powers of distances from a mean that is off by a rounding.
  @inline(__always)
  fileprivate mutating func finish(_ powers: Powers, _ mean: Double) {
    // Zeros of either sign are one number; so are elements that are all the same.
    minimum += 0
    maximum += 0
    guard minimum < maximum else {
      self.mean = Double(minimum)
      return
    }
    let rounding = powers.first / Double(count)
    self.mean = mean + rounding
    second = powers.second
    third = powers.third - 3 * rounding * powers.second
    fourth = powers.fourth - 4 * rounding * powers.third
  }
}

/// See ``KernelTable/tally``. One by one: what takes the time is counting.
package func tally(
  _ x: UnsafePointer<Float>, _ count: Int, _ bins: TallyBins, _ counts: UnsafeMutablePointer<Int>
) {
  let center = bins.center
  let reach = bins.reach
  let last = bins.count &- 1
  let binsPerUnit = Double(bins.count) / (2 * reach)
  var i = 0
  while i < count {
    let distance = Double(x[i]) - center
    i &+= 1
    if distance.magnitude <= reach {
      var bin = Int((distance + reach) * binsPerUnit)
      if bin > last { bin = last }
      counts[bin &+ 1] &+= 1
    } else if distance.isFinite {
      counts[distance < 0 ? 0 : last &+ 2] &+= 1
    }
  }
}
