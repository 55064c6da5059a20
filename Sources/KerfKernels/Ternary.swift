// Blocks of 256 elements that are −d, 0 or d: what tq1_0 and tq2_0 share.
//
// With the elements beyond a bound as ±d and the others as 0, the least is left by d = S / W, the
// weighted mean of the magnitudes beyond the bound, and it is less by S² / W than with zeros alone.
// So the search sums S and W for sixteen bounds, takes the best, and moves the bound to d / 2, where
// it belongs, and d to the mean beyond it, in turns. One of the bounds is the reference code's.
//
//     workspace   0      1024        2048     3072     4096            5120
//                 plain  magnitudes  weights  sums of  bounds, scores  codes: a byte each
//                        by 2⁻ⁿ               S and W

internal import CVectors
internal import KerfElements

/// A way to store 256 elements of three values.
protocol TernaryFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  /// Where in a block the scale is, in half precision.
  static var scaleOffset: Int { get }
  /// Packs codes 0, 1 and 2, of which 1 is zero; vector i has elements 16 · i….
  static func pack(_ codes: TernaryCodes, to block: UnsafeMutableRawPointer)
  /// Writes the elements of a block.
  static func unpack(
    _ block: UnsafeRawPointer, scale: Float, to elements: UnsafeMutableRawPointer)
}

/// Codes of a block: of elements that are beyond ±bound once they are scaled.
struct TernaryCodes {
  let elements: UnsafeRawPointer
  let multiplier: Float
  let bound: Float

  @inline(__always)
  subscript(_ i: Int) -> i32x16 {
    let x = f32x16_load(elements + 64 &* i) * multiplier
    let bound = f32x16(repeating: bound)
    // Where the multiplier is infinite, a zero becomes no number, and is not beyond.
    return f32x16_at_least(0 - x, bound) &- f32x16_at_least(x, bound) &+ 1
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
        scale = f16_narrowed(block.bestScale())
        let d = f16_widened(scale)
        codes = TernaryCodes(
          elements: workspace, multiplier: 1, bound: d == 0 ? .infinity : d * 0.5)
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

/// One block, its elements finite.
private struct TernaryBlock<Weights: Weighting> {
  private let workspace: UnsafeMutableRawPointer
  /// max |x|
  let largest: Float

  @inline(__always)
  init(
    _ source: UnsafeRawPointer, importance: UnsafePointer<Float>?,
    _ workspace: UnsafeMutableRawPointer
  ) {
    self.workspace = workspace
    var taint = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      let x = f32x16_load(source + 64 &* i)
      f32x16_store(workspace + 64 &* i, x)
      taint = f32x16_tainted(taint, x)
      i &+= 1
    }
    if f32x16_has_nan(taint) != 0 {
      repair(workspace.assumingMemoryBound(to: Float.self), 256, 256)
    }
    var largest = f32x16(repeating: 0)
    i = 0
    while i < 16 {
      largest = f32x16_max(largest, f32x16_abs(f32x16_load(workspace + 64 &* i)))
      i &+= 1
    }
    // Magnitudes order like their bits.
    self.largest = Float(bitPattern: UInt32(bitPattern: i32x16_largest(f32x16_bits(largest))))
    if !Weights.isUniform, let importance { copyWeights(importance) }
  }

  /// Weights, in proportion to the largest; where all are zero, all are one.
  @inline(__always)
  private func copyWeights(_ importance: UnsafePointer<Float>) {
    var largest = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      largest = f32x16_max(largest, f32x16_load(importance + 16 &* i))
      i &+= 1
    }
    let top = Float(bitPattern: UInt32(bitPattern: i32x16_largest(f32x16_bits(largest))))
    i = 0
    while i < 16 {
      let w = f32x16_load(importance + 16 &* i)
      f32x16_store(
        workspace + 2048 + 64 &* i, top == 0 ? f32x16(repeating: 1) : w / top)
      i &+= 1
    }
  }

  @inline(__always)
  private func magnitude(_ i: Int) -> f32x16 { f32x16_load(workspace + 1024 + 64 &* i) }
  @inline(__always)
  private func weight(_ i: Int) -> f32x16 {
    Weights.isUniform ? f32x16(repeating: 1) : f32x16_load(workspace + 2048 + 64 &* i)
  }

  /// The scale that leaves least of the elements, within half precision.
  @inline(__always)
  func bestScale() -> Float {
    if largest == 0 { return 0 }
    // Magnitudes are scaled by a power of two, for the sake of their squares.
    let exponent = Int32(bitPattern: min(max(largest.bitPattern &>> 23, 1), 253)) &- 127
    let factor = Float(bitPattern: UInt32(bitPattern: 127 &- exponent) &<< 23)
    let unit = Float(bitPattern: UInt32(bitPattern: 127 &+ exponent) &<< 23)
    var total = f32x16(repeating: 0)
    var i = 0
    while i < 16 {
      let x = f32x16_abs(f32x16_load(workspace + 64 &* i)) * factor
      f32x16_store(workspace + 1024 + 64 &* i, x)
      total += x
      i &+= 1
    }
    var scale = bestOfSixteen(mean: f32x16_total(total) * 0x1p-8, largest: largest * factor)
    var turn = 0
    while turn < 3 {
      scale = mean(beyond: scale * 0.5)
      turn &+= 1
    }
    return min(scale * unit, 65504)
  }

  /// S / W beyond the best of sixteen bounds.
  @inline(__always)
  private func bestOfSixteen(mean: Float, largest: Float) -> Float {
    let means: f32x16 = f32x16(
      0.5, 0.56, 0.62, 0.68, 0.74, 0.8, 0.87, 0.95, 1.05, 1.2, 1.5, 2, 0, 0, 0, 0)
    let shares: f32x16 = f32x16(
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 0.3, 0.4, 0.5)
    let bounds = (workspace + 5120).assumingMemoryBound(to: Float.self)
    f32x16_store(bounds, means * mean + shares * largest)
    let zero = f32x16(repeating: 0)
    var first = 0
    while first < 16 {
      var sums = InlineArray<8, f32x16>(repeating: zero)
      var weights = InlineArray<8, f32x16>(repeating: zero)
      var i = 0
      while i < 16 {
        let x = magnitude(i)
        let w = weight(i)
        let wx = Weights.isUniform ? x : x * w
        for c in 0..<8 {
          let bound = f32x16(repeating: bounds[first &+ c])
          sums[c] += f32x16_where_at_least(x, bound, wx, zero)
          weights[c] += f32x16_where_at_least(x, bound, w, zero)
        }
        i &+= 1
      }
      for c in 0..<8 {
        f32x16_store(workspace + 3072 + 64 &* (first &+ c), sums[c])
        f32x16_store(workspace + 4096 + 64 &* (first &+ c), weights[c])
      }
      first &+= 8
    }
    let sum = f32_row_sums((workspace + 3072).assumingMemoryBound(to: Float.self))
    let weight = f32_row_sums((workspace + 4096).assumingMemoryBound(to: Float.self))
    let scale = (sum / weight).replacing(with: 0, where: weight .== 0)
    let gain = f32x16_bits(sum * scale)
    f32x16_store(bounds, scale)
    let best = i32x16_equal_bits(gain, i32x16(repeating: i32x16_largest(gain)))
    return bounds[best.trailingZeroBitCount & 15]
  }

  /// S / W beyond a bound.
  @inline(__always)
  private func mean(beyond bound: Float) -> Float {
    let zero = f32x16(repeating: 0)
    let bound = f32x16(repeating: bound)
    var sum = zero
    var weights = zero
    var i = 0
    while i < 16 {
      let x = magnitude(i)
      let w = weight(i)
      sum += f32x16_where_at_least(x, bound, Weights.isUniform ? x : x * w, zero)
      weights += f32x16_where_at_least(x, bound, w, zero)
      i &+= 1
    }
    let weight = f32x16_total(weights)
    return weight == 0 ? 0 : f32x16_total(sum) / weight
  }
}
