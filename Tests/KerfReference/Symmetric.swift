// swift-format-ignore-file: AlwaysUseLowerCamelCase

import KerfElements

/// f16 d, i8 q[32]; y = q · d.
public enum ReferenceQ8_0: ReferenceFormat {
  public static let format = Format.q8_0

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(block, d: block.map(\.magnitude).max()! / 127)
  }

  public static func searched(_ block: [Float]) -> [UInt8] {
    let fit = searchedSymmetric(
      block, Axis(lowest: -128, highest: 127, fractionBits: 7), positions: positions,
      referenceScale: { $0.magnitude / 127 })
    return halfBytes(fit.scale) + fit.codes
  }

  private static let positions: [Float] = [
    115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 125.875, 126.25, 127, 127.875, 128.25,
  ]

  private static func bytes(_ block: [Float], d: Float) -> [UInt8] {
    let multiplier = reciprocal(d)
    let codes = block.map { x in
      let u = x * multiplier
      guard multiplier.isFinite else { return UInt8(0) }
      return UInt8(bitPattern: Int8(max(-128, min(127, u.rounded(.toNearestOrAwayFromZero)))))
    }
    return halfBytes(d) + codes
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    bytes[2...].map { Float(Int8(bitPattern: $0)) * half(bytes, at: 0) }
  }
}

/// f16 d, nibbles; y = (q − 8) · d.
public enum ReferenceQ4_0: ReferenceFormat {
  public static let format = Format.q4_0

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(block, d: signedLargest(block) / -8)
  }

  public static func searched(_ block: [Float]) -> [UInt8] {
    let fit = searchedSymmetric(
      block, Axis(lowest: -8, highest: 7, fractionBits: 11, zero: 8), positions: positions,
      referenceScale: { $0 / -8 })
    return halfBytes(fit.scale) + nibbles(fit.codes)
  }

  private static let positions: [Float] = [
    6.2, 6.9, 7.2, 7.4, 7.75, 8.15, 8.45, 8.85,
  ]

  private static func bytes(_ block: [Float], d: Float) -> [UInt8] {
    let multiplier = reciprocal(d)
    let codes = block.map { code($0 * multiplier + 8.5, largest: 15, multiplier: multiplier) }
    return halfBytes(d) + nibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    nibbleCodes(bytes[2...]).map { (Float($0) - 8) * half(bytes, at: 0) }
  }
}

/// f16 d, u32 of fifth bits, nibbles; y = (q − 16) · d.
public enum ReferenceQ5_0: ReferenceFormat {
  public static let format = Format.q5_0

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(block, d: signedLargest(block) / -16)
  }

  public static func searched(_ block: [Float]) -> [UInt8] {
    let fit = searchedSymmetric(
      block, Axis(lowest: -16, highest: 15, fractionBits: 10, zero: 16), positions: positions,
      referenceScale: { $0 / -16 })
    return halfBytes(fit.scale) + fifthBits(fit.codes) + nibbles(fit.codes)
  }

  private static let positions: [Float] = [
    13.1, 14.1, 14.8, 15.2, 15.75, 15.95, 16.2, 16.45,
  ]

  private static func bytes(_ block: [Float], d: Float) -> [UInt8] {
    let multiplier = reciprocal(d)
    let codes = block.map { code($0 * multiplier + 16.5, largest: 31, multiplier: multiplier) }
    return halfBytes(d) + fifthBits(codes) + nibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    fiveBitCodes(bytes[2...]).map { (Float($0) - 16) * half(bytes, at: 0) }
  }
}

/// The first element of the largest magnitude, with its sign.
func signedLargest(_ block: [Float]) -> Float {
  var largest = block[0]
  for x in block where x.magnitude > largest.magnitude { largest = x }
  return largest
}

/// Byte j: code j below, code j + 16 above.
func nibbles(_ codes: [UInt8]) -> [UInt8] {
  (0..<16).map { (codes[$0] & 15) | (codes[$0 + 16] & 15) << 4 }
}

func nibbleCodes(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }
}

/// Bit i, counted from the lowest of the first byte: the fifth bit of code i.
func fifthBits(_ codes: [UInt8]) -> [UInt8] {
  (0..<4).map { byte in
    (0..<8).reduce(0) { $0 | (codes[8 * byte + $1] >> 4 & 1) << $1 }
  }
}

func fiveBitCodes(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  let fifth = Array(bytes.prefix(4))
  return nibbleCodes(bytes.dropFirst(4)).enumerated().map { i, low in
    low | (fifth[i / 8] >> (i % 8) & 1) << 4
  }
}
