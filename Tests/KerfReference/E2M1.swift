// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The twins of mxfp4 and nvfp4: numbers of four bits, scales of eight.

import KerfElements

/// What the lower three bits of a code stand for.
private let numbers: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]

/// The number of a code.
private func number(_ code: UInt8) -> Float {
  code & 8 == 0 ? numbers[Int(code)] : 0 - numbers[Int(code & 7)]
}

/// The code of the number nearest to x, the numbers scaled by twice `half`; of two as near the
/// smaller one, and 0 without a sign. A number that overflows is never taken.
private func code(_ x: Float, half: Float) -> UInt8 {
  var code: UInt8 = 0
  for next in 1..<8 {
    let below = half * (2 * numbers[next - 1]) * 0.5
    let above = half * (2 * numbers[next]) * 0.5
    if x.magnitude > below + above { code = UInt8(next) }
  }
  return code == 0 || x.sign == .plus ? code : code | 8
}

/// Σ w·r², r being what |x| · multiplier lacks to the nearest number.
private func error(_ run: [Float], _ weights: [Float]?, multiplier: Float) -> Float {
  var sum: Float = 0
  for (j, x) in run.enumerated() {
    let place = x.magnitude * multiplier
    let nearest = numbers.min { (place - $0).magnitude < (place - $1).magnitude }!
    let residual = place - nearest
    sum += weights.map { residual * residual * $0[j] } ?? residual * residual
  }
  return sum
}

/// Weights that are all zero count as none.
private func counted(_ weights: [Float]?) -> [Float]? {
  weights?.allSatisfy { $0 == 0 } == true ? nil : weights
}

/// Byte j: code j below, and above it the code half a run later.
private func paired(_ codes: [UInt8]) -> [UInt8] {
  (0..<codes.count / 2).map { codes[$0] | codes[$0 + codes.count / 2] << 4 }
}

/// u8 e, nibbles; y = E2M1(q) · 2^(e − 127).
public enum ReferenceMXFP4: WeightedReferenceFormat {
  public static let format = Format.mxfp4

  public static func encoded(_ block: [Float]) -> [UInt8] {
    let largest = block.map(\.magnitude).max()!
    if largest == 0 { return bytes(block, e: 0) }
    // log₂ in single precision may round up to the next integer.
    let next = Float(largest.exponent + 1)
    let missing = (2 - largest.significand) * 0x1p23
    let exponent = Int(largest.exponent) + (next - missing * 0x1.715476p-24 == next ? 1 : 0)
    return bytes(block, e: UInt8(truncatingIfNeeded: exponent - 2 + 127))
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    let largest = block.map(\.magnitude).max()!
    if largest == 0 { return bytes(block, e: 0) }
    let exponent = min(max(Int(largest.exponent), weights == nil ? -125 : -123), 126)
    let multiplier = Float(sign: .plus, exponent: 2 - exponent, significand: 1)
    var best = (offset: 0, error: Float.infinity)
    for offset in weights == nil ? [0, 1] : [0, 1, -1, -2] {
      let unit = Float(sign: .plus, exponent: offset, significand: 1)
      let error = error(block, counted(weights), multiplier: multiplier / unit) * (unit * unit)
      if error < best.error { best = (offset, error) }
    }
    return bytes(block, e: UInt8(exponent - 2 + 127 + best.offset))
  }

  private static func half(_ e: UInt8) -> Float {
    Float(sign: .plus, exponent: Int(e) - 128, significand: 1)
  }

  private static func bytes(_ block: [Float], e: UInt8) -> [UInt8] {
    [e] + paired(block.map { code($0, half: half(e)) })
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    nibbleCodes(bytes[1...]).map { (2 * number($0)) * half(bytes[0]) }
  }
}

/// Four times u8 s, four times the nibbles of sixteen elements; y = E2M1(q) · UE4M3(s).
public enum ReferenceNVFP4: WeightedReferenceFormat {
  public static let format = Format.nvfp4

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(block) { run, _ in
      let scale = run.map(\.magnitude).max()! / 6
      let rounded = nearest(scale)
      // The public code rounds to no subnormal number's successor, and to nothing from 256 on.
      return scale < 0x1p-6 ? min(rounded, 7) : rounded >= 120 ? 126 : rounded
    }
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(block) { run, first in
      let largest = run.map(\.magnitude).max()!
      if largest <= 0x1p-11 { return 0 }
      let counted = counted(weights.map { Array($0[first..<first + 16]) })
      let middle = nearest(largest / 6)
      var best = (code: middle, error: Float.infinity)
      let offsets = [0, 1, -1, 2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6, -7, -8]
      for offset in offsets.prefix(weights == nil ? 8 : 16) {
        let code = min(max(middle + offset, 1), 126)
        let scale = scale(code)
        let error = error(run, counted, multiplier: 1 / scale) * (scale * scale)
        if error < best.error { best = (code, error) }
      }
      return best.code
    }
  }

  /// What a code stands for.
  private static func scale(_ code: Int) -> Float {
    code < 8
      ? Float(code) * 0x1p-9
      : Float(sign: .plus, exponent: code / 8 - 7, significand: 1 + Float(code % 8) / 8)
  }

  /// The code whose number is nearest, of two as near the greater one.
  private static func nearest(_ scale: Float) -> Int {
    let scale = min(scale, 448)
    if scale < 0x1p-6 { return Int(scale * 512 + 0.5) }
    let eighths = (scale.significand * 8 + 0.5).rounded(.down)
    return (Int(scale.exponent) + 7) * 8 + Int(eighths) - 8
  }

  private static func bytes(
    _ block: [Float], scaleCode: (_ run: [Float], _ first: Int) -> Int
  ) -> [UInt8] {
    let runs = stride(from: 0, to: 64, by: 16).map { Array(block[$0..<$0 + 16]) }
    let scales = runs.enumerated().map { scaleCode($1, 16 * $0) }
    return scales.map { UInt8($0) }
      + zip(runs, scales).flatMap { run, s in
        paired(run.map { s == 0 ? 0 : code($0, half: scale(s) * 0.5) })
      }
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<4).flatMap { run in
      let s = bytes[run]
      let half = s == 127 ? 0 : scale(Int(s & 127)) * 0.5
      return nibbleCodes(bytes[(4 + 8 * run)..<(12 + 8 * run)]).map { (2 * number($0)) * half }
    }
  }
}
