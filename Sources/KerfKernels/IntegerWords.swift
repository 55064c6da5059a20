// The search for scales of short groups, in words of sixteen bits.
//
// y = (x − origin) · (2¹⁵ − 1) / size, rounded: the element of largest magnitude, or what is farthest
// from the origin, becomes the largest word. Candidates are then the same lines for all groups, places
// t·y + f on the axis of codes in multiples of a power of two, and so are refits, a lane each. Sums of
// codes and of their products with words are exact in integers (`CodeSums.swift` says more); what is
// decided by them is in `IntegerWordSearch.swift`.
//
//     workspace   0               8192              12288  16384
//                 repaired or     what extremes     words  words turned by pairs: pair j of sixteen
//                 not used        are found with           groups in vector j

internal import CVectors
internal import KerfElements

/// Places of candidates, and the codes that there are, in each word of a lane.
struct WordLines<let n: Int> {
  var steps: InlineArray<n, i16x32>
  var firsts: InlineArray<n, i16x32>
  var lowest: InlineArray<n, i16x32>
  var highest: InlineArray<n, i16x32>

  /// Lines all of which have those codes.
  @inline(__always)
  init(lowest: i16x32, highest: i16x32) {
    steps = InlineArray(repeating: i16x32_filled(0))
    firsts = steps
    self.lowest = InlineArray(repeating: lowest)
    self.highest = InlineArray(repeating: highest)
  }
}

/// Sums over words y and codes q, a lane per group.
struct WordSums {
  var yq = f32x16(repeating: 0)
  var qq = f32x16(repeating: 0)
  var q = f32x16(repeating: 0)
}

/// Up to sixteen short groups that end on thirty-two elements, in words.
struct WordGroups {
  private let length: Int
  private let work: GroupWork
  private let pairs: UnsafeMutableRawPointer
  /// What words are multiples of.
  let grain: f32x16
  let fractionBits: Int
  let highestCode: Int

  /// Whether a format's groups fill words.
  static func take(_ group: IntegerGroup) -> Bool { group.isShort && group.length & 31 == 0 }

  /// - Parameters:
  ///   - origin: What words are counted from, and `size` the number that becomes the largest word,
  ///     both in units of groups.
  @inline(__always)
  init(
    _ groups: UnsafeRawPointer, count: Int, _ group: IntegerGroup, origin: f32x16?, size: f32x16,
    _ work: GroupWork
  ) {
    length = group.length
    self.work = work
    fractionBits = group.fractionBits
    highestCode = group.highest
    grain = size * (1 / largestWord)
    let words = work.memory + 12288
    pairs = work.memory + 16384
    let factors = (work.memory + 20480).assumingMemoryBound(to: Float.self)
    f32x16_store(factors, reciprocals(size) * largestWord)
    f32x16_store(factors + 16, work.unit)
    if let origin { f32x16_store(factors + 32, origin) }
    var b = 0
    while b < 16 {
      let (factor, unit) = (factors[b], factors[16 &+ b])
      let first = origin == nil ? 0 : factors[32 &+ b]
      @inline(__always) func place(_ x: UnsafeRawPointer) -> f32x16 {
        let counted = f32x16_load(x) * unit
        return (origin == nil ? counted : counted - first) * factor
      }
      var i = length &* b
      let end = i &+ length
      while i < end {
        let from = groups + 4 &* i
        let y = b < count ? f32x16_rounded_words(place(from), place(from + 64)) : i16x32_filled(0)
        i16x32_store(words + 2 &* i, y)
        i &+= 32
      }
      b &+= 1
    }
    var j = 0
    while j < length {
      f32_transpose_16x16(
        (words + 2 &* j).assumingMemoryBound(to: Float.self), length &>> 1,
        (pairs + 32 &* j).assumingMemoryBound(to: Float.self))
      j &+= 32
    }
  }

  /// Sums over the nearest codes of each line.
  @inline(__always)
  func sums<let n: Int>(
    _ lines: WordLines<n>, areShifted: Bool
  ) -> InlineArray<n, WordSums> {
    let nothing = i32x16(repeating: 0)
    var products = InlineArray<n, i32x16>(repeating: nothing)
    var squares = products
    var codes = InlineArray<n, i16x32>(repeating: i16x32_filled(0))
    let unit = i16x32_filled(Int16(truncatingIfNeeded: 1 &<< (15 &- fractionBits)))
    var j = 0
    while j < 32 &* length {
      let y = i16x32_load(pairs + j)
      for c in 0..<n {
        var place = i16x32_scaled(y, lines.steps[c])
        if areShifted { place = i16x32_sum(place, lines.firsts[c]) }
        let q = i16x32_min(
          i16x32_max(i16x32_scaled(place, unit), lines.lowest[c]), lines.highest[c])
        products[c] = i32x16_adding_dots(products[c], q, y)
        squares[c] = i32x16_adding_dots(squares[c], q, q)
        if areShifted { codes[c] = i16x32_sum(codes[c], q) }
      }
      j &+= 64
    }
    return InlineArray {
      WordSums(
        yq: i32x16_to_f32(products[$0]), qq: i32x16_to_f32(squares[$0]),
        q: areShifted
          ? i32x16_to_f32(i32x16_adding_dots(nothing, codes[$0], i16x32_filled(1)))
          : f32x16(repeating: 0))
    }
  }

  /// Σy
  @inline(__always)
  var sum: f32x16 {
    var sum = i32x16(repeating: 0)
    var j = 0
    while j < 32 &* length {
      sum = i32x16_adding_dots(sum, i16x32_load(pairs + j), i16x32_filled(1))
      j &+= 64
    }
    return i32x16_to_f32(sum)
  }
}

// Candidates in words are where those in floats are, behind them.
extension GroupWork {
  @inline(__always)
  private func candidateWord(_ i: Int) -> UnsafeMutablePointer<Int16> {
    (memory + (32896 &+ 2 &* i)).assumingMemoryBound(to: Int16.self)
  }

  /// The steps of a candidate, and the code of the smallest element, in places.
  @inline(__always)
  func candidateStep(_ k: Int) -> i16x32 { i16x32_filled(candidateWord(k).pointee) }
  @inline(__always)
  func candidateFirst(_ k: Int) -> i16x32 {
    i16x32_filled(candidateWord(16 &+ k).pointee)
  }

  /// Counts the candidates of a format in places.
  @inline(__always)
  func storeCandidateWords(_ group: IntegerGroup) {
    @inline(__always) func places(_ codes: Float) -> Int16 {
      let places = codes * Float(1 &<< group.fractionBits)
      return Int16(truncatingIfNeeded: Int32(places.rounded(.toNearestOrEven)))
    }
    var k = 0
    while k < candidateCount {
      let (first, last) = (candidates[2 &* k], candidates[2 &* k &+ 1])
      let steps = group.offset == .none ? first : Float(group.highest) + last - first
      candidateWord(k).pointee = places(steps)
      candidateWord(16 &+ k).pointee = places(first)
      k &+= 1
    }
  }
}

extension IntegerGroup {
  /// Places are multiples of 2^−fractionBits. Candidates of lines lie farther out.
  @inline(__always)
  fileprivate var fractionBits: Int { (offset == .none ? 15 : 14) &- bits }
}
