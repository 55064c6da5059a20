// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q3_K: 256 elements in 110 bytes, 3.4375 bits per weight.
//
//     high[32] | low[64] | 12 bytes of s | f16 d           y = ((s − 32) · d) · (q − 4), s of each sixteen
//
// Bit i of high[j]: the third bit of q[32·i + j]. Halves of 128 elements have 32 bytes of low; byte
// j, from its lowest bits on: the lower two bits of q[j], q[j + 32], q[j + 64], q[j + 96]. Of s, byte
// j < 8 has the lower four bits of s[j], above them those of s[j + 8]; byte 8 + j has, from its
// lowest bits on, the upper two of s[j], s[j + 4], s[j + 8], s[j + 12].
//
// reference: the widest grid, then five rounds in which each code may change for the better, errors
// weighted by x²; the largest scale becomes s = 0.

internal import CVectors
internal import KerfElements

enum Q3_K: SubScaledFormat {
  typealias Grid = Integers<-4, 3>
  typealias SubScale = Integers<-32, 31>
  static let bytesPerBlock = 110
  @inline(__always) static var limit: Float { 32 }
  @inline(__always) static var ends: (first: Float, step: Float) { (24, 0.6) }

  enum Candidates: Placements {
    @inline(__always) static var count: Int { 8 }
    @inline(__always) static var countWithin: Int { 2 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<8, Float> = [3, 3.25, -3.7, -3.95, -4.15, -4.35, -4.6, -4.95]
      return places[candidate]
    }
  }
  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 12 }
    @inline(__always) static var countWithin: Int { 2 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<12, Float> = [
        2.9, 3.2, 4.1, 4.7, 5.4, 6.5, -3.7, -4, -4.4, -4.9, -5.4, -6.5,
      ]
      return places[candidate]
    }
  }

  @inline(__always)
  static func write(
    codes: UnsafePointer<UInt8>, subScales: UnsafePointer<UInt8>, scale: UInt16,
    to target: UnsafeMutableRawPointer
  ) {
    var j = 0
    while j < 32 {
      var high = u8x16(repeating: 0)
      var half = 0
      while half < 2 {
        let q = codes + 128 &* half + j
        let (a, b, c, d) = (
          u8x16_load(q), u8x16_load(q + 32), u8x16_load(q + 64), u8x16_load(q + 96)
        )
        u8x16_store(
          target + 32 + 32 &* half + j, a & 3 | (b & 3) &<< 2 | (c & 3) &<< 4 | (d & 3) &<< 6)
        let thirds = a &>> 2 | (b &>> 2) &<< 1 | (c &>> 2) &<< 2 | (d &>> 2) &<< 3
        high |= half == 0 ? thirds : thirds &<< 4
        half &+= 1
      }
      u8x16_store(target + j, high)
      j &+= 16
    }
    let first = UnsafeRawPointer(subScales).loadUnaligned(as: UInt64.self)
    let second = UnsafeRawPointer(subScales).loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let (nibbles, pairs): (UInt64, UInt64) = (0x0F0F_0F0F_0F0F_0F0F, 0x0303_0303_0303_0303)
    target.storeBytes(
      of: first & nibbles | (second & nibbles) &<< 4, toByteOffset: 96, as: UInt64.self)
    let upper = first &>> 4 & pairs | (second &>> 4 & pairs) &<< 4
    target.storeBytes(
      of: UInt32(truncatingIfNeeded: upper | upper &>> 30), toByteOffset: 104, as: UInt32.self)
    target.storeBytes(of: scale, toByteOffset: 108, as: UInt16.self)
  }

  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let elements = target + 1024 &* b
      let d = f16_widened(block.loadUnaligned(fromByteOffset: 108, as: UInt16.self))
      let nibbles = block.loadUnaligned(fromByteOffset: 96, as: UInt64.self)
      let pairs = block.loadUnaligned(fromByteOffset: 104, as: UInt32.self)
      var run = 0
      while run < 16 {
        let (group, j) = (run &>> 1, 16 &* (run & 1))
        let low = u8x16_widened(u8x16_load(block + 32 + 32 &* (group &>> 2) + j))
        let high = u8x16_widened(u8x16_load(block + j))
        let q =
          low &>> Int32(truncatingIfNeeded: 2 &* (group & 3)) & 3
          | (high &>> Int32(truncatingIfNeeded: group) & 1) &<< 2
        let lower = Int(
          truncatingIfNeeded: nibbles &>> (8 &* UInt64(run & 7) &+ 4 &* UInt64(run &>> 3)) & 15)
        let upper = Int(
          truncatingIfNeeded: pairs &>> (8 &* UInt32(run & 3) &+ 2 &* UInt32(run &>> 2)) & 3)
        let s = Float(lower &+ 16 &* upper &- 32)
        f32x16_store(elements + 64 &* run, i32x16_to_f32(q &- 4) * (d * s))
        run &+= 1
      }
      b &+= 1
    }
  }

  private typealias Blocks = SubScaledBlocks<16, Q3_K>
  static let kernels = CodecKernels(
    encodeReference: { Blocks.encode(ReferenceRule<Candidates>.self, $0, nil, $1, $2, $3) },
    encodeOptimal: {
      Blocks.encode(SearchRule<Uniform, Candidates>.self, $0, nil, $1, $2, $3)
    },
    encodeWeighted: {
      Blocks.encode(SearchRule<Important, WeightedCandidates>.self, $0, $1, $2, $3, $4)
    },
    decode: { decode($0, $1, $2) })

  /// The reference code's scales: codes of the widest grid, changed one by one.
  @inline(__always)
  static func referenceScales<let length: Int, Weights, Candidates: Placements>(
    _ runs: Runs<length, Weights>, _: Candidates.Type
  ) -> f32x16 {
    let largest = runs.signedLargest
    let multiplier = (-4 / largest).replacing(with: 0, where: f32x16_abs(largest) .< 1e-15)
    var xq = f32x16(repeating: 0)
    var qq = f32x16(repeating: 0)
    var j = 0
    while j < length {
      let q = Grid.nearest(runs.element(j) * multiplier)
      f32x16_store(runs.rest + 1024 + 64 &* j, q)
      let wq = runs.weight(j) * q
      xq += runs.element(j) * wq
      qq += q * wq
      j &+= 1
    }
    var i = 0
    while i < 5 &* length {
      j = i & (length &- 1)
      let x = runs.element(j)
      let w = runs.weight(j)
      let q = f32x16_load(runs.rest + 1024 + 64 &* j)
      // The sums without this element, and with what it would be coded as after a refit to them.
      let xqOthers = xq - x * (w * q)
      let qqOthers = qq - q * (w * q)
      let changed = Grid.nearest(x * qqOthers / xqOthers)
      let xqChanged = xqOthers + x * (w * changed)
      let qqChanged = qqOthers + changed * (w * changed)
      let better =
        xqOthers .> 0 .& qqChanged .> 0
        .& xqChanged * xqChanged * qq .> xq * xq * qqChanged
      xq.replace(with: xqChanged, where: better)
      qq.replace(with: qqChanged, where: better)
      f32x16_store(runs.rest + 1024 + 64 &* j, q.replacing(with: changed, where: better))
      i &+= 1
    }
    return (xq / qq).replacing(with: 0, where: qq .<= 0)
  }
}
