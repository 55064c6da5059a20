// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The twins of tq1_0 and tq2_0: elements are −d, 0 or d, and perhaps 2 d.
//
// What each step is for stands in `KerfKernels/Ternary.swift`.

import KerfElements

/// Codes 0, 1 and 2, and the scale.
private struct TernaryFit {
  var codes: [UInt8]
  var scale: Float

  init(
    _ block: [Float], multiplier: Float, bound: Float, upper: Float = .infinity, scale: Float
  ) {
    codes = block.map {
      let x = $0 * multiplier
      return x >= upper ? 3 : x >= bound ? 2 : -x >= bound ? 0 : 1
    }
    self.scale = scale
  }

  static func reference(_ block: [Float]) -> TernaryFit {
    let largest = block.map(\.magnitude).max()!
    let multiplier = reciprocal(largest)
    return TernaryFit(
      block, multiplier: multiplier.isFinite ? multiplier : 0, bound: 0.5, scale: largest)
  }

  static func searched(
    _ block: [Float], weights: [Float]?, hasFourthCode: Bool
  ) -> TernaryFit {
    let best = bestScale(block, weights: weights, hasFourthCode: hasFourthCode)
    let d = Float(Float16(best))
    return TernaryFit(
      block, multiplier: d < 0 ? -1 : 1, bound: d == 0 ? .infinity : d.magnitude * 0.5,
      upper: d == 0 || !hasFourthCode ? .infinity : d.magnitude * 1.5, scale: d)
  }

  private static func bestScale(
    _ block: [Float], weights: [Float]?, hasFourthCode: Bool
  ) -> Float {
    let largest = block.map(\.magnitude).max()!
    if largest == 0 { return 0 }
    let exponent = min(max(Int(largest.exponent), -126), 126)
    let unit = Float(sign: .plus, exponent: exponent, significand: 1)
    let factor = Float(sign: .plus, exponent: -exponent, significand: 1)
    let x = block.map { $0.magnitude * factor }
    let top = weights?.max() ?? 0
    let w = top == 0 ? [Float](repeating: 1, count: 256) : weights!.map { $0 / top }

    /// S and W of each lane.
    func sums(_ bound: Float) -> (sum: [Float], weight: [Float]) {
      var sum = [Float](repeating: 0, count: 16)
      var weight = sum
      for i in 0..<256 where x[i] >= bound {
        sum[i % 16] += x[i] * w[i]
        weight[i % 16] += w[i]
      }
      return (sum, weight)
    }

    let lanes = (0..<16).map { lane in
      stride(from: lane, to: 256, by: 16).reduce(Float(0)) { $0 + x[$1] }
    }
    let mean = total(lanes) * 0x1p-8
    var best = (scale: Float(0), gain: -Float.infinity)
    for (ofMean, ofLargest) in places {
      let (s, n) = sums(ofMean * mean + ofLargest * (largest * factor))
      let (sum, weight) = (rowSum(s), rowSum(n))
      let scale = weight == 0 ? 0 : sum / weight
      if sum * scale > best.gain { best = (scale, sum * scale) }
    }
    var scale = best.scale
    for _ in 0..<3 {
      let (sum, weight) = sums(scale * 0.5)
      scale = total(weight) == 0 ? 0 : total(sum) / total(weight)
    }
    if hasFourthCode && scale != 0 {
      scale = bestOfFour(around: scale, block.map { $0 * factor }, w)
    }
    return max(-65504, min(scale * unit, 65504))
  }

  /// The best scale where codes stand for −1, 0, 1 and 2 times the scale.
  private static func bestOfFour(around scale: Float, _ x: [Float], _ w: [Float]) -> Float {
    func fit(_ multiplier: Float) -> (scale: Float, gain: Float) {
      var xq = [Float](repeating: 0, count: 16)
      var qq = xq
      for i in 0..<256 {
        let q = min(max(x[i] * multiplier, -1), 2).rounded(.toNearestOrEven)
        xq[i % 16] += x[i] * (q * w[i])
        qq[i % 16] += q * (q * w[i])
      }
      let scale = total(xq) == 0 ? 0 : total(xq) / total(qq)
      return (scale, total(xq) * scale)
    }
    var best = fit(1 / scale)
    for place in [0.7, -0.7, 0.9, -0.9] as [Float] {
      let other = fit(1 / (scale * place))
      if other.gain > best.gain { best = other }
    }
    for _ in 0..<2 where best.scale != 0 { best = fit(1 / best.scale) }
    return best.scale
  }

  private static let places: [(ofMean: Float, ofLargest: Float)] = [
    (0.5, 0), (0.56, 0), (0.62, 0), (0.68, 0), (0.74, 0), (0.8, 0), (0.87, 0), (0.95, 0),
    (1.05, 0), (1.2, 0), (1.5, 0), (2, 0), (0, 0.2), (0, 0.3), (0, 0.4), (0, 0.5),
  ]

  /// The sum of sixteen lanes: those eight apart first, then four, two, one.
  private static func total(_ x: [Float]) -> Float {
    let eight = (0..<8).map { x[$0] + x[$0 + 8] }
    let four = (0..<4).map { eight[$0] + eight[$0 + 4] }
    return (four[0] + four[2]) + (four[1] + four[3])
  }
}

/// Twice 32 bytes of two-bit codes, f16 d; y = (q − 1) · d.
public enum ReferenceTQ2_0: WeightedReferenceFormat {
  public static let format = Format.tq2_0

  public static func encoded(_ block: [Float]) -> [UInt8] { bytes(.reference(block)) }
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(.searched(block, weights: weights, hasFourthCode: true))
  }

  private static func bytes(_ fit: TernaryFit) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    for (i, code) in fit.codes.enumerated() {
      bytes[i / 128 * 32 + i % 32] |= code << (i % 128 / 32 * 2)
    }
    return bytes + halfBytes(fit.scale)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let d = half(bytes, at: 64)
    return (0..<256).map { i in
      let code = bytes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3
      return (Float(code) - 1) * d
    }
  }
}

/// 48 bytes of five codes, four bytes of four, f16 d; y = (q − 1) · d.
public enum ReferenceTQ1_0: WeightedReferenceFormat {
  public static let format = Format.tq1_0

  public static func encoded(_ block: [Float]) -> [UInt8] { bytes(.reference(block)) }
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(.searched(block, weights: weights, hasFourthCode: false))
  }

  /// Where the first code of a byte is, and how far apart its codes are.
  private static func place(_ byte: Int) -> (first: Int, step: Int) {
    byte < 32 ? (byte, 32) : byte < 48 ? (160 + byte - 32, 16) : (240 + byte - 48, 4)
  }

  private static func bytes(_ fit: TernaryFit) -> [UInt8] {
    (0..<52).map { byte in
      let (first, step) = place(byte)
      var number = 0
      for n in 0..<5 {
        let at = first + n * step
        number = 3 * number + (byte >= 48 && n == 4 ? 0 : Int(fit.codes[at]))
      }
      return UInt8((number * 256 + 242) / 243)
    } + halfBytes(fit.scale)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let d = half(bytes, at: 52)
    var elements = [Float](repeating: 0, count: 256)
    for byte in 0..<52 {
      let (first, step) = place(byte)
      var fraction = bytes[byte]
      for n in 0..<(byte < 48 ? 5 : 4) {
        elements[first + n * step] = (Float((UInt16(fraction) * 3) >> 8) - 1) * d
        fraction = fraction &* 3
      }
    }
    return elements
  }
}
