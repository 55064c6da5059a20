// The largest, smallest and signed-largest element of each block of a group, in the order that the
// reference code visits them: of equal candidates the first one wins, which decides signs of zero.

internal import CVectors

extension BlockGroup {
  /// max |x|
  @inline(__always)
  func largestMagnitudes() -> f32x16 { f32_block_magnitudes(elements) }

  /// max x; of a zero, either sign.
  @inline(__always)
  func maxima() -> f32x16 { f32_block_maxima(elements) }

  /// min x; of equal ones the first.
  @inline(__always)
  func minima() -> f32x16 {
    let minima = f32_block_minima(elements)
    let zero = minima .== 0
    return any(zero) ? firstOfMagnitude(f32x16_abs(minima), where: zero, else: minima) : minima
  }

  /// The first element of the largest magnitude, with its sign.
  @inline(__always)
  func signedLargest() -> f32x16 {
    signedLargest(maxima: f32_block_maxima(elements), minima: f32_block_minima(elements))
  }

  /// The same, from the extremes of each block.
  @inline(__always)
  func signedLargest(maxima: f32x16, minima: f32x16) -> f32x16 {
    let largest = minima.replacing(with: maxima, where: maxima .>= 0 - minima)
    let tied = maxima .== 0 - minima
    return any(tied) ? firstOfMagnitude(f32x16_abs(largest), where: tied, else: largest) : largest
  }

  /// In the lanes of a mask, the first element of that magnitude of each block. A rare way: two
  /// elements have to be equal but for their signs.
  @inline(never)
  private func firstOfMagnitude(
    _ magnitudes: f32x16, where mask: SIMDMask<SIMD16<Int32>>, else others: f32x16
  ) -> f32x16 {
    var result = others
    for b in 0..<count where mask[b] {
      let wanted = f32x16(repeating: magnitudes[b])
      let block = elements + 32 &* b
      let bits =
        f32x16_equal_bits(f32x16_abs(f32x16_load(block)), wanted)
        | f32x16_equal_bits(f32x16_abs(f32x16_load(block + 16)), wanted) &<< 16
      result[b] = block[bits.trailingZeroBitCount]
    }
    return result
  }
}
