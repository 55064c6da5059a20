// swift-format-ignore-file: AlwaysUseLowerCamelCase
// nvfp4: 64 elements in 36 bytes, 4.5 bits per weight.
//
//     4 × u8 s | 4 × { 8 bytes: low nibble q[j], high nibble q[j + 8] }     y = E2M1(q) · UE4M3(s)
//
// UE4M3 has four bits of exponent and three of significand: m · 2⁻⁹, or (8 + m) · 2^(e − 10). The
// largest is 448, and 127 stands for zero.

internal import CVectors
internal import KerfElements

enum NVFP4 {
  private static let bytesPerBlock = 36

  /// The number that a code 0…126 stands for.
  @inline(__always)
  private static func scale(_ code: i32x16) -> f32x16 {
    let isSubnormal = i32x16_below(code, i32x16(repeating: 8))
    return f32x16_select(
      isSubnormal, i32x16_to_f32(code) * 0x1p-9, i32x16_as_f32((code &<< 20) &+ (120 &<< 23)))
  }

  /// The code whose number is nearest to max |x| / 6, with which 6 stands for the largest element;
  /// beyond 126 where there is none.
  @inline(__always)
  private static func code(_ largest: f32x16) -> i32x16 {
    let scale = f32x16_min(largest / 6, f32x16(repeating: 448))
    let isSubnormal = f32x16_above(f32x16(repeating: 0x1p-6), scale)
    return i32x16_select(
      isSubnormal, f32x16_truncated(scale * 512 + 0.5),
      ((f32x16_bits(scale) &+ (1 &<< 19)) &>> 20) &- (120 &<< 3))
  }

  /// The codes that the public reference code takes. It rounds to no subnormal number's successor,
  /// and to nothing between 240 and 448.
  @inline(__always)
  private static func referenceCodes<Weights>(_ runs: Runs<16, Weights>) -> i32x16 {
    let largest = runs.magnitudes()
    let code = code(largest)
    let isSubnormal = f32x16_above(f32x16(repeating: 0x1p-6), largest / 6)
    let small = i32x16_min(code, i32x16(repeating: 7))
    let large = i32x16_select(
      i32x16_below(code, i32x16(repeating: 120)), code, i32x16(repeating: 126))
    return i32x16_select(isSubnormal, small, large)
  }

  /// The codes that leave least, of eight consecutive ones: from the one below that with which 6
  /// stands for the largest element, to those with which 4 does. Where the largest element may count
  /// little, smaller ones are tried as well.
  @inline(__always)
  private static func bestCodes<Weights: Weighting>(_ runs: Runs<16, Weights>) -> i32x16 {
    let largest = runs.magnitudes()
    let middle = code(largest)
    var best = BestScale(codes: middle, error: f32x16(repeating: .infinity))
    let offsets: InlineArray<16, Int32> = [
      0, 1, -1, 2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6, -7, -8,
    ]
    var first = 0
    while first < (Weights.isUniform ? 8 : 16) {
      let codes = InlineArray<4, i32x16> {
        i32x16_min(
          i32x16_max(middle &+ offsets[first &+ $0], i32x16(repeating: 1)),
          i32x16(repeating: 126))
      }
      let errors = runs.e2m1Errors(InlineArray<4, f32x16> { 1 / scale(codes[$0]) })
      for c in 0..<4 {
        let unit = scale(codes[c])
        best.challenge(codes[c], error: errors[c] * (unit * unit))
      }
      first &+= 4
    }
    // With the smallest scale, nothing up to this one is more than 0.
    return best.codes & f32x16_above(largest, f32x16(repeating: 0x1p-11))
  }

  @inline(__always)
  private static func encode<Weights: Weighting>(
    _: Weights.Type, isReference: Bool, _ source: UnsafeRawPointer,
    _ importance: UnsafePointer<Float>?, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let runs = Runs<16, Weights>(
        source + 256 &* done, importance: advanced(importance, by: 64 &* done),
        count: 4 &* min(4, blocks &- done), runsPerBlock: 4, workspace)
      runs.fillWeightless()
      let codes = isReference ? referenceCodes(runs) : bestCodes(runs)
      // With a scale of zero, every element is 0.
      let bounds = f32x16_select(
        i32x16_below(codes, i32x16(repeating: 1)), f32x16(repeating: .infinity),
        scale(codes) * 0.5)
      runs.packE2M1(E2M1.Bounds(half: bounds))
      u8x16_store(runs.codes, i32x16_low_bytes(codes))
      var run = 0
      while run < runs.count {
        let block = target + bytesPerBlock &* (done &+ run / 4)
        block.storeBytes(of: runs.codes[run], toByteOffset: run & 3, as: UInt8.self)
        for w in 0..<2 {
          let word = runs.rest.load(fromByteOffset: 64 &* w &+ 4 &* run, as: UInt32.self)
          block.storeBytes(
            of: word, toByteOffset: 4 &+ 8 &* (run & 3) &+ 4 &* w, as: UInt32.self)
        }
        run &+= 1
      }
      done &+= 4
    }
  }

  @inline(__always)
  private static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    @inline(__always) func half(_ code: UInt8) -> Float {
      let m = UInt32(code & 127)
      if m == 127 && code == 127 { return 0 }
      return m < 8 ? Float(m) * 0x1p-10 : Float(bitPattern: m &<< 20 &+ (119 &<< 23))
    }
    var pair = 0
    while pair < 2 &* blocks {
      let block = source + bytesPerBlock &* (pair / 2)
      let first = 2 &* (pair & 1)
      let bytes = u8x16_load(block + 4 + 8 &* first)
      let low = u8x16_low_nibbles(bytes)
      let high = u8x16_high_nibbles(bytes)
      let to = target + 128 &* pair
      f32x16_store(
        to,
        e2m1_doubled(u8x16_first_halves(low, high))
          * half(block.load(fromByteOffset: first, as: UInt8.self)))
      f32x16_store(
        to + 64,
        e2m1_doubled(u8x16_last_halves(low, high))
          * half(block.load(fromByteOffset: first &+ 1, as: UInt8.self)))
      pair &+= 1
    }
  }

  static let kernels = CodecKernels(
    encodeReference: { encode(Uniform.self, isReference: true, $0, nil, $1, $2, $3) },
    encodeOptimal: { encode(Uniform.self, isReference: false, $0, nil, $1, $2, $3) },
    encodeWeighted: { encode(Important.self, isReference: false, $0, $1, $2, $3, $4) },
    decode: { decode($0, $1, $2) })
}
