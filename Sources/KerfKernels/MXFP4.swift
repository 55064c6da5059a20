// swift-format-ignore-file: AlwaysUseLowerCamelCase
// mxfp4: 32 elements in 17 bytes, 4.25 bits per weight.
//
//     u8 e | 16 bytes: low nibble q[j], high nibble q[j + 16]      y = E2M1(q) · 2^(e − 127)

internal import CVectors
internal import KerfElements

enum MXFP4 {
  private static let bytesPerBlock = 17

  /// Half of the scale that e stands for.
  @inline(__always)
  private static func half(_ e: i32x16) -> f32x16 {
    let isSubnormal = i32x16_below(e, i32x16(repeating: 2))
    return i32x16_as_f32(i32x16_select(isSubnormal, (e &+ 1) &<< 21, (e &- 1) &<< 23))
  }

  /// ⌊log₂ x⌋, and whether the logarithm in single precision is the next integer.
  @inline(__always)
  private static func exponent(_ x: f32x16) -> (floor: i32x16, isRoundedUp: i32x16) {
    // Of a subnormal number the exponent does not tell.
    let isSmall = f32x16_above(f32x16(repeating: 0x1p-100), x)
    let bits = f32x16_bits(f32x16_select(isSmall, x * 0x1p64, x))
    let floor = (bits &>> 23) &- 127 &- (isSmall & 64)
    // log₂(2ⁿ(1 − j · 2⁻²⁴)) ≈ n − j · 2⁻²⁴ · log₂ e, and close to n no other term counts.
    let next = i32x16_to_f32(floor &+ 1)
    let missing = i32x16_to_f32((1 &<< 23) &- (bits & 0x7F_FFFF))
    return (floor, f32x16_equal(next - missing * 0x1.715476p-24, next))
  }

  /// The exponent that the public reference code takes: ⌊log₂ max |x|⌋ − 2, in a byte that wraps.
  @inline(__always)
  private static func referenceExponents<Weights>(_ runs: Runs<32, Weights>) -> i32x16 {
    let largest = runs.magnitudes()
    let (floor, isRoundedUp) = exponent(largest)
    let isZero = f32x16_equal(largest, f32x16(repeating: 0))
    return (floor &- isRoundedUp &+ 125) & 255 & ~isZero
  }

  /// Of the two exponents with which the largest element is neither far beyond the grid nor within
  /// its lower half, the one that leaves less. Where the largest element may count little, smaller
  /// ones are tried as well.
  @inline(__always)
  private static func bestExponents<Weights: Weighting>(_ runs: Runs<32, Weights>) -> i32x16 {
    let largest = runs.magnitudes()
    let lowest = i32x16(repeating: Weights.isUniform ? -125 : -123)
    let floor = i32x16_min(
      i32x16_max(exponent(largest).floor, lowest), i32x16(repeating: 126))
    let low = floor &+ 125
    let multiplier = i32x16_as_f32((129 &- floor) &<< 23)
    let errors = runs.e2m1Errors([multiplier, multiplier * 0.5])
    var best = BestScale(codes: low, error: errors[0])
    best.challenge(low &+ 1, error: errors[1] * 4)
    if !Weights.isUniform {
      let errors = runs.e2m1Errors([multiplier * 2, multiplier * 4])
      best.challenge(low &- 1, error: errors[0] * 0.25)
      best.challenge(low &- 2, error: errors[1] * 0.0625)
    }
    return best.codes & ~f32x16_equal(largest, f32x16(repeating: 0))
  }

  @inline(__always)
  private static func encode<Weights: Weighting>(
    _: Weights.Type, isReference: Bool, _ source: UnsafeRawPointer,
    _ importance: UnsafePointer<Float>?, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let runs = Runs<32, Weights>(
        source + 128 &* done, importance: advanced(importance, by: 32 &* done),
        count: min(16, blocks &- done), runsPerBlock: 1, workspace)
      runs.fillWeightless()
      let exponents = isReference ? referenceExponents(runs) : bestExponents(runs)
      runs.packE2M1(E2M1.Bounds(half: half(exponents)))
      u8x16_store(runs.codes, i32x16_low_bytes(exponents))
      var b = 0
      while b < runs.count {
        let block = target + bytesPerBlock &* (done &+ b)
        block.storeBytes(of: runs.codes[b], as: UInt8.self)
        for w in 0..<4 {
          let word = runs.rest.load(fromByteOffset: 64 &* w &+ 4 &* b, as: UInt32.self)
          block.storeBytes(of: word, toByteOffset: 1 &+ 4 &* w, as: UInt32.self)
        }
        b &+= 1
      }
      done &+= 16
    }
  }

  @inline(__always)
  private static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let e = UInt32(block.load(as: UInt8.self))
      let half = Float(bitPattern: e < 2 ? (e &+ 1) &<< 21 : (e &- 1) &<< 23)
      let codes = u8x16_load(block + 1)
      f32x16_store(target + 128 &* b, e2m1_doubled(u8x16_low_nibbles(codes)) * half)
      f32x16_store(target + 128 &* b + 64, e2m1_doubled(u8x16_high_nibbles(codes)) * half)
      b &+= 1
    }
  }

  static let kernels = CodecKernels(
    encodeReference: { encode(Uniform.self, isReference: true, $0, nil, $1, $2, $3) },
    encodeOptimal: { encode(Uniform.self, isReference: false, $0, nil, $1, $2, $3) },
    encodeWeighted: { encode(Important.self, isReference: false, $0, $1, $2, $3, $4) },
    decode: { decode($0, $1, $2) })
}
