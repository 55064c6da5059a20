// Activations quantized for the integer matrix product, 32 along K to a block of 48 bytes:
//
//     i8 q[32] | f32 d | f32 unstart | i32 start | f32 d · Σq                x ≈ q · d
//
// d = max|x| / 127, its last two bits cleared; q = x / d, to the nearest, ties to even. `start` is
// what a sum of products begins with: it takes away what the weights' code of zero adds, and makes
// the sum's bits a Float's, which d and `unstart` turn into n · d (`dot.h`).
//
// A block that holds NaN, an infinity or a magnitude above 2¹⁰⁰ has a scale of NaN, and so makes
// NaN of its whole row of the product. A block of magnitudes below 127 · 2⁻¹²⁶ counts as zeros.

internal import CVectors

extension PackedFormat {
  /// See ``PackedKernels/quantize``.
  @inline(__always)
  static func quantize(
    _ source: UnsafePointer<Float>, _ blocks: Int, _ target: UnsafeMutableRawPointer, _ stride: Int
  ) {
    let magnitudeBits = i32x16(repeating: 0x7FFF_FFFF)
    var b = 0
    while b < blocks {
      let low = f32x16_load(source + 32 &* b)
      let high = f32x16_load(source + 32 &* b + 16)
      bytes_prefetch(source + 32 &* b + 512)
      bytes_prefetch(source + 32 &* b + 528)
      // Bits of magnitudes order like magnitudes, infinity and NaN on top.
      let lowBits = f32x16_bits(low) & magnitudeBits
      let highBits = f32x16_bits(high) & magnitudeBits
      let largest = i32x16_largest(lowBits.replacing(with: highBits, where: highBits .> lowBits))
      var scale = Float(bitPattern: UInt32(bitPattern: largest)) / 127
      scale = Float(bitPattern: scale.bitPattern & ~3)
      var multiplier = 1 / scale
      if scale < 0x1p-126 {
        scale = 0
        multiplier = 0
      }
      if largest > 0x7180_0000 {
        scale = .nan
        multiplier = 0
      }
      let lowCodes = f32x16_to_nearest_i32(low * multiplier)
      let highCodes = f32x16_to_nearest_i32(high * multiplier)
      let sum = i32x16_total(lowCodes &+ highCodes)
      let to = target + stride &* b
      u8x16_store(to, i32x16_low_bytes(lowCodes))
      u8x16_store(to + 16, i32x16_low_bytes(highCodes))
      to.storeBytes(of: scale, toByteOffset: 32, as: Float.self)
      to.storeBytes(of: dot_unstart(scale), toByteOffset: 36, as: Float.self)
      to.storeBytes(
        of: dot_start() &- codeOfZero &* sum, toByteOffset: 40, as: Int32.self)
      to.storeBytes(of: scale * Float(sum), toByteOffset: 44, as: Float.self)
      b &+= 1
    }
  }
}
