// The largest, smallest and signed-largest element of each block of a group, in the order that the
// reference code visits them: of equal candidates the first one wins, which decides signs of zero.

internal import CVectors

extension BlockGroup {
  /// max |x|
  @inline(__always)
  func largestMagnitudes() -> f32x16 { Element.magnitudes(elements) }

  /// min x, of equal ones the first, and max x; of a zero, either sign.
  @inline(__always)
  func extremes() -> (minima: f32x16, maxima: f32x16) {
    let (maxima, minima) = Element.extremes(elements)
    let zeros = f32x16_equal_bits(minima, f32x16(repeating: 0))
    return (
      zeros == 0 ? minima : firstOfMagnitude(f32x16_abs(minima), where: zeros, else: minima), maxima
    )
  }

  /// The first element of the largest magnitude, with its sign.
  @inline(__always)
  func signedLargest() -> f32x16 {
    let (largest, ties) = Element.signedLargest(elements)
    return ties == 0 ? largest : firstOfMagnitude(f32x16_abs(largest), where: ties, else: largest)
  }

  /// The same, from the extremes of each block.
  @inline(__always)
  func signedLargest(maxima: f32x16, minima: f32x16) -> f32x16 {
    let largest = f32x16_where_at_least(maxima, 0 - minima, maxima, minima)
    let ties = f32x16_equal_bits(maxima, 0 - minima)
    return ties == 0 ? largest : firstOfMagnitude(f32x16_abs(largest), where: ties, else: largest)
  }

  /// In the lanes whose bit is set, the first element of that magnitude of each block. A rare way: two
  /// elements have to be equal but for their signs.
  @inline(never)
  private func firstOfMagnitude(
    _ magnitudes: f32x16, where lanes: UInt32, else others: f32x16
  ) -> f32x16 {
    var result = others
    for b in 0..<count where lanes &>> UInt32(b) & 1 != 0 {
      let wanted = f32x16(repeating: magnitudes[b])
      let low = Element.load(block(b))
      let high = Element.load(block(b) + 16 &* Element.bytesPerElement)
      let first =
        (f32x16_equal_bits(f32x16_abs(low), wanted)
        | f32x16_equal_bits(f32x16_abs(high), wanted) &<< 16).trailingZeroBitCount
      result[b] = first < 16 ? low[first & 15] : high[first & 15]
    }
    return result
  }
}
