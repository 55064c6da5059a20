// The scale of a block whose elements become −d, 0, d and perhaps 2 d.
//
// With the elements beyond a bound as ±d and the others as 0, the least is left by d = S / W, the
// weighted mean of the magnitudes beyond the bound, and it is less by S² / W than with zeros alone.
// So the search sums S and W for sixteen bounds, takes the best, and moves the bound to d / 2, where
// it belongs, and d to the mean beyond it, in turns. One of the bounds is the reference code's. Where
// there is a fourth code, a few scales around that d are tried with it, of either sign, and of the best
// one codes and the scale that fits them by least squares are taken in turns.
//
//     workspace   0      1024        2048     3072    4096    5120
//                 plain  magnitudes  weights  sums S  sums W  bounds, then scales
//                        by 2⁻ⁿ               of a bound

internal import CVectors

/// Sums over codes, and what follows from them.
struct TernaryMoments {
  let xq: Float
  let qq: Float
  /// The scale that leaves least, and how much less than zeros that is.
  @inline(__always) var scale: Float { xq == 0 ? 0 : xq / qq }
  @inline(__always) var gain: Float { xq * scale }
}

/// One block, its elements finite.
struct TernaryBlock<Weights: Weighting> {
  private let workspace: UnsafeMutableRawPointer
  /// max |x|
  let largest: Float

  @inline(__always)
  init(
    _ source: UnsafeRawPointer, importance: UnsafePointer<Float>?,
    _ workspace: UnsafeMutableRawPointer
  ) {
    self.workspace = workspace
    var taint = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      let x = f32x16_load(source + 64 &* i)
      f32x16_store(workspace + 64 &* i, x)
      taint = f32x16_tainted(taint, x)
      i &+= 1
    }
    if f32x16_has_nan(taint) != 0 {
      repair(workspace.assumingMemoryBound(to: Float.self), 256, 256)
    }
    var largest = f32x16(repeating: 0)
    i = 0
    while i < 16 {
      largest = f32x16_max(largest, f32x16_abs(f32x16_load(workspace + 64 &* i)))
      i &+= 1
    }
    // Magnitudes order like their bits.
    self.largest = Float(bitPattern: UInt32(bitPattern: i32x16_largest(f32x16_bits(largest))))
    if !Weights.isUniform, let importance { copyWeights(importance) }
  }

  /// Weights, in proportion to the largest; where all are zero, all are one.
  @inline(__always)
  private func copyWeights(_ importance: UnsafePointer<Float>) {
    var largest = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      largest = f32x16_max(largest, f32x16_load(importance + 16 &* i))
      i &+= 1
    }
    let top = Float(bitPattern: UInt32(bitPattern: i32x16_largest(f32x16_bits(largest))))
    i = 0
    while i < 16 {
      let w = f32x16_load(importance + 16 &* i)
      f32x16_store(
        workspace + 2048 + 64 &* i, top == 0 ? f32x16(repeating: 1) : w / top)
      i &+= 1
    }
  }

  @inline(__always)
  private func magnitude(_ i: Int) -> f32x16 { f32x16_load(workspace + 1024 + 64 &* i) }
  @inline(__always)
  private func weight(_ i: Int) -> f32x16 {
    Weights.isUniform ? f32x16(repeating: 1) : f32x16_load(workspace + 2048 + 64 &* i)
  }

  /// The scale that leaves least of the elements, within half precision.
  @inline(__always)
  func bestScale(hasFourthCode: Bool) -> Float {
    if largest == 0 { return 0 }
    // Magnitudes are scaled by a power of two, for the sake of their squares.
    let exponent = Int32(bitPattern: min(max(largest.bitPattern &>> 23, 1), 253)) &- 127
    let factor = Float(bitPattern: UInt32(bitPattern: 127 &- exponent) &<< 23)
    let unit = Float(bitPattern: UInt32(bitPattern: 127 &+ exponent) &<< 23)
    var total = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      let x = f32x16_abs(f32x16_load(workspace + 64 &* i)) * factor
      f32x16_store(workspace + 1024 + 64 &* i, x)
      total += x
      i &+= 1
    }
    var scale = bestOfSixteen(mean: f32x16_total(total) * 0x1p-8, largest: largest * factor)
    var turn = 0
    while turn < 3 {
      scale = mean(beyond: scale * 0.5)
      turn &+= 1
    }
    // A scale of zero leaves nothing to improve: what counts is all zero.
    if hasFourthCode && scale != 0 { scale = bestOfFour(around: scale, factor: factor) }
    return max(-65504, min(scale * unit, 65504))
  }

  /// The best scale where codes stand for −1, 0, 1 and 2 times the scale.
  @inline(__always)
  private func bestOfFour(around scale: Float, factor: Float) -> Float {
    let places: InlineArray<5, Float> = [1, 0.7, -0.7, 0.9, -0.9]
    var multipliers = InlineArray<5, Float>(repeating: 0)
    for c in 0..<5 { multipliers[c] = 1 / (scale * places[c]) }
    let sums = moments(multipliers, factor: factor)
    var best = sums[0]
    for c in 1..<5 where sums[c].gain > best.gain { best = sums[c] }
    var turn = 0
    while turn < 2 && best.xq != 0 {
      best = moments([1 / best.scale], factor: factor)[0]
      turn &+= 1
    }
    return best.scale
  }

  /// Σ w·x·q and Σ w·q² of the codes q of x · multiplier.
  @inline(__always)
  private func moments<let n: Int>(
    _ multipliers: InlineArray<n, Float>, factor: Float
  ) -> InlineArray<n, TernaryMoments> {
    let zero = f32x16(repeating: 0)
    var xq = InlineArray<n, f32x16>(repeating: zero)
    var qq = InlineArray<n, f32x16>(repeating: zero)
    var i = 0
    while i < 16 {
      let x = f32x16_load(workspace + 64 &* i) * factor
      for c in 0..<n {
        // A float of this size has no fraction.
        let q = f32x16_clamped(x * multipliers[c], -1, 2) + 0x1.8p23 - 0x1.8p23
        let wq = Weights.isUniform ? q : q * weight(i)
        xq[c] += x * wq
        qq[c] += q * wq
      }
      i &+= 1
    }
    return InlineArray<n, TernaryMoments> {
      TernaryMoments(xq: f32x16_total(xq[$0]), qq: f32x16_total(qq[$0]))
    }
  }

  /// S / W beyond the best of sixteen bounds.
  @inline(__always)
  private func bestOfSixteen(mean: Float, largest: Float) -> Float {
    let means: f32x16 = f32x16(
      0.5, 0.56, 0.62, 0.68, 0.74, 0.8, 0.87, 0.95, 1.05, 1.2, 1.5, 2, 0, 0, 0, 0)
    let shares: f32x16 = f32x16(
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0.3, 0.4, 0.5)
    let bounds = (workspace + 5120).assumingMemoryBound(to: Float.self)
    f32x16_store(bounds, means * mean + shares * largest)
    let zero = f32x16(repeating: 0)
    var first = 0
    while first < 16 {
      var sums = InlineArray<8, f32x16>(repeating: zero)
      var weights = InlineArray<8, f32x16>(repeating: zero)
      var i = 0
      while i < 16 {
        let x = magnitude(i)
        let w = weight(i)
        let wx = Weights.isUniform ? x : x * w
        for c in 0..<8 {
          let bound = f32x16(repeating: bounds[first &+ c])
          sums[c] += f32x16_where_at_least(x, bound, wx, zero)
          weights[c] += f32x16_where_at_least(x, bound, w, zero)
        }
        i &+= 1
      }
      for c in 0..<8 {
        f32x16_store(workspace + 3072 + 64 &* (first &+ c), sums[c])
        f32x16_store(workspace + 4096 + 64 &* (first &+ c), weights[c])
      }
      first &+= 8
    }
    let sum = f32_row_sums((workspace + 3072).assumingMemoryBound(to: Float.self))
    let weight = f32_row_sums((workspace + 4096).assumingMemoryBound(to: Float.self))
    let scale = (sum / weight).replacing(with: 0, where: weight .== 0)
    let gain = f32x16_bits(sum * scale)
    f32x16_store(bounds, scale)
    let best = i32x16_equal_bits(gain, i32x16(repeating: i32x16_largest(gain)))
    return bounds[best.trailingZeroBitCount & 15]
  }

  /// S / W beyond a bound.
  @inline(__always)
  private func mean(beyond bound: Float) -> Float {
    let zero = f32x16(repeating: 0)
    let bound = f32x16(repeating: bound)
    var sum = zero
    var weights = zero
    var i = 0
    while i < 16 {
      let x = magnitude(i)
      let w = weight(i)
      sum += f32x16_where_at_least(x, bound, Weights.isUniform ? x : x * w, zero)
      weights += f32x16_where_at_least(x, bound, w, zero)
      i &+= 1
    }
    let weight = f32x16_total(weights)
    return weight == 0 ? 0 : f32x16_total(sum) / weight
  }
}
