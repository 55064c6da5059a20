// Short groups of numbers: sixteen at a time, turned so that each has a lane, and sums need no folding.
//
//     workspace   0      4096    8192           12288    18432  18496
//                 plain  turned  plain weights  weights  rest   sizes, units, bits, factors

internal import CVectors
internal import KerfElements

extension NumberGroups {
  /// Encodes `count` groups of whole vectors, no more than sixteen, and no longer than 64.
  @inline(__always)
  func encodeShort(
    _ rule: ScaleRule, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ count: Int
  ) {
    let facts = turn(source, count)
    f32x16_store(sizes, facts.size)
    f32x16_store(units, facts.unit)
    switch rule {
    case .reference: i32x16_store(words, referenceBits(facts))
    case .optimal:
      if !Weights.isUniform, let importance { turnWeights(importance, count) }
      search()
    case .given(let scales):
      f32x16_store(factors, f32x16(repeating: 0))
      UnsafeMutableRawPointer(factors).copyMemory(from: scales, byteCount: 4 &* count)
      i32x16_store(words, shape.stored(f32x16_load(factors), rest))
    }
    let coding = coding(rule, i32x16_load(words), facts.unit)
    f32x16_store(factors, coding.factor)
    var b = 0
    while b < count {
      let to = target + shape.byteCount &* b
      shape.store(words[b], to: to)
      writeCodes(
        memory + 4 &* shape.length &* b, shape.length, unit: units[b], divides: coding.divides,
        factor: factors[b], to: to + shape.codesOffset)
      b &+= 1
    }
  }

  // By group.
  @inline(__always)
  private var sizes: UnsafeMutablePointer<Float> {
    (memory + 18496).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  private var units: UnsafeMutablePointer<Float> {
    (memory + 18560).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  private var words: UnsafeMutablePointer<Int32> {
    (memory + 18624).assumingMemoryBound(to: Int32.self)
  }
  @inline(__always)
  private var factors: UnsafeMutablePointer<Float> {
    (memory + 18688).assumingMemoryBound(to: Float.self)
  }

  /// Copies groups, repairs and turns them, and scales what it has turned.
  @inline(__always)
  private func turn(_ source: UnsafeRawPointer, _ count: Int) -> GroupFacts {
    let zero = f32x16(repeating: 0)
    var taint = zero
    var i = 0
    while i < count &* shape.length {
      let x = f32x16_load(source + 4 &* i)
      bytes_prefetch(source + 4 &* (i &+ 1024))
      taint = f32x16_tainted(taint, x)
      f32x16_store(memory + 4 &* i, x)
      i &+= 16
    }
    if f32x16_has_nan(taint) != 0 {
      repair(memory.assumingMemoryBound(to: Float.self), count &* shape.length, shape.length)
    }
    clear(memory, from: count)
    transpose(memory, to: memory + 4096)

    var (top, bottom) = (zero, zero)
    var j = 0
    while j < shape.length {
      let x = f32x16_load(memory + 4096 + 64 &* j)
      top = f32x16_max(top, Grid.isSymmetric ? f32x16_abs(x) : x)
      if !Grid.isSymmetric { bottom = f32x16_min(bottom, x) }
      j &+= 1
    }
    if !Grid.isSymmetric { top = f32x16_where_at_least(top, 0 - bottom, top, bottom) }
    let facts = GroupFacts(size: top)
    j = 0
    while j < shape.length {
      let to = memory + 4096 + 64 &* j
      f32x16_store(to, f32x16_load(to) * facts.unit)
      j &+= 1
    }
    return facts
  }

  /// Copies weights, and turns and levels them.
  @inline(__always)
  private func turnWeights(_ importance: UnsafePointer<Float>, _ count: Int) {
    var i = 0
    while i < count &* shape.length {
      f32x16_store(memory + 8192 + 4 &* i, f32x16_load(importance + i))
      i &+= 16
    }
    clear(memory + 8192, from: count)
    transpose(memory + 8192, to: memory + 12288)
    var heaviest = f32x16(repeating: 0)
    var j = 0
    while j < shape.length {
      heaviest = f32x16_max(heaviest, f32x16_load(memory + 12288 + 64 &* j))
      j &+= 1
    }
    let units = weightUnits(heaviest)
    j = 0
    while j < shape.length {
      let to = memory + 12288 + 64 &* j
      f32x16_store(to, leveled(f32x16_load(to), units))
      j &+= 1
    }
  }

  /// Makes the groups from number `count` on zeros.
  @inline(__always)
  private func clear(_ plain: UnsafeMutableRawPointer, from count: Int) {
    var i = count &* shape.length
    while i < 16 &* shape.length {
      f32x16_store(plain + 4 &* i, f32x16(repeating: 0))
      i &+= 16
    }
  }

  @inline(__always)
  private func transpose(_ plain: UnsafeRawPointer, to turned: UnsafeMutableRawPointer) {
    var j = 0
    while j < shape.length {
      f32_transpose_16x16(
        plain.assumingMemoryBound(to: Float.self) + j, shape.length,
        turned.assumingMemoryBound(to: Float.self) + 16 &* j)
      j &+= 16
    }
  }

  /// Finds the bits of the scales of least error.
  @inline(never)
  private func search() {
    let facts = GroupFacts(size: f32x16_load(sizes), unit: f32x16_load(units))
    let (places, steps) = (places, steps)
    var best = GroupFit()
    var c = 0
    while c < candidateCount {
      let first = candidate(
        places: f32x16(repeating: places[c]), steps: i32x16(repeating: steps[c]), facts)
      let second = candidate(
        places: f32x16(repeating: places[c &+ 1]), steps: i32x16(repeating: steps[c &+ 1]), facts)
      var (sums, others) = (CodeMoments(), CodeMoments())
      var j = 0
      while j < 64 &* shape.length {
        let x = f32x16_load(memory + 4096 + j)
        let w = Weights.isUniform ? x : f32x16_load(memory + 12288 + j)
        add(x, w, first.multiplier, to: &sums)
        add(x, w, second.multiplier, to: &others)
        j &+= 64
      }
      best.challenge(GroupFit(first, sums.xq, sums.qq, isFree: shape.isFree))
      best.challenge(GroupFit(second, others.xq, others.qq, isFree: shape.isFree))
      c &+= 2
    }
    i32x16_store(words, bits(best, facts))
  }
}
