// Candidates, refits and decisions of short groups in words.
//
// What is decided follows from sums over codes as in `IntegerScales.swift` and `IntegerLines.swift`; places
// of candidates are constants, those of refits have a lane per group.

internal import CVectors
internal import KerfElements

#if KERF_AVX512
  private typealias LinesAbreast = WordLines<4>
#else
  private typealias LinesAbreast = WordLines<2>
#endif

extension WordGroups {
  /// Decides the scale, and the zero point where there is one, of `count` groups.
  @inline(never)
  static func decideScale(
    _ groups: UnsafeRawPointer, count: Int, _ group: IntegerGroup, _ work: GroupWork
  ) {
    let nothing = f32x16(repeating: 0)
    let highest = Float(group.highest)
    let middle = f32x16(repeating: Float(group.middle))
    let isSymmetric = group.offset == .none
    let smallest = f32x16_min(work.smallest * work.unit, nothing)
    let largest = f32x16_max(work.largest * work.unit, nothing)
    let size =
      isSymmetric
      ? f32x16_where_at_least(largest, 0 - smallest, largest, smallest) : largest - smallest
    let inverse = reciprocals(size)
    let words = WordGroups(groups, count: count, group, origin: nil, size: size, work)

    var best = BestGroupScale(zero: middle)
    let candidates = work.candidates
    var k = 0
    while k < work.candidateCount {
      var lines = LinesAbreast(lowest: words.lowest(middle), highest: words.highest(middle))
      var zeros = Abreast(repeating: middle)
      for c in zeros.indices { lines.steps[c] = work.candidateStep(k &+ c) }
      if !isSymmetric {
        for c in zeros.indices {
          let (first, last) = (candidates[2 &* (k &+ c)], candidates[2 &* (k &+ c) &+ 1])
          let multiplier = inverse * (highest + last - first)
          let place = f32x16_clamped(first - smallest * multiplier, 1, highest)
          zeros[c] = place + 0x1.8p23 - 0x1.8p23
        }
        for c in zeros.indices { lines.lowest[c] = words.lowest(zeros[c]) }
        for c in zeros.indices { lines.highest[c] = words.highest(zeros[c]) }
      }
      let sums = words.sums(lines, areShifted: false)
      for c in zeros.indices { best.take(sums[c].yq, sums[c].qq, zero: zeros[c]) }
      k &+= zeros.count
    }
    let sums = words.sums(words.refit(best), areShifted: false)[0]
    best.take(sums.yq, sums.qq, zero: best.zero)

    let stored = group.stored(best.xq / best.qq * words.grain * work.power)
    work.store(
      scale: stored.bits, offset: f32x16_truncated(best.zero), unit: work.unit, origin: nothing,
      factor: reciprocals(stored.number * work.unit), shift: nothing, lowest: 0 - best.zero,
      zero: f32x16_truncated(best.zero))
  }

  /// The ends of the axis of codes, counted from a zero point.
  @inline(__always)
  private func lowest(_ zero: f32x16) -> i16x32 { words(0 - zero) }
  @inline(__always)
  private func highest(_ zero: f32x16) -> i16x32 { words(Float(highestCode) - zero) }

  /// The line of the scale that is best.
  @inline(__always)
  private func refit(_ best: BestGroupScale) -> WordLines<1> {
    var line = WordLines<1>(lowest: lowest(best.zero), highest: highest(best.zero))
    let step = best.qq / best.xq * Float(1 &<< (15 &+ fractionBits))
    line.steps[0] = words(f32x16_clamped(step, -largestWord, largestWord))
    return line
  }

  /// Decides the scale and the bias of `count` groups.
  @inline(never)
  static func decideLine(
    _ groups: UnsafeRawPointer, count: Int, _ group: IntegerGroup, _ work: GroupWork
  ) {
    let nothing = f32x16(repeating: 0)
    let highest = Float(group.highest)
    let smallest = work.smallest * work.unit
    let range = work.largest * work.unit - smallest
    let words = WordGroups(groups, count: count, group, origin: smallest, size: range, work)

    var best = BestGroupLine(
      sum: words.sum, weight: f32x16(repeating: Float(group.length)))
    let candidates = work.candidates
    var k = 0
    while k < work.candidateCount {
      var lines = words.wholeAxis() as LinesAbreast
      var slopes = Abreast(repeating: nothing)
      for c in slopes.indices {
        let (first, last) = (candidates[2 &* (k &+ c)], candidates[2 &* (k &+ c) &+ 1])
        slopes[c] = f32x16(repeating: largestWord / (highest + last - first))
      }
      for c in slopes.indices {
        lines.steps[c] = work.candidateStep(k &+ c)
        lines.firsts[c] = work.candidateFirst(k &+ c)
      }
      let sums = words.sums(lines, areShifted: true)
      for c in slopes.indices { best.take(GroupLineSums(sums[c]), slope: slopes[c]) }
      k &+= slopes.count
    }
    best.take(words.sums(best, best.slope), slope: best.slope)

    let scale = group.stored(best.slope * words.grain * work.power)
    let slope = scale.number * work.unit
    let stored = slope * (reciprocals(range) * largestWord)
    let shift = best.shift(stored, words.sums(best, stored)) * words.grain
    let bias = group.stored((shift + smallest) * work.power)
    work.store(
      scale: scale.bits, offset: bias.bits, unit: work.unit, origin: bias.number * work.unit,
      factor: reciprocals(slope), shift: nothing, lowest: nothing, zero: i32x16(repeating: 0))
  }

  /// Lines on the axis from 0 on.
  @inline(__always)
  private func wholeAxis<let n: Int>() -> WordLines<n> {
    WordLines(
      lowest: i16x32_filled(0),
      highest: i16x32_filled(Int16(truncatingIfNeeded: highestCode)))
  }

  /// Sums over the codes of the best line, its slope another.
  @inline(__always)
  private func sums(_ best: BestGroupLine, _ slope: f32x16) -> GroupLineSums {
    let inverse = reciprocals(slope)
    let step = inverse * Float(1 &<< (15 &+ fractionBits))
    let first = (0 - best.shift) * inverse * Float(1 &<< fractionBits)
    // Their sum is a word.
    var line: WordLines<1> = wholeAxis()
    line.steps[0] = words(f32x16_clamped(step, 0, 24575))
    line.firsts[0] = words(f32x16_clamped(first, -8191, 8191))
    return GroupLineSums(sums(line, areShifted: true)[0])
  }
}

extension GroupLineSums {
  @inline(__always)
  fileprivate init(_ sums: WordSums) { self.init(zq: sums.yq, qq: sums.qq, q: sums.q) }
}

/// The nearest integer to each lane, in both of its words; lanes must be within those.
@inline(__always)
private func words(_ x: f32x16) -> i16x32 {
  let rounded = unsafeBitCast(x + 0x1.8p23, to: i32x16.self)
  return unsafeBitCast((rounded & 0xFFFF) | (rounded &<< 16), to: i16x32.self)
}
