// The largest, smallest and signed-largest element of each block of a group, in the order that the
// reference code visits them: of equal candidates the first one wins, which decides signs of zero.

internal import CVectors

extension BlockGroup {
  /// A value for each of the sixteen blocks.
  @inline(__always)
  private func perBlock(_ value: (UnsafePointer<Float>) -> Float) -> f32x16 {
    // The multipliers' place is free until the fit is written.
    var b = 0
    while b < 16 {
      multipliers[b] = value(elements + 32 &* b)
      b &+= 1
    }
    return f32x16_load(multipliers)
  }

  /// max |x|
  @inline(__always)
  func largestMagnitudes() -> f32x16 {
    perBlock { block in
      f32x16_reduce_max(
        f32x16_max(f32x16_abs(f32x16_load(block)), f32x16_abs(f32x16_load(block + 16))))
    }
  }

  /// The first element of the largest magnitude, with its sign.
  @inline(__always)
  func signedLargest() -> f32x16 {
    perBlock { block in
      let low = f32x16_abs(f32x16_load(block))
      let high = f32x16_abs(f32x16_load(block + 16))
      return block[firstIndex(of: f32x16_reduce_max(f32x16_max(low, high)), low, high)]
    }
  }

  /// min x
  @inline(__always)
  func minima() -> f32x16 {
    perBlock { block in
      let low = f32x16_load(block)
      let high = f32x16_load(block + 16)
      return block[firstIndex(of: f32x16_reduce_min(f32x16_min(low, high)), low, high)]
    }
  }

  /// max x; of a zero, either sign.
  @inline(__always)
  func maxima() -> f32x16 {
    perBlock { block in
      f32x16_reduce_max(f32x16_max(f32x16_load(block), f32x16_load(block + 16)))
    }
  }
}

/// Where `value` stands first among 32 elements, of which it is one.
@inline(__always)
private func firstIndex(of value: Float, _ low: f32x16, _ high: f32x16) -> Int {
  let wanted = f32x16(repeating: value)
  let bits = f32x16_equal_bits(low, wanted) | f32x16_equal_bits(high, wanted) &<< 16
  return bits.trailingZeroBitCount
}
