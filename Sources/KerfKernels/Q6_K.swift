// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q6_K: 256 elements in 210 bytes, 6.5625 bits per weight.
//
//     ql[128] | qh[64] | i8 s[16] | f16 d                  y = (s · d) · (q − 32), s of each sixteen
//
// Halves of 128 elements have 64 bytes of ql and 32 of qh. Byte j of ql: the lower four bits of
// q[j], above them those of q[j + 64]. Byte j of qh, from its lowest bits on: the upper two bits of
// q[j], q[j + 32], q[j + 64], q[j + 96].
//
// reference: the best of 19 places of a run's largest element, errors weighted by x²; the largest
// scale becomes s = −128.

internal import CVectors
internal import KerfElements

enum Q6_K: SubScaledFormat {
  typealias Grid = Integers<-32, 31>
  typealias SubScale = Integers<-128, 127>
  static let bytesPerBlock = 210
  @inline(__always) static var limit: Float { 128 }
  @inline(__always) static var ends: (first: Float, step: Float) { (113, 1) }

  enum ReferenceCandidates: Placements {
    @inline(__always) static var count: Int { 19 }
    @inline(__always) static var countWithin: Int { 0 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      // −32 first: of two that are as good, the earlier counts.
      let i = candidate == 0 ? 0 : candidate < 10 ? candidate &- 10 : candidate &- 9
      return -32 - 0.1 * Float(i)
    }
  }
  enum Candidates: Placements {
    @inline(__always) static var count: Int { 12 }
    @inline(__always) static var countWithin: Int { 9 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<12, Float> = [
        -24, -25, -26, -27, -28, -29, -30, -30.875, -31.25, -31.75, -32, -32.375,
      ]
      return places[candidate]
    }
  }
  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 11 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<16, Float> = [
        21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, -31.5, -32, -32.75, -33.75, -35.25,
      ]
      return places[candidate]
    }
  }

  @inline(__always)
  static func write(
    codes: UnsafePointer<UInt8>, subScales: UnsafePointer<UInt8>, scale: UInt16,
    to target: UnsafeMutableRawPointer
  ) {
    var half = 0
    while half < 2 {
      let q = codes + 128 &* half
      var j = 0
      while j < 32 {
        let (a, b) = (u8x16_load(q + j), u8x16_load(q + 32 + j))
        let (c, d) = (u8x16_load(q + 64 + j), u8x16_load(q + 96 + j))
        u8x16_store(target + 64 &* half + j, a & 15 | (c & 15) &<< 4)
        u8x16_store(target + 64 &* half + 32 + j, b & 15 | (d & 15) &<< 4)
        u8x16_store(
          target + 128 + 32 &* half + j,
          a &>> 4 | (b &>> 4) &<< 2 | (c &>> 4) &<< 4 | (d &>> 4) &<< 6)
        j &+= 16
      }
      half &+= 1
    }
    u8x16_store(target + 192, u8x16_load(subScales) ^ 0x80)
    target.storeBytes(of: scale, toByteOffset: 208, as: UInt16.self)
  }

  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let elements = target + 1024 &* b
      let d = f16_widened(block.loadUnaligned(fromByteOffset: 208, as: UInt16.self))
      var quarter = 0
      while quarter < 4 {
        // Sixteen of the first 32 elements of a half, and those 32, 64 and 96 after them.
        let (half, j) = (quarter &>> 1, 16 &* (quarter & 1))
        let low = u8x16_widened(u8x16_load(block + 64 &* half + j))
        let next = u8x16_widened(u8x16_load(block + 64 &* half + 32 + j))
        let high = u8x16_widened(u8x16_load(block + 128 + 32 &* half + j))
        @inline(__always) func store(_ part: Int, _ q: i32x16) {
          let s = block.load(fromByteOffset: 192 &+ 8 &* half &+ 2 &* part &+ j / 16, as: Int8.self)
          f32x16_store(
            elements + 4 &* (128 &* half &+ 32 &* part &+ j),
            i32x16_to_f32(q &- 32) * (d * Float(s)))
        }
        store(0, low & 15 | (high & 3) &<< 4)
        store(1, next & 15 | (high &>> 2 & 3) &<< 4)
        store(2, low &>> 4 | (high &>> 4 & 3) &<< 4)
        store(3, next &>> 4 | (high &>> 6) &<< 4)
        quarter &+= 1
      }
      b &+= 1
    }
  }

  private typealias Blocks = SubScaledBlocks<16, Q6_K>
  static let kernels = CodecKernels(
    encodeReference: {
      Blocks.encode(ReferenceRule<ReferenceCandidates>.self, $0, nil, $1, $2, $3)
    },
    encodeOptimal: {
      Blocks.encode(SearchRule<Uniform, Candidates>.self, $0, nil, $1, $2, $3)
    },
    encodeWeighted: {
      Blocks.encode(SearchRule<Important, WeightedCandidates>.self, $0, $1, $2, $3, $4)
    },
    decode: { decode($0, $1, $2) })
}
