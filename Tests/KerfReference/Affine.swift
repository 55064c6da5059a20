// swift-format-ignore-file: AlwaysUseLowerCamelCase

import KerfElements

/// f16 d, f16 m, nibbles; y = q · d + m.
public enum ReferenceQ4_1: ReferenceFormat {
  public static let format = Format.q4_1

  public static func encoded(_ block: [Float]) -> [UInt8] {
    let (d, m) = range(block, largestCode: 15)
    return bytes(block, d: d, m: m)
  }

  public static func searched(_ block: [Float]) -> [UInt8] {
    let fit = searchedAffine(
      block, Axis(lowest: 0, highest: 15, fractionBits: 10), spans: spans)
    return halfBytes(fit.scale) + halfBytes(fit.minimum) + nibbles(fit.codes)
  }

  static let spans: [(first: Float, last: Float)] = [
    (-0.45, -0.3), (-0.45, 0), (-0.45, 0.3), (-0.3, 0.45), (-0.15, -0.3), (-0.15, 0),
    (-0.15, 0.3), (0, 0.45), (0.15, -0.75), (0.15, 0), (0.3, 0.15), (0.3, 0.45), (0.75, -0.15),
    (0.9, -0.9), (0.9, 0.15), (1.05, -0.15),
  ]

  private static func bytes(_ block: [Float], d: Float, m: Float) -> [UInt8] {
    let codes = affineCodes(block, d: d, m: m, largestCode: 15)
    return halfBytes(d) + halfBytes(m) + nibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    nibbleCodes(bytes[4...]).map { Float($0) * half(bytes, at: 0) + half(bytes, at: 2) }
  }
}

/// f16 d, f16 m, u32 of fifth bits, nibbles; y = q · d + m.
public enum ReferenceQ5_1: ReferenceFormat {
  public static let format = Format.q5_1

  public static func encoded(_ block: [Float]) -> [UInt8] {
    let (d, m) = range(block, largestCode: 31)
    return bytes(block, d: d, m: m)
  }

  public static func searched(_ block: [Float]) -> [UInt8] {
    let fit = searchedAffine(
      block, Axis(lowest: 0, highest: 31, fractionBits: 9), spans: spans)
    return halfBytes(fit.scale) + halfBytes(fit.minimum) + fifthBits(fit.codes) + nibbles(fit.codes)
  }

  static let spans: [(first: Float, last: Float)] = [
    (-0.4, 0), (-0.4, -0.2), (-0.2, 0.2), (-0.2, -0.8), (-0.2, -1.2), (-0.2, -2.2), (0, 0.4),
    (0, -0.2), (0, -1), (0, -2), (0, -3), (0.2, 0.4), (0.2, 0), (0.2, -0.8), (0.2, -1.8), (1, -3),
  ]

  private static func bytes(_ block: [Float], d: Float, m: Float) -> [UInt8] {
    let codes = affineCodes(block, d: d, m: m, largestCode: 31)
    return halfBytes(d) + halfBytes(m) + fifthBits(codes) + nibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    fiveBitCodes(bytes[4...]).map { Float($0) * half(bytes, at: 0) + half(bytes, at: 2) }
  }
}

/// The range of the block in `largestCode` steps.
func range(_ block: [Float], largestCode: Float) -> (d: Float, m: Float) {
  // Of equal elements the first counts: it decides the sign of a zero.
  var m = block[0]
  var top = block[0]
  for x in block {
    if x < m { m = x }
    if x > top { top = x }
  }
  return ((top - m) / largestCode, m)
}

func affineCodes(_ block: [Float], d: Float, m: Float, largestCode: Float) -> [UInt8] {
  let multiplier = reciprocal(d)
  return block.map {
    code(($0 - m) * multiplier + 0.5, largest: largestCode, multiplier: multiplier)
  }
}
