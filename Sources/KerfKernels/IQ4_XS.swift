// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq4_xs: 256 elements in 136 bytes, 4.25 bits per weight.
//
//     f16 d | u16 high | low[4] | 128 bytes                y = ((s − 32) · d) · table[q], s of each 32
//
// Run i of 32 elements has bytes 16·i…: low nibble q[j], high nibble q[j + 16]. Of s, bits 2·i and
// 2·i + 1 of `high` are the upper two of s[i]; byte j of `low` has the lower four bits of s[2·j], and
// above them those of s[2·j + 1].
//
// reference: the best of 16 places of a run's largest element, errors weighted by x²; the largest
// scale becomes s = 0.

internal import CVectors
internal import KerfElements

enum IQ4_XS: SubScaledFormat {
  typealias Grid = Codebook
  typealias SubScale = Integers<-32, 31>
  static let bytesPerBlock = 136
  @inline(__always) static var limit: Float { 32 }
  @inline(__always) static var referenceRoundsFirst: Bool { false }
  @inline(__always) static var ends: (first: Float, step: Float) { (24, 0.6) }

  @inline(__always)
  static func write(
    codes: UnsafePointer<UInt8>, subScales: UnsafePointer<UInt8>, scale: UInt16,
    to target: UnsafeMutableRawPointer
  ) {
    var high: UInt32 = 0
    var low: UInt32 = 0
    var i = 0
    while i < 8 {
      let s = UInt32(subScales[i])
      high |= (s &>> 4) &<< UInt32(2 &* i)
      low |= (s & 15) &<< UInt32(4 &* i)
      Codebook.pack(codes + 32 &* i, to: target + 8 + 16 &* i)
      i &+= 1
    }
    target.storeBytes(of: scale, as: UInt16.self)
    target.storeBytes(of: UInt16(truncatingIfNeeded: high), toByteOffset: 2, as: UInt16.self)
    target.storeBytes(of: low, toByteOffset: 4, as: UInt32.self)
  }

  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let d = f16_widened(block.loadUnaligned(as: UInt16.self))
      let high = UInt32(block.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      let low = block.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
      var i = 0
      while i < 8 {
        let upper = (high &>> UInt32(2 &* i)) & 3
        let s = (low &>> UInt32(4 &* i)) & 15 | upper &<< 4
        Codebook.unpack(
          block + 8 + 16 &* i, scale: d * (Float(s) - 32), to: target + 1024 &* b + 128 &* i)
        i &+= 1
      }
      b &+= 1
    }
  }

  private typealias Blocks = SubScaledBlocks<32, IQ4_XS>
  static let kernels = CodecKernels(
    encodeReference: {
      Blocks.encode(ReferenceRule<Codebook.ReferenceCandidates>.self, $0, nil, $1, $2, $3)
    },
    encodeOptimal: {
      Blocks.encode(SearchRule<Uniform, Codebook.Candidates>.self, $0, nil, $1, $2, $3)
    },
    encodeWeighted: {
      Blocks.encode(SearchRule<Important, Codebook.WeightedCandidates>.self, $0, $1, $2, $3, $4)
    },
    decode: { decode($0, $1, $2) })
}
