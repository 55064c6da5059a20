// The twin of the search in words: short groups that end on 32 elements, errors without weights.
//
// What each step is for stands in `KerfKernels/IntegerWords.swift`.

import KerfElements

struct IntegerWords {
  let group: GroupFormat
  let bits: Int
  let unit, power: Float
  private var highest: Float { Float((1 << bits) - 1) }
  private var highestCode: Int { (1 << bits) - 1 }
  private var middle: Float { Float(1 << (bits - 1)) }
  private var fractionBits: Int { (group.offset == .none ? 15 : 14) - bits }

  /// Places in codes are t·y + f; codes are lowest…highest.
  private struct Line {
    var step: Int
    var first = 0
    var codes: ClosedRange<Int>
  }

  func fields(
    _ x: [Float], _ low: Float, _ high: Float, _ places: [Float]
  ) -> ReferenceIntegerGroup.Fields {
    group.offset == .bias
      ? line(x, low, high - low, places) : scale(x, min(low, 0), max(high, 0), places)
  }

  /// ⌊x · factor / 2¹⁵ + ½⌋
  private func scaled(_ x: Int, _ factor: Int) -> Int { (x * factor + 1 << 14) >> 15 }
  private func rounded(_ x: Float) -> Int { Int(x.rounded(.toNearestOrEven)) }
  private func places(_ codes: Float) -> Int { rounded(codes * Float(1 << fractionBits)) }

  private func words(_ x: [Float], from origin: Float, size: Float) -> [Int] {
    let factor = reciprocal(size) * 32767
    return x.map { min(max(rounded(($0 * unit - origin) * factor), -32768), 32767) }
  }

  private func sums(_ y: [Int], _ line: Line) -> (yq: Float, qq: Float, q: Float) {
    let codes = y.map { y in
      let q = scaled(scaled(y, line.step) + line.first, 1 << (15 - fractionBits))
      return min(max(q, line.codes.lowerBound), line.codes.upperBound)
    }
    return (
      Float(zip(y, codes).reduce(0) { $0 + $1.0 * $1.1 }), Float(codes.reduce(0) { $0 + $1 * $1 }),
      Float(codes.reduce(0, +))
    )
  }

  private func scale(
    _ x: [Float], _ smallest: Float, _ largest: Float, _ places: [Float]
  ) -> ReferenceIntegerGroup.Fields {
    let isSymmetric = group.offset == .none
    let size =
      isSymmetric ? (largest >= 0 - smallest ? largest : smallest) : largest - smallest
    let y = words(x, from: 0, size: size)
    var best: (xq: Float, qq: Float, zero: Float) = (0, 1, middle)
    func take(_ step: Int, _ zero: Float) {
      let codes = Int(0 - zero)...Int(highest - zero)
      let (yq, qq, _) = sums(y, Line(step: step, codes: codes))
      if yq * yq * best.qq > best.xq * best.xq * qq { best = (yq, qq, zero) }
    }
    if isSymmetric {
      for place in places { take(self.places(place), middle) }
    } else {
      for k in stride(from: 0, to: places.count, by: 2) {
        let steps = highest + places[k + 1] - places[k]
        let place = places[k] - smallest * (reciprocal(size) * steps)
        take(self.places(steps), min(max(place, 1), highest).rounded(.toNearestOrEven))
      }
    }
    let step = best.qq / best.xq * Float(1 << (15 + fractionBits))
    take(rounded(min(max(step, -32767), 32767)), best.zero)

    let s = group.scale.nearest(best.xq / best.qq * (size * (1 / 32767)) * power)
    let multiplier = reciprocal(s * unit)
    return .init(
      scale: s, zero: Int(best.zero),
      codes: x.map {
        let place = min(max($0 * unit * multiplier, 0 - best.zero), highest - best.zero)
        return rounded(place) + Int(best.zero)
      })
  }

  private func line(
    _ x: [Float], _ smallest: Float, _ range: Float, _ places: [Float]
  ) -> ReferenceIntegerGroup.Fields {
    let y = words(x, from: smallest, size: range)
    let grain = range * (1 / 32767)
    let sum = Float(y.reduce(0, +))
    let weight = Float(x.count)
    var best: (error: Float, slope: Float, shift: Float) = (.infinity, 0, 0)
    func take(_ sums: (yq: Float, qq: Float, q: Float), slope: Float) {
      let square = weight * sums.qq
      let determinant = square - sums.q * sums.q
      let fitted = (weight * sums.yq - sum * sums.q) / determinant
      let a = max(square * 0x1p-18 < determinant ? fitted : slope, 0)
      let c = (sum - a * sums.q) / weight
      let first = a * (a * (sums.qq * 0.5) - sums.yq)
      let second = c * (c * (weight * 0.5) + (a * sums.q - sum))
      if first + second < best.error { best = (first + second, a, c) }
    }
    func sums(_ slope: Float) -> (yq: Float, qq: Float, q: Float) {
      let inverse = reciprocal(slope)
      let step = inverse * Float(1 << (15 + fractionBits))
      let first = (0 - best.shift) * inverse * Float(1 << fractionBits)
      let line = Line(
        step: rounded(min(max(step, 0), 24575)), first: rounded(min(max(first, -8191), 8191)),
        codes: 0...highestCode)
      return self.sums(y, line)
    }
    for k in stride(from: 0, to: places.count, by: 2) {
      let steps = highest + places[k + 1] - places[k]
      let line = Line(
        step: self.places(steps), first: self.places(places[k]), codes: 0...highestCode)
      take(self.sums(y, line), slope: 32767 / steps)
    }
    take(sums(best.slope), slope: best.slope)

    let s = group.scale.nearest(best.slope * grain * power)
    let slope = s * unit
    let stored = slope * (reciprocal(range) * 32767)
    let shift = (sum - stored * sums(stored).q) / weight * grain
    let b = group.scale.nearest((shift + smallest) * power)
    let (multiplier, origin) = (reciprocal(slope), b * unit)
    return .init(
      scale: s, bias: b,
      codes: x.map { rounded(min(max(($0 * unit - origin) * multiplier, 0), highest)) })
  }
}
