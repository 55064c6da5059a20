// What runtimes' own quantizers compute for integer groups, in single precision.
//
// No offset, and zero points, are as compressed-tensors has them: with n = 2^bits − 1,
//
//     s = max |x| / (n / 2)                                       q = rint(x / s) + 2^(bits−1)
//     s = (max(x, 0) − min(x, 0)) / n     z = rint(−min(x, 0) / s)     q = rint(x / s + z)
//
// s as it is stored; where that is 0, the type's distance from 1 to the next number.
//
// Biases are as MLX has them: s = max((max x − min x) / n, 10⁻⁷), negative unless the smallest element
// is the largest magnitude; e that element. Where q₀ = rint(e / s) is not 0, b = e and s = e / q₀, else
// b = 0. q = rint((x − b) / s), with s and b as they are before they are stored.

internal import CVectors
internal import KerfElements

extension GroupWork {
  /// Finds the extremes of `count` groups that fill vectors. What they are to be read from is the
  /// result: where they are, or, repaired, floats in the workspace.
  @inline(__always)
  func extremes<Element: Scalar>(
    _: Element.Type, _ source: UnsafeRawPointer, count: Int, length: Int
  ) -> (groups: UnsafeRawPointer, isRepaired: Bool) {
    var groups = source
    let isRepaired = fold(Element.self, groups, count: count, length: length)
    if isRepaired {
      var i = 0
      while i < count &* length {
        f32x16_store(memory + 4 &* i, Element.load(source + Element.bytesPerElement &* i))
        i &+= 16
      }
      repair(memory.assumingMemoryBound(to: Float.self), count &* length, length)
      groups = UnsafeRawPointer(memory)
      _ = fold(Floats.self, groups, count: count, length: length)
    }
    let lows = memory + 8192
    let highs = memory + 9216
    var b = count
    while b < 16 {
      f32x16_store(lows + 64 &* b, f32x16(repeating: 0))
      f32x16_store(highs + 64 &* b, f32x16(repeating: 0))
      b &+= 1
    }
    store(
      smallest: f32_row_minima(lows.assumingMemoryBound(to: Float.self)),
      largest: f32_row_maxima(highs.assumingMemoryBound(to: Float.self)))
    return (groups, isRepaired)
  }

  /// Folds each group to sixteen elements, once the smallest and once the largest, and asks for the
  /// sixteen groups that follow. Whether an element is not finite is the result.
  @inline(__always)
  private func fold<Element: Scalar>(
    _: Element.Type, _ source: UnsafeRawPointer, count: Int, length: Int
  ) -> Bool {
    var taint = f32x16(repeating: 0)
    var b = 0
    while b < count {
      let group = source + Element.bytesPerElement &* length &* b
      var low = Element.load(group)
      bytes_prefetch(group + Element.bytesPerElement &* 16 &* length)
      var high = low
      taint = f32x16_tainted(taint, low)
      var i = 16
      while i < length {
        let x = Element.load(group + Element.bytesPerElement &* i)
        bytes_prefetch(group + Element.bytesPerElement &* (16 &* length &+ i))
        low = f32x16_min(low, x)
        high = f32x16_max(high, x)
        taint = f32x16_tainted(taint, x)
        i &+= 16
      }
      f32x16_store(memory + (8192 &+ 64 &* b), low)
      f32x16_store(memory + (9216 &+ 64 &* b), high)
      b &+= 1
    }
    return f32x16_has_nan(taint) != 0
  }

  /// Decides as a runtime does.
  @inline(never)
  func decideAsReference(_ group: IntegerGroup) {
    let nothing = f32x16(repeating: 0)
    let one = f32x16(repeating: 1)
    let highest = Float(group.highest)
    let middle = Float(group.middle)
    if group.offset == .bias { return decideAsMLX(group) }
    let smallest = f32x16_min(self.smallest, nothing)
    let largest = f32x16_max(self.largest, nothing)
    let magnitude = f32x16_max(largest, 0 - smallest)
    let wanted =
      group.offset == .none ? magnitude / (highest * 0.5) : (largest - smallest) / highest
    let stored = group.stored(wanted)
    let isNothing = f32x16_equal(stored.number, nothing)
    let least = group.stored(f32x16(repeating: group.scaleStep))
    let scale = f32x16_select(isNothing, least.number, stored.number)
    var zero = f32x16(repeating: middle)
    if group.offset == .zeroPoint {
      let place = f32x16_clamped((0 - smallest) / scale, 0, highest)
      zero = f32x16_select(isNothing, zero, place + 0x1.8p23 - 0x1.8p23)
    }
    store(
      scale: i32x16_select(isNothing, least.bits, stored.bits), offset: f32x16_truncated(zero),
      unit: one / scale, origin: nothing, factor: scale, shift: zero - middle,
      lowest: f32x16(repeating: 0 - middle),
      zero: i32x16(repeating: Int32(truncatingIfNeeded: group.middle)))
  }

  @inline(__always)
  private func decideAsMLX(_ group: IntegerGroup) {
    let nothing = f32x16(repeating: 0)
    let (low, high) = (smallest, largest)
    let isLow = f32x16_above(f32x16_abs(low), f32x16_abs(high))
    let least = f32x16(repeating: 1e-7)
    let most = f32x16(repeating: .greatestFiniteMagnitude)
    let span = f32x16_min(f32x16_max((high - low) / Float(group.highest), least), most)
    let signed = f32x16_select(isLow, span, 0 - span)
    let edge = f32x16_select(isLow, low, high)
    // No more than the codes there are, give or take one.
    let first = edge / signed + 0x1.8p23 - 0x1.8p23
    let isZero = f32x16_equal(first, nothing)
    let scale = f32x16_select(
      isZero, signed, edge / f32x16_select(isZero, f32x16(repeating: 1), first))
    let bias = f32x16_select(isZero, nothing, edge)
    store(
      scale: group.stored(scale).bits, offset: group.stored(bias).bits,
      unit: 1 / scale, origin: bias, factor: scale, shift: nothing, lowest: nothing,
      zero: i32x16(repeating: 0))
  }
}

extension IntegerGroup {
  /// The distance from 1 to the next number of a scale's type.
  @inline(__always)
  fileprivate var scaleStep: Float {
    switch scale {
    case .f16: 0x1p-10
    case .bf16: 0x1p-7
    default: 0x1p-23
    }
  }
}
