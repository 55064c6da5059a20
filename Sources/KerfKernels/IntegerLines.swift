// Scales and biases of integer groups: y = q · s + b.
//
// Candidates say where the smallest and the largest element fall on the axis of codes. Elements are
// counted from the smallest, z = x − min x, so that sums keep their digits where all are far from
// zero. Each line z = a · q + c is refitted to its codes by weighted least squares,
//
//     a = (W·Σwzq − Σwz·Σwq) / (W·Σwq² − (Σwq)²)      c = (Σwz − a·Σwq) / W      W = Σw
//
// and what it leaves follows from the same sums. The best is refitted twice more, and then c alone, to
// the scale as it is stored.

internal import CVectors
internal import KerfElements

/// Sums over codes q and elements z.
struct GroupLineSums {
  var zq, qq, q: f32x16
}

/// The line that leaves least so far, each lane for itself, and what lines are fitted with.
struct BestGroupLine {
  var slope = f32x16(repeating: 0)
  var shift = f32x16(repeating: 0)
  /// Half of what the line leaves, but for Σw·z².
  private var error = f32x16(repeating: .infinity)
  /// Σw·z and Σw
  let sum, weight: f32x16

  @inline(__always)
  init(sum: f32x16, weight: f32x16) {
    self.sum = sum
    self.weight = weight
  }

  /// The shift that fits codes best on a line of that slope.
  @inline(__always)
  func shift(_ slope: f32x16, _ sums: GroupLineSums) -> f32x16 { (sum - slope * sums.q) / weight }

  /// Refits the line to its codes; where these are all the same, its slope stays as it was.
  @inline(__always)
  mutating func take(_ sums: GroupLineSums, slope: f32x16) {
    let square = weight * sums.qq
    let determinant = square - sums.q * sums.q
    let isClear = f32x16_below(square * 0x1p-18, determinant)
    let fitted = (weight * sums.zq - sum * sums.q) / determinant
    let a = f32x16_max(f32x16_select(isClear, fitted, slope), f32x16(repeating: 0))
    let c = shift(a, sums)
    let error =
      a * (a * (sums.qq * 0.5) - sums.zq) + c * (c * (weight * 0.5) + (a * sums.q - sum))
    let isBetter = f32x16_below(error, self.error)
    self.error = f32x16_select(isBetter, error, self.error)
    self.slope = f32x16_select(isBetter, a, self.slope)
    self.shift = f32x16_select(isBetter, c, self.shift)
  }
}

extension GroupElements {
  /// Sums over the nearest integers to (z − origin) · multiplier in 0…highest.
  @inline(__always)
  private func sums<let n: Int>(
    _ multipliers: InlineArray<n, f32x16>, origins: InlineArray<n, f32x16>, highest: Float
  ) -> InlineArray<n, GroupLineSums> {
    let magic: Float = 0x1.8p23
    let nothing = f32x16(repeating: 0)
    var sums = InlineArray<n, GroupLineSums>(
      repeating: GroupLineSums(zq: nothing, qq: nothing, q: nothing))
    var j = 0
    while j < vectors {
      let z = element(j)
      for c in 0..<n {
        let place = (z - origins[c]) * multipliers[c]
        let q = f32x16_clamped(place, 0, highest) + magic - magic
        let wq = weighted(q, j)
        sums[c].zq += z * wq
        sums[c].qq += q * wq
        sums[c].q += wq
      }
      j &+= 1
    }
    for c in 0..<n {
      sums[c] = GroupLineSums(
        zq: total(sums[c].zq), qq: total(sums[c].qq), q: total(sums[c].q))
    }
    return sums
  }

  /// Decides the scale and the bias.
  @inline(never)
  func decideLine(_ group: IntegerGroup, _ work: GroupWork) {
    let nothing = f32x16(repeating: 0)
    let one = f32x16(repeating: 1)
    let highest = Float(group.highest)
    let unit = work.unit
    let smallest = work.smallest * unit
    let range = work.largest * unit - smallest
    var elements = self
    elements.count(from: smallest)
    var sum = nothing
    var weight = nothing
    var j = 0
    while j < vectors {
      sum += elements.weighted(elements.element(j), j)
      weight += elements.weighted(one, j)
      j &+= 1
    }
    var best = BestGroupLine(sum: total(sum), weight: total(weight))

    let inverse = reciprocals(range)
    let candidates = work.candidates
    var k = 0
    while k < work.candidateCount {
      var multipliers = Abreast(repeating: nothing)
      var origins = multipliers
      var slopes = multipliers
      for c in multipliers.indices {
        let (first, last) = (candidates[2 &* (k &+ c)], candidates[2 &* (k &+ c) &+ 1])
        let steps = highest + last - first
        multipliers[c] = inverse * steps
        slopes[c] = range * (1 / steps)
        origins[c] = slopes[c] * (0 - first)
      }
      let sums = elements.sums(multipliers, origins: origins, highest: highest)
      for c in multipliers.indices { best.take(sums[c], slope: slopes[c]) }
      k &+= multipliers.count
    }
    for _ in 0..<2 { best.take(elements.sums(best, best.slope, highest), slope: best.slope) }

    let scale = group.stored(best.slope * work.power)
    let slope = scale.number * unit
    let shift = best.shift(slope, elements.sums(best, slope, highest))
    let bias = group.stored((shift + smallest) * work.power)
    work.store(
      scale: scale.bits, offset: bias.bits, unit: unit, origin: bias.number * unit,
      factor: reciprocals(slope), shift: nothing, lowest: nothing, zero: i32x16(repeating: 0))
  }

  /// Sums over the codes of the best line, its slope another.
  @inline(__always)
  private func sums(_ best: BestGroupLine, _ slope: f32x16, _ highest: Float) -> GroupLineSums {
    sums(
      InlineArray<1, f32x16>(repeating: reciprocals(slope)),
      origins: InlineArray<1, f32x16>(repeating: best.shift), highest: highest)[0]
  }
}
