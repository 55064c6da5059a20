// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq4_nl: 32 elements in 18 bytes, 4.5 bits per weight.
//
//     f16 d | 16 bytes: low nibble q[j], high nibble q[j + 16]        y = d · table[q]
//
// reference: the best of 16 places of a block's largest element, errors weighted by x².

internal import CVectors
internal import KerfElements

enum IQ4_NL {
  static let bytesPerBlock = 18

  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      Codebook.unpack(
        block + 2, scale: f16_widened(block.loadUnaligned(as: UInt16.self)), to: target + 128 &* b)
      b &+= 1
    }
  }

  static let kernels = CodecKernels(
    encodeReference: { encode(Reference.self, $0, nil, $1, $2, $3) },
    encodeOptimal: { encode(Search<Uniform, Codebook.Candidates>.self, $0, nil, $1, $2, $3) },
    encodeWeighted: {
      encode(Search<Important, Codebook.WeightedCandidates>.self, $0, $1, $2, $3, $4)
    },
    decode: { decode($0, $1, $2) })

  private protocol Rule: SendableMetatype {
    associatedtype Weights: Weighting
    /// Scales, which decide codes before they are rounded to half precision.
    static func scales(_ runs: Runs<32, Weights>) -> f32x16
  }
  private enum Reference: Rule {
    @inline(__always)
    static func scales(_ runs: Runs<32, Important>) -> f32x16 {
      runs.weighBySquares()
      runs.search(Codebook.self, Codebook.ReferenceCandidates.self)
      return runs.bestFit.scale
    }
  }
  private enum Search<Weights: Weighting, Candidates: Placements>: Rule {
    @inline(__always)
    static func scales(_ runs: Runs<32, Weights>) -> f32x16 {
      runs.search(Codebook.self, Candidates.self)
      return stored(runs, runs.bestFit.scale)
    }
  }

  @inline(__always)
  private static func encode<R: Rule>(
    _: R.Type, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let count = min(16, blocks &- done)
      let runs = Runs<32, R.Weights>(
        searching: source + 128 &* done, importance: importance.map { $0 + 32 &* done },
        count: count, runsPerBlock: 1, workspace)
      let scales = R.scales(runs)
      runs.storeCodes(Codebook.self, multiplier: reciprocals(scales))
      let halves = (runs.rest + 64).assumingMemoryBound(to: UInt16.self)
      u16x16_store(halves, f32x16_narrowed_f16(f32x16_clamped(scales, -65504, 65504)))
      var b = 0
      while b < count {
        let block = target + bytesPerBlock &* (done &+ b)
        block.storeBytes(of: halves[b], as: UInt16.self)
        Codebook.pack(runs.codes + 32 &* b, to: block + 2)
        b &+= 1
      }
      done &+= count
    }
  }

  /// The scale as half precision has it.
  @inline(__always)
  private static func stored<Weights>(_ runs: Runs<32, Weights>, _ fitted: f32x16) -> f32x16 {
    let scale = half(fitted)
    let isCoarse = f32x16_abs(scale) .< 0x1p-20
    if f32x16_below_bits(f32x16_abs(scale), 0x1p-20) == 0 { return scale }
    // The steps of half precision are coarse here, and the table has no zero: a scale other than
    // zero has to prove that it is better.
    let least = f32x16(repeating: 0x1p-24)
    let tried = f32x16_where_at_least(
      fitted, f32x16(repeating: 0), f32x16_max(scale, least), f32x16_min(scale, 0 - least))
    let sums = runs.moments(Codebook.self, multiplier: 1 / tried)
    let gains = RunFit(xq: sums.xq, qq: sums.qq).error(tried) .< 0
    let chosen = f32x16(repeating: 0).replacing(with: tried, where: gains)
    return scale.replacing(with: chosen, where: isCoarse)
  }
}
