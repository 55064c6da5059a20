// The scale of least squared error for groups of numbers: every candidate is a row of sums.

internal import CVectors
internal import KerfElements

extension NumberGroups {
  /// Chooses the scales of `count` groups.
  @inline(__always)
  func search(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?, _ count: Int
  ) {
    propose()
    var b = 0
    while b < count {
      let group = group(b, source, importance)
      var first = 0
      while first < shape.length {
        let length = min(Self.pieceLength, shape.length &- first)
        if !isShort { stage(b, group, from: first, length) }
        let slot = slot(isShort ? b : 0)
        var row = b &* candidates
        while row < (b &+ 1) &* candidates {
          addUp(row, slot, length, begins: first == 0)
          row &+= 2
        }
        first &+= length
      }
      b &+= 1
    }
    weigh()
    b = 0
    while b < count {
      facts.chosen[b] = choose(b)
      b &+= 1
    }
  }

  /// Writes what the candidates of every row have in common with those of others: where the element
  /// of largest magnitude falls, or how many steps a scale is from the first.
  @inline(__always)
  func prepare() {
    let places = Weights.isUniform ? Grid.places : Grid.importantPlaces
    let powers: InlineArray<4, Int32> = [0, 1, -1, -2]
    let steps: InlineArray<16, Int32> = [0, 1, -1, 2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6, -7, -8]
    for row in 0..<16 {
      let c = row & (candidates &- 1)
      switch shape.scale {
      case .e8m0: facts.steps[row] = powers[c & 3]
      case .e4m3: facts.steps[row] = steps[c]
      default: facts.places[row] = places[c]
      }
    }
  }

  /// Writes the candidates of every row.
  @inline(__always)
  private func propose() {
    let size = f32x16_load(facts.sizes)
    let unit = f32x16_load(facts.units)
    if shape.isFree {
      let scaled = size * unit
      let zero = f32x16(repeating: 0)
      let multipliers = f32x16_load(facts.places) * Grid.largest / scaled
      f32x16_store(
        facts.multipliers, f32x16_select(f32x16_equal(scaled, zero), zero, multipliers))
      return
    }
    let magnitude = f32x16_abs(size)
    var bits: i32x16
    if shape.scale == .e8m0 {
      // With the first, the largest element is within the octave of the largest number, with the next
      // below it. Where it may count little, it may be above.
      let octave = Int32(bitPattern: Grid.largest.bitPattern &>> 23) &- 127
      bits = (f32x16_bits(magnitude) &>> 23) &- octave &+ i32x16_load(facts.steps)
      bits = i32x16_min(i32x16_max(bits, i32x16(repeating: 0)), i32x16(repeating: 254))
    } else {
      // Around the one with which the largest element is the largest number.
      bits = shape.stored(magnitude * (1 / Grid.largest)) &+ i32x16_load(facts.steps)
      bits = i32x16_min(i32x16_max(bits, i32x16(repeating: 1)), i32x16(repeating: 126))
    }
    i32x16_store(facts.bits, bits)
    let scales = shape.value(bits) * unit
    f32x16_store(facts.scales, scales)
    f32x16_store(facts.multipliers, 1 / scales)
  }

  /// Adds up a piece for candidates `row` and `row + 1`.
  @inline(__always)
  private func addUp(_ row: Int, _ slot: Int, _ count: Int, begins: Bool) {
    let to = rows + 64 &* row
    let zero = f32x16(repeating: 0)
    var xq0 = begins ? zero : f32x16_load(to)
    var xq1 = begins ? zero : f32x16_load(to + 64)
    var qq0 = begins ? zero : f32x16_load(to + 1024)
    var qq1 = begins ? zero : f32x16_load(to + 1088)
    let m0 = f32x16(repeating: facts.multipliers[row])
    let m1 = f32x16(repeating: facts.multipliers[row &+ 1])
    let elements = elements + slot
    let weights = weights + slot
    var i = 0
    while i < 4 &* count {
      var x = f32x16_load(elements + i)
      if Grid.isSymmetric { x = f32x16_abs(x) }
      let q0 = Weights.isUniform ? Grid.nearestWithin(x * m0) : Grid.nearest(x * m0)
      let q1 = Weights.isUniform ? Grid.nearestWithin(x * m1) : Grid.nearest(x * m1)
      let w0 = Weights.isUniform ? q0 : q0 * f32x16_load(weights + i)
      let w1 = Weights.isUniform ? q1 : q1 * f32x16_load(weights + i)
      xq0 += x * w0
      xq1 += x * w1
      qq0 += q0 * w0
      qq1 += q1 * w1
      i &+= 64
    }
    f32x16_store(to, xq0)
    f32x16_store(to + 64, xq1)
    f32x16_store(to + 1024, qq0)
    f32x16_store(to + 1088, qq1)
  }

  /// Folds the rows, and writes what each candidate takes off the error.
  @inline(__always)
  private func weigh() {
    let xq = f32_row_sums(rows.assumingMemoryBound(to: Float.self))
    let qq = f32_row_sums((rows + 1024).assumingMemoryBound(to: Float.self))
    var gain = xq * xq * f32x16_inverse_of_positive(qq)
    if !shape.isFree {
      let s = f32x16_load(facts.scales)
      gain = s * ((xq + xq) - s * qq)
    }
    let zero = f32x16(repeating: 0)
    f32x16_store(facts.gains, f32x16_select(f32x16_above(gain, zero), gain, zero))
    f32x16_store(facts.xq, xq)
    f32x16_store(facts.qq, qq)
  }

  /// The bits of the candidate that takes most off, refitted where any scale may be stored; those of
  /// the reference where none takes anything.
  @inline(__always)
  private func choose(_ b: Int) -> Int32 {
    let first = b &* candidates
    var best: Float = 0
    var row = -1
    if candidates >= 8 {
      // The rows of another group may lie above.
      let gains = f32x16_load(facts.gains + first)
      let most = candidates == 16 ? f32x16_whole_maxima(gains) : f32x16_half_maxima(gains)
      best = most[0]
      row = first &+ f32x16_equal_bits(gains, most).trailingZeroBitCount
    } else {
      var r = first
      while r < first &+ candidates {
        if facts.gains[r] > best {
          best = facts.gains[r]
          row = r
        }
        r &+= 1
      }
    }
    if !(best > 0) { return referenceBits(b) }
    if !shape.isFree { return facts.bits[row] }
    let scale = facts.xq[row] / facts.qq[row] * (1 / facts.units[first])
    let largest = Float.greatestFiniteMagnitude
    return shape.stored(f32x16(repeating: scale < -largest ? -largest : min(scale, largest)))[0]
  }
}
