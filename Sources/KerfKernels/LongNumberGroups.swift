// A long group of numbers: a row of sums for each candidate.
//
// Rows keep Σ w·x·q and Σ w·q² over the nearest numbers, element i of the group in lane i mod 16.
// Folded, rows become lanes. A group longer than 2048 comes in pieces.
//
//     workspace   0         8192     16384  17408  18432  18496
//                 elements  weights  Σwxq   Σwq²   rest   multipliers by row

internal import CVectors
internal import KerfElements

extension NumberGroups {
  @inline(__always) private static var pieceLength: Int { 2048 }

  /// A group in the caller's memory, and what is known of it.
  private struct LongGroup {
    let elements: UnsafeRawPointer
    let weights: UnsafePointer<Float>?
    let size: Float
    let unit: Float
    let weightUnit: Float
    let isFinite: Bool

    /// The same in all lanes.
    @inline(__always)
    var facts: GroupFacts {
      GroupFacts(size: f32x16(repeating: size), unit: f32x16(repeating: unit))
    }
  }

  /// Encodes a group.
  @inline(__always)
  func encodeLong(
    _ rule: ScaleRule, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer
  ) {
    let group = measured(source, importance)
    let isWhole = shape.length <= Self.pieceLength
    if isWhole { stage(group, from: 0, shape.length) }
    let bits: Int32
    switch rule {
    case .reference: bits = referenceBits(group.facts)[0]
    case .optimal: bits = searched(group)
    case .given(let scales): bits = shape.stored(f32x16(repeating: scales[0]), rest)[0]
    }
    shape.store(bits, to: target)
    let coding = coding(rule, i32x16(repeating: bits), group.facts.unit)
    let codes = target + shape.codesOffset
    var first = 0
    while first < shape.length {
      let count = min(Self.pieceLength, shape.length &- first)
      if !isWhole { stage(group, from: first, count) }
      writeCodes(
        memory, count, unit: 1, divides: coding.divides, factor: coding.factor[0],
        to: codes + first &* Grid.bits / 8)
      first &+= count
    }
  }

  /// Sixteen floats from index `i` on, zeros beyond `count`.
  @inline(__always)
  private func load(_ floats: UnsafeRawPointer, _ i: Int, of count: Int) -> f32x16 {
    if i &+ 16 <= count { return f32x16_load(floats + 4 &* i) }
    f32x16_store(rest, f32x16(repeating: 0))
    rest.copyMemory(from: floats + 4 &* i, byteCount: 4 &* (count &- i))
    return f32x16_load(rest)
  }

  /// Finds the largest element and the largest weight.
  @inline(__always)
  private func measured(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?
  ) -> LongGroup {
    let zero = f32x16(repeating: 0)
    var (top, bottom, taint, heaviest) = (zero, zero, zero, zero)
    var i = 0
    while i < shape.length {
      let x = load(source, i, of: shape.length)
      bytes_prefetch(source + 4 &* (i &+ 512))
      top = f32x16_max(top, Grid.isSymmetric ? f32x16_abs(x) : x)
      if !Grid.isSymmetric { bottom = f32x16_min(bottom, x) }
      taint = f32x16_tainted(taint, x)
      if !Weights.isUniform, let importance {
        heaviest = f32x16_max(heaviest, load(UnsafeRawPointer(importance), i, of: shape.length))
      }
      i &+= 16
    }
    var size = f32x16_whole_maxima(top)
    if !Grid.isSymmetric {
      let depth = f32x16_whole_maxima(0 - bottom)
      size = f32x16_where_at_least(size, depth, size, 0 - depth)
    }
    let isFinite = f32x16_has_nan(taint) == 0
    if !isFinite {
      let largest = finiteLargest(source, shape.length)
      size = f32x16(repeating: Grid.isSymmetric ? largest.magnitude : largest)
    }
    return LongGroup(
      elements: source, weights: importance, size: size[0], unit: GroupFacts(size: size).unit[0],
      weightUnit: weightUnits(f32x16_whole_maxima(heaviest))[0], isFinite: isFinite)
  }

  /// Copies `count` elements of a group, scaled and repaired, and their weights; zeros fill the last
  /// vector.
  @inline(__always)
  private func stage(_ group: LongGroup, from first: Int, _ count: Int) {
    let source = group.elements + 4 &* first
    var i = 0
    while i < count {
      f32x16_store(memory + 4 &* i, load(source, i, of: count) * group.unit)
      if !Weights.isUniform, let weights = group.weights {
        let w = load(UnsafeRawPointer(weights + first), i, of: count)
        f32x16_store(memory + 8192 + 4 &* i, leveled(w, f32x16(repeating: group.weightUnit)))
      }
      i &+= 16
    }
    if !group.isFinite {
      repair(
        source, memory.assumingMemoryBound(to: Float.self), count,
        group.size.magnitude * group.unit)
    }
  }

  /// The bits of the scale of least error; a lane is a candidate.
  @inline(never)
  private func searched(_ group: LongGroup) -> Int32 {
    let candidate = candidate(
      places: unsafeBitCast(places, to: f32x16.self), steps: unsafeBitCast(steps, to: i32x16.self),
      group.facts)
    let multipliers = (memory + 18496).assumingMemoryBound(to: Float.self)
    f32x16_store(multipliers, candidate.multiplier)
    var first = 0
    while first < shape.length {
      let count = min(Self.pieceLength, shape.length &- first)
      if shape.length > Self.pieceLength { stage(group, from: first, count) }
      var row = 0
      while row < candidateCount {
        addUp(row, multipliers, count, begins: first == 0)
        row &+= 2
      }
      first &+= count
    }
    let xq = f32_row_sums((memory + 16384).assumingMemoryBound(to: Float.self))
    let qq = f32_row_sums((memory + 17408).assumingMemoryBound(to: Float.self))
    var fit = GroupFit(candidate, xq, qq, isFree: shape.isFree)
    let isCandidate = i32x16_below(
      i32x16_lanes(), i32x16(repeating: Int32(truncatingIfNeeded: candidateCount)))
    fit.gain = f32x16_select(isCandidate, fit.gain, f32x16(repeating: 0))
    let most = f32x16_whole_maxima(fit.gain)
    let row = f32x16_equal_bits(fit.gain, most).trailingZeroBitCount & 15
    return bits(fit, group.facts)[row]
  }

  /// Adds up a piece for candidates `row` and `row + 1`.
  @inline(__always)
  private func addUp(
    _ row: Int, _ multipliers: UnsafePointer<Float>, _ count: Int, begins: Bool
  ) {
    let to = memory + 16384 + 64 &* row
    var first = CodeMoments()
    var second = CodeMoments()
    if !begins {
      first.xq = f32x16_load(to)
      second.xq = f32x16_load(to + 64)
      first.qq = f32x16_load(to + 1024)
      second.qq = f32x16_load(to + 1088)
    }
    let m = f32x16(repeating: multipliers[row])
    let n = f32x16(repeating: multipliers[row &+ 1])
    var i = 0
    while i < 4 &* count {
      let x = f32x16_load(memory + i)
      let w = Weights.isUniform ? x : f32x16_load(memory + 8192 + i)
      add(x, w, m, to: &first)
      add(x, w, n, to: &second)
      i &+= 64
    }
    f32x16_store(to, first.xq)
    f32x16_store(to + 64, second.xq)
    f32x16_store(to + 1024, first.qq)
    f32x16_store(to + 1088, second.qq)
  }
}

/// The element of largest magnitude where infinities are as large as the largest finite one; of two
/// with either sign the positive one, and 0 where there is none.
@inline(never)
private func finiteLargest(_ elements: UnsafeRawPointer, _ count: Int) -> Float {
  var top: Float = 0
  var bottom: Float = 0
  var isInfinite = false
  var i = 0
  while i < count {
    let x = elements.loadUnaligned(fromByteOffset: 4 &* i, as: Float.self)
    if x.magnitude < .infinity {
      if x > top { top = x }
      if x < bottom { bottom = x }
    }
    if x == .infinity { isInfinite = true }
    i &+= 1
  }
  return isInfinite || top >= -bottom ? max(top, -bottom) : bottom
}

/// Makes NaN 0 and ±Inf as large as `size` says.
@inline(never)
private func repair(
  _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ size: Float
) {
  var i = 0
  while i < count {
    let x = source.loadUnaligned(fromByteOffset: 4 &* i, as: Float.self)
    if x != x {
      target[i] = 0
    } else if x.magnitude == .infinity {
      target[i] = x < 0 ? -size : size
    }
    i &+= 1
  }
}
