// Activations quantized for the integer matrix product, a block of 32, 64 or 128 along K to so many
// bytes and sixteen more:
//
//     i8 q[] | f32 d | f32 unstart | i32 start | f32 d · Σq                  x ≈ q · d
//
// d = max|x| / 127, its last two bits cleared; q = x / d, to the nearest, ties to even. `start` is
// what a sum of products begins with: it takes away what the weights' code of zero adds, and makes
// the sum's bits a Float's, which d and `unstart` turn into n · d (`dot.h`).
//
// That wants |n| < 2²². The product of an activation and a code that counts from the middle is at
// most 127 · 128 in magnitude, so that 128 of them are less than 2²¹.
//
// A block that holds NaN, an infinity or a magnitude above 2¹⁰⁰ has a scale of NaN, and so makes
// NaN of its whole row of the product. A block of magnitudes below 127 · 2⁻¹²⁶ counts as zeros.

internal import CVectors

/// Blocks of so many vectors of sixteen activations.
enum Activations<let vectors: Int> {
  /// See ``PackedKernels/quantize``. Where codes of weights are nibbles of one byte, of eight
  /// activations those for low nibbles come first: the first, the third, and so on.
  @inline(__always)
  static func quantize(
    _ source: UnsafePointer<Float>, _ blocks: Int, _ target: UnsafeMutableRawPointer, _ stride: Int,
    codeOfZero: Int32, inPairs: Bool
  ) {
    let magnitudeBits = i32x16(repeating: 0x7FFF_FFFF)
    var b = 0
    while b < blocks {
      let from = source + 16 &* vectors &* b
      var x = InlineArray<vectors, f32x16>(repeating: f32x16(repeating: 0))
      // Bits of magnitudes order like magnitudes, infinity and NaN on top.
      var bits = i32x16(repeating: 0)
      var j = 0
      while j < vectors {
        x[unchecked: j] = f32x16_load(from + 16 &* j)
        bytes_prefetch(from + 16 &* j + 512)
        bits = i32x16_max(bits, f32x16_bits(x[unchecked: j]) & magnitudeBits)
        j &+= 1
      }
      let largest = i32x16_largest(bits)
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
      let to = target + stride &* b
      var sums = i32x16(repeating: 0)
      j = 0
      while j < vectors {
        let codes = f32x16_to_nearest_i32(x[unchecked: j] * multiplier)
        sums &+= codes
        let bytes = i32x16_low_bytes(codes)
        u8x16_store(to + 16 &* j, inPairs ? u8x16_evens_first(bytes) : bytes)
        j &+= 1
      }
      let sum = i32x16_total(sums)
      let facts = to + 16 &* vectors
      facts.storeBytes(of: scale, as: Float.self)
      facts.storeBytes(of: dot_unstart(scale), toByteOffset: 4, as: Float.self)
      facts.storeBytes(of: dot_start() &- codeOfZero &* sum, toByteOffset: 8, as: Int32.self)
      facts.storeBytes(of: scale * Float(sum), toByteOffset: 12, as: Float.self)
      b &+= 1
    }
  }
}
