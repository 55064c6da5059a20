// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The twins of the formats that look elements up: one element at a time, from its number in a block.
//
// The codebooks are facts, and the same ones that the kernels read.

internal import CVectors
import KerfElements

/// Code i of an entry of codes of so many bits.
private func code(_ entry: UInt16, _ i: Int, bits: Int) -> Int {
  Int(entry >> (i * bits)) & (1 << bits - 1)
}

private func long(_ bytes: [UInt8], at offset: Int) -> UInt32 {
  (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * $1) }
}

/// Bit i of a byte, or of seven bits, of which the eighth is their parity.
private func isNegative(_ signs: UInt32, _ i: Int) -> Bool {
  i < 7 ? signs >> i & 1 != 0 : (signs & 127).nonzeroBitCount % 2 != 0
}

private func signed(_ x: Float, _ isNegative: Bool) -> Float { isNegative ? -x : x }

private let numbersOfIQ2: [Float] = [8, 25, 43]
private let numbersOfIQ3_XXS: [Float] = [4, 12, 20, 28, 36, 44, 52, 62]

public enum ReferenceIQ2_XXS: ReferenceDecoder {
  public static let format = Format.iq2_xxs
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let group = 2 + i / 32 * 8
      let last = long(bytes, at: group + 4)
      let entry = iq2_xxs_entry(UInt32(bytes[group + i % 32 / 8]))
      let scale = half(bytes, at: 0) * (Float(last >> 28) + 0.5) / 4
      return signed(
        numbersOfIQ2[code(entry, i % 8, bits: 2)] * scale,
        isNegative(last >> (i % 32 / 8 * 7), i % 8))
    }
  }
}

public enum ReferenceIQ2_XS: ReferenceDecoder {
  public static let format = Format.iq2_xs
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let word = UInt32(bytes[2 + i / 8 * 2]) | UInt32(bytes[3 + i / 8 * 2]) << 8
      let s = bytes[66 + i / 32] >> (i / 16 % 2 * 4) & 15
      let scale = half(bytes, at: 0) * (Float(s) + 0.5) / 4
      let number = numbersOfIQ2[code(iq2_xs_entry(word % 512), i % 8, bits: 2)]
      return signed(number * scale, isNegative(word >> 9, i % 8))
    }
  }
}

public enum ReferenceIQ2_S: ReferenceDecoder {
  public static let format = Format.iq2_s
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let upper = UInt32(bytes[66 + i / 32] >> (i / 8 % 4 * 2) & 3)
      let entry = iq2_s_entry(UInt32(bytes[2 + i / 8]) + 256 * upper)
      let s = bytes[74 + i / 32] >> (i / 16 % 2 * 4) & 15
      let scale = half(bytes, at: 0) * (Float(s) + 0.5) / 4
      return signed(
        numbersOfIQ2[code(entry, i % 8, bits: 2)] * scale, bytes[34 + i / 8] >> (i % 8) & 1 != 0)
    }
  }
}

public enum ReferenceIQ3_XXS: ReferenceDecoder {
  public static let format = Format.iq3_xxs
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let last = long(bytes, at: 66 + i / 32 * 4)
      let entry = iq3_xxs_entry(UInt32(bytes[2 + i / 4]))
      let scale = half(bytes, at: 0) * (Float(last >> 28) + 0.5) / 2
      return signed(
        numbersOfIQ3_XXS[code(entry, i % 4, bits: 4)] * scale,
        isNegative(last >> (i % 32 / 8 * 7), i % 8))
    }
  }
}

public enum ReferenceIQ3_S: ReferenceDecoder {
  public static let format = Format.iq3_s
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let ninth = UInt32(bytes[66 + i / 32] >> (i / 4 % 8) & 1)
      let entry = iq3_s_entry(UInt32(bytes[2 + i / 4]) + 256 * ninth)
      let s = bytes[106 + i / 64] >> (i / 32 % 2 * 4) & 15
      let scale = half(bytes, at: 0) * Float(2 * s + 1)
      return signed(
        Float(2 * code(entry, i % 4, bits: 4) + 1) * scale, bytes[74 + i / 8] >> (i % 8) & 1 != 0)
    }
  }
}

public enum ReferenceIQ1_S: ReferenceDecoder {
  public static let format = Format.iq1_s
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<256).map { i in
      let word = UInt32(bytes[34 + i / 32 * 2]) | UInt32(bytes[35 + i / 32 * 2]) << 8
      let upper = word >> (i / 8 % 4 * 3) & 7
      let entry = iq1_entry(UInt32(bytes[2 + i / 8]) + 256 * upper)
      let scale = half(bytes, at: 0) * Float(2 * (word >> 12 & 7) + 1)
      let shift: Float = word >> 15 == 0 ? 0.125 : -0.125
      return (Float(code(entry, i % 8, bits: 2) - 1) + shift) * scale
    }
  }
}

public enum ReferenceIQ1_M: ReferenceDecoder {
  public static let format = Format.iq1_m
  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let words = (0..<4).map { UInt16(bytes[48 + 2 * $0]) | UInt16(bytes[49 + 2 * $0]) << 8 }
    let d = Float(
      Float16(bitPattern: (0..<4).reduce(0) { $0 | (words[$1] >> 12) << (4 * $1) }))
    return (0..<256).map { i in
      let nibble = bytes[32 + i / 16] >> (i / 8 % 2 * 4) & 15
      let entry = iq1_entry(UInt32(bytes[i / 8]) + 256 * UInt32(nibble & 7))
      let s = words[i / 64] >> (i / 16 % 4 * 3) & 7
      let shift: Float = nibble < 8 ? 0.125 : -0.125
      return (Float(code(entry, i % 8, bits: 2) - 1) + shift) * (d * Float(2 * s + 1))
    }
  }
}
