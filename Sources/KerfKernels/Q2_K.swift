// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q2_K: 256 elements in 84 bytes, 2.625 bits per weight.
//
//     16 bytes: low nibble s, high nibble m of a run | 2 × 32 bytes of 2-bit codes | f16 d | f16 dmin
//
// Sixteen runs of 16. Of the 128 elements of each half, bits 2k and 2k + 1 of byte j are q of element
// 32k + j.                                                       y = (d · s) · q − (dmin · m)

internal import CVectors
internal import KerfElements

enum Q2_K: AffineKFormat {
  typealias Kernel = AffineKernel<16, 3, 15, 16, Q2_K>
  static let bytesPerBlock = 84
  @inline(__always) static var reference: ReferenceLines {
    ReferenceLines(first: -0.5, count: 16, isAbsolute: true)
  }

  @inline(__always)
  static var candidates: AffineCandidates<8, 3> {
    AffineCandidates(
      spans: [
        CodeSpan(-0.49, -0.23), CodeSpan(-0.49, 0.1), CodeSpan(-0.47, 0.37), CodeSpan(-0.24, 0.48),
        CodeSpan(-0.2, -0.05), CodeSpan(0.01, 0.08), CodeSpan(0.01, 0.49), CodeSpan(0.31, 0.49),
      ],
      ends: [
        LatticeEnd(0.1, 0.15), LatticeEnd(0.47, -0.42), LatticeEnd(-0.47, 0.56),
      ])
  }

  @inline(__always)
  static var weightedCandidates: AffineCandidates<10, 3> {
    AffineCandidates(
      spans: [
        CodeSpan(-1.76, 0.09), CodeSpan(-1.6, 1.1), CodeSpan(-0.7, 0), CodeSpan(-0.63, 1.07),
        CodeSpan(-0.43, 0.16), CodeSpan(-0.34, 1.47), CodeSpan(-0.2, -0.82), CodeSpan(-0.15, 0.22),
        CodeSpan(-0.08, 2.23), CodeSpan(0.03, 0.5),
      ],
      ends: [
        LatticeEnd(0.14, -0.7), LatticeEnd(-0.61, 0.41), LatticeEnd(0.09, 0.13),
      ])
  }

  @inline(__always)
  static func write(_ lines: StoredLines, _ block: UnsafeMutableRawPointer) {
    let s = u8x16_widened(u8x16_load(lines.levels(0)))
    let m = u8x16_widened(u8x16_load(lines.levels(0) + 16))
    u8x16_store(block, i32x16_low_bytes(s | m &<< 4))
    var part = 0
    while part < 4 {
      // Sixteen bytes take a code each of every other run of eight.
      let run = (part & 2) &* 4 &+ (part & 1)
      let low = lines.codes(run, 0) | lines.codes(run &+ 2, 0) &<< 2
      let high = lines.codes(run &+ 4, 0) | lines.codes(run &+ 6, 0) &<< 2
      u8x16_store(block + 16 + 16 &* part, i32x16_low_bytes(low | high &<< 4))
      part &+= 1
    }
    block.storeBytes(of: lines.halves, toByteOffset: 80, as: UInt32.self)
  }

  @inline(__always)
  static func decode(_ block: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
    let d = f16_widened(block.loadUnaligned(fromByteOffset: 80, as: UInt16.self))
    let minimum = f16_widened(block.loadUnaligned(fromByteOffset: 82, as: UInt16.self))
    var part = 0
    while part < 4 {
      var run = (part & 2) &* 4 &+ (part & 1)
      var codes = u8x16_widened(u8x16_load(block + 16 + 16 &* part))
      for _ in 0..<4 {
        let levels = Int32(block.load(fromByteOffset: run, as: UInt8.self))
        let line = DecodedLine(slope: d * Float(levels & 15), shift: minimum * Float(levels &>> 4))
        line.store(codes & 3, target + 64 &* run)
        codes = codes &>> 2
        run &+= 2
      }
      part &+= 1
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
