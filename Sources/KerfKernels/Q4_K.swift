// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q4_K: 256 elements in 144 bytes, 4.5 bits per weight.
//
//     f16 d | f16 dmin | 12 bytes of s and m | 4 × 32 bytes of nibbles
//
// Eight runs of 32; s and m have six bits (`SixBitLevels`). Byte j of the first 32: low nibble q[j] of
// run 0, high nibble q[j] of run 1; and so on by pairs.          y = (d · s) · q − (dmin · m)

internal import CVectors
internal import KerfElements

enum Q4_K: AffineKFormat {
  typealias Kernel = AffineKernel<32, 15, 63, 8, Q4_K>
  static let bytesPerBlock = 144
  @inline(__always) static var reference: ReferenceLines {
    ReferenceLines(first: -1, count: 21, isAbsolute: false)
  }

  @inline(__always)
  static var candidates: AffineCandidates<12, 4> {
    AffineCandidates(
      spans: [
        CodeSpan(-0.49, -0.2), CodeSpan(-0.41, 0.2), CodeSpan(-0.29, -0.14), CodeSpan(-0.24, -1.16),
        CodeSpan(-0.19, 0.35), CodeSpan(-0.12, -0.88), CodeSpan(-0.08, -0.04),
        CodeSpan(-0.01, 0.43), CodeSpan(0.11, -0.78), CodeSpan(0.14, 0.02), CodeSpan(0.17, 0.49),
        CodeSpan(0.86, -0.89),
      ],
      ends: [
        LatticeEnd(-1.11, 0.13), LatticeEnd(0.27, -2.83), LatticeEnd(0.02, -1.01),
        LatticeEnd(-2.06, -0.23),
      ])
  }

  @inline(__always)
  static var weightedCandidates: AffineCandidates<12, 4> {
    AffineCandidates(
      spans: [
        CodeSpan(-1.4, 0.16), CodeSpan(-1.13, 2.05), CodeSpan(-0.58, 0.01), CodeSpan(-0.35, 0.33),
        CodeSpan(-0.14, 2.3), CodeSpan(-0.06, 1.1), CodeSpan(0.02, -0.12), CodeSpan(0.02, 0.42),
        CodeSpan(0.07, -0.89), CodeSpan(0.79, -0.15), CodeSpan(0.92, -1.77), CodeSpan(1.04, -0.89),
      ],
      ends: [
        LatticeEnd(-0.64, -3.74), LatticeEnd(0.01, -0.88), LatticeEnd(0.01, 0.06),
        LatticeEnd(-1, -0.09),
      ])
  }

  @inline(__always)
  static func write(_ lines: StoredLines, _ block: UnsafeMutableRawPointer) {
    block.storeBytes(of: lines.halves, as: UInt32.self)
    SixBitLevels.pack(lines.levels(0), to: block + 4)
    var run = 0
    while run < 8 {
      var half = 0
      while half < 32 {
        let nibbles = lines.codes(run, half) | lines.codes(run &+ 1, half) &<< 4
        u8x16_store(block + 16 + 16 &* run + half, i32x16_low_bytes(nibbles))
        half &+= 16
      }
      run &+= 2
    }
  }

  @inline(__always)
  static func decode(_ block: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    let levels = SixBitLevels(block)
    var run = 0
    while run < 8 {
      let (a, b) = (levels.line(run), levels.line(run &+ 1))
      var half = 0
      while half < 32 {
        let bytes = u8x16_widened(u8x16_load(block + 16 + 16 &* run + half))
        let elements = target + 128 &* run + 4 &* half
        a.store(bytes & 15, elements)
        b.store(bytes &>> 4, elements + 128)
        half &+= 16
      }
      run &+= 2
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
