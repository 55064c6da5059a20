// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q5_K: 256 elements in 176 bytes, 5.5 bits per weight.
//
//     f16 d | f16 dmin | 12 bytes of s and m | 32 bytes of fifth bits | 4 × 32 bytes of nibbles
//
// As q4_K, but bit r of byte j of the fifth bits belongs to q[j] of run r.
// y = (d · s) · q − (dmin · m)

internal import CVectors
internal import KerfElements

enum Q5_K: AffineKFormat {
  typealias Kernel = AffineKernel<32, 31, 63, 8, Q5_K>
  static let bytesPerBlock = 176
  @inline(__always) static var reference: ReferenceLines {
    ReferenceLines(first: -0.5, count: 16, isAbsolute: false)
  }

  @inline(__always)
  static var candidates: AffineCandidates<12, 4> {
    AffineCandidates(
      spans: [
        CodeSpan(-0.42, -0.18), CodeSpan(-0.31, -1.12), CodeSpan(-0.3, 0.24),
        CodeSpan(-0.15, -2.01), CodeSpan(-0.07, -2.89), CodeSpan(-0.07, -0.92),
        CodeSpan(-0.04, -0.14), CodeSpan(0.06, 0.24), CodeSpan(0.07, -1.79), CodeSpan(0.19, -0.75),
        CodeSpan(0.32, 0.39), CodeSpan(1.1, -0.1),
      ],
      ends: [
        LatticeEnd(0.19, 0.11), LatticeEnd(-1.93, -0.02), LatticeEnd(0.04, -0.95),
        LatticeEnd(0.07, -1.93),
      ])
  }

  @inline(__always)
  static var weightedCandidates: AffineCandidates<12, 4> {
    AffineCandidates(
      spans: [
        CodeSpan(-1.79, 0.25), CodeSpan(-0.45, -0.08), CodeSpan(-0.37, 0.45),
        CodeSpan(-0.19, -2.07), CodeSpan(-0.17, -1.16), CodeSpan(-0.12, 1.05),
        CodeSpan(0.07, -0.74), CodeSpan(0.2, 0.03), CodeSpan(0.94, -1.89), CodeSpan(0.96, -2.91),
        CodeSpan(1.07, 0.09), CodeSpan(1.09, -0.9),
      ],
      ends: [
        LatticeEnd(-0.01, -0.03), LatticeEnd(-0.04, -0.91), LatticeEnd(-2.02, -2.03),
        LatticeEnd(-2.87, -0.97),
      ])
  }

  @inline(__always)
  static func write(_ lines: StoredLines, _ block: UnsafeMutableRawPointer) {
    block.storeBytes(of: lines.halves, as: UInt32.self)
    SixBitLevels.pack(lines.levels(0), to: block + 4)
    var half = 0
    while half < 32 {
      var fifth = i32x16(repeating: 0)
      var run = 0
      while run < 8 {
        let (a, b) = (lines.codes(run, half), lines.codes(run &+ 1, half))
        u8x16_store(
          block + 48 + 16 &* run + half, i32x16_low_bytes((a & 15) | (b & 15) &<< 4))
        // From bit 4 to bits run and run + 1, through bit 8.
        fifth = (fifth &>> 2) | (a & 16) &<< 6 | (b & 16) &<< 7
        run &+= 2
      }
      u8x16_store(block + 16 + half, i32x16_low_bytes(fifth &>> 4))
      half &+= 16
    }
  }

  @inline(__always)
  static func decode(_ block: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    let levels = SixBitLevels(block)
    var half = 0
    while half < 32 {
      var fifth = u8x16_widened(u8x16_load(block + 16 + half)) &<< 4
      var run = 0
      while run < 8 {
        let bytes = u8x16_widened(u8x16_load(block + 48 + 16 &* run + half))
        let elements = target + 128 &* run + 4 &* half
        levels.line(run).store((bytes & 15) | (fifth & 16), elements)
        levels.line(run &+ 1).store((bytes &>> 4) | ((fifth &>> 1) & 16), elements + 128)
        fifth = fifth &>> 2
        run &+= 2
      }
      half &+= 16
    }
  }

  static var kernels: CodecKernels {
    CodecKernels(
      encodeReference: { Kernel.encodeReference($0, $1, $2, $3) },
      encodeOptimal: { Kernel.encodeOptimal(Uniform.self, $0, nil, $1, $2, $3) },
      encodeWeighted: { Kernel.encodeOptimal(Important.self, $0, $1, $2, $3, $4) },
      decode: { Kernel.decode($0, $1, $2) })
  }
}
