// Blocks of 256 elements that are −d, 0 or d: what tq1_0 and tq2_0 share. Two bits have a fourth code,
// which stands for 2 d: the reference code leaves it out, but the layout and its readers have it.
//
// The reference code takes max |x| for d. How a better one is found stands in `TernarySearch.swift`.

internal import CVectors
internal import KerfElements

/// A way to store 256 elements of three values.
protocol TernaryFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  /// Where in a block the scale is, in half precision.
  static var scaleOffset: Int { get }
  /// Whether there is a code for twice the scale.
  static var hasFourthCode: Bool { get }
  /// Packs codes 0, 1, 2 and perhaps 3, of which 1 is zero; vector i has elements 16 · i….
  static func pack(_ codes: TernaryCodes, to block: UnsafeMutableRawPointer)
  /// Writes the elements of a block.
  static func unpack(
    _ block: UnsafeRawPointer, scale: Float, to elements: UnsafeMutableRawPointer)
}

/// Codes of a block, by bounds of its elements once they are scaled: ±bound is where 1 ends, and from
/// `upper` on it is 3.
struct TernaryCodes {
  let elements: UnsafeRawPointer
  let multiplier: Float
  let bound: Float
  var upper = Float.infinity

  @inline(__always)
  subscript(_ i: Int) -> i32x16 {
    let x = f32x16_load(elements + 64 &* i) * multiplier
    let bound = f32x16(repeating: bound)
    // Where the multiplier is infinite, a zero becomes no number, and is not beyond.
    let code = f32x16_at_least(0 - x, bound) &- f32x16_at_least(x, bound) &+ 1
    return code &- f32x16_at_least(x, f32x16(repeating: upper))
  }
}

extension TernaryFormat {
  @inline(__always)
  static func encode<Weights: Weighting>(
    _: Weights.Type, isReference: Bool, _ source: UnsafeRawPointer,
    _ importance: UnsafePointer<Float>?, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    var b = 0
    while b < blocks {
      let block = TernaryBlock<Weights>(
        source + 1024 &* b, importance: advanced(importance, by: 256 &* b), workspace)
      let to = target + bytesPerBlock &* b
      let codes: TernaryCodes
      let scale: UInt16
      if isReference {
        let multiplier = block.largest == 0 ? 0 : 1 / block.largest
        scale = f16_narrowed(block.largest)
        // A scale so small that its reciprocal overflows is stored as zero.
        codes = TernaryCodes(
          elements: workspace, multiplier: multiplier == .infinity ? 0 : multiplier, bound: 0.5)
      } else {
        scale = f16_narrowed(block.bestScale(hasFourthCode: hasFourthCode))
        let d = f16_widened(scale)
        codes = TernaryCodes(
          elements: workspace, multiplier: d < 0 ? -1 : 1,
          bound: d == 0 ? .infinity : d.magnitude * 0.5,
          upper: d == 0 || !hasFourthCode ? .infinity : d.magnitude * 1.5)
      }
      pack(codes, to: to)
      to.storeBytes(of: scale, toByteOffset: scaleOffset, as: UInt16.self)
      b &+= 1
    }
  }

  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let scale = f16_widened(
        block.loadUnaligned(fromByteOffset: scaleOffset, as: UInt16.self))
      unpack(block, scale: scale, to: target + 1024 &* b)
      b &+= 1
    }
  }

  static var kernels: CodecKernels {
    CodecKernels(
      encodeReference: { encode(Uniform.self, isReference: true, $0, nil, $1, $2, $3) },
      encodeOptimal: { encode(Uniform.self, isReference: false, $0, nil, $1, $2, $3) },
      encodeWeighted: { encode(Important.self, isReference: false, $0, $1, $2, $3, $4) },
      decode: { decode($0, $1, $2) })
  }
}
