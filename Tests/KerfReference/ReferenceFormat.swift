// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The scalar twins: every format once more, one element at a time, written to be read.
//
// A twin knows nothing of vectors, groups or workspaces. The kernels must write its bytes.

import KerfElements

/// How a block format is read, as its specification tells it.
public protocol ReferenceDecoder: SendableMetatype {
  static var format: Format { get }
  /// The elements that a block stands for.
  static func decoded(_ bytes: [UInt8]) -> [Float]
}

/// A block format as its specification tells it.
public protocol ReferenceFormat: ReferenceDecoder {
  /// The bytes of one block, chosen as the public reference code chooses.
  static func encoded(_ block: [Float]) -> [UInt8]
  /// The bytes of one block with the least squared error that the search finds.
  static func searched(_ block: [Float]) -> [UInt8]
}

/// A block format whose search knows importance.
public protocol WeightedReferenceFormat: ReferenceFormat {
  /// The bytes of one block with the least squared error that the search finds, where errors count
  /// as `weights` say; alike where there are none.
  static func searched(_ block: [Float], weights: [Float]?) -> [UInt8]
}

extension WeightedReferenceFormat {
  public static func searched(_ block: [Float]) -> [UInt8] { searched(block, weights: nil) }

  /// The bytes of consecutive blocks.
  public static func encodedRow(_ row: [Float], weights: [Float]) -> [UInt8] {
    stride(from: 0, to: row.count, by: format.elementsPerBlock).flatMap { start in
      let range = start..<start + format.elementsPerBlock
      return searched(repaired(Array(row[range])), weights: Array(weights[range]))
    }
  }
}

/// Every format that has a twin.
public let referenceFormats: [any ReferenceFormat.Type] = [
  ReferenceQ8_0.self, ReferenceQ4_0.self, ReferenceQ4_1.self, ReferenceQ5_0.self,
  ReferenceQ5_1.self, ReferenceQ6_K.self, ReferenceIQ4_NL.self, ReferenceIQ4_XS.self,
  ReferenceQ3_K.self, ReferenceQ5_K.self, ReferenceQ4_K.self, ReferenceQ2_K.self,
  ReferenceMXFP4.self, ReferenceNVFP4.self, ReferenceTQ2_0.self, ReferenceTQ1_0.self,
]

/// Every format of which only reading has a twin.
public let referenceDecoders: [any ReferenceDecoder.Type] = [
  ReferenceIQ3_S.self, ReferenceIQ3_XXS.self, ReferenceIQ2_S.self, ReferenceIQ2_XS.self,
  ReferenceIQ2_XXS.self, ReferenceIQ1_M.self, ReferenceIQ1_S.self,
]

/// The twin of a format that has one.
public func twin(of format: Format) -> any ReferenceFormat.Type {
  guard let twin = referenceFormats.first(where: { $0.format == format }) else {
    preconditionFailure("\(format) has no twin")
  }
  return twin
}

/// The twin of reading a format.
public func decoder(of format: Format) -> any ReferenceDecoder.Type {
  referenceDecoders.first { $0.format == format } ?? twin(of: format)
}

extension ReferenceFormat {
  /// The bytes of consecutive blocks.
  public static func encodedRow(_ row: [Float], _ rounding: Rounding) -> [UInt8] {
    stride(from: 0, to: row.count, by: format.elementsPerBlock).flatMap { start in
      let block = repaired(Array(row[start..<start + format.elementsPerBlock]))
      return rounding == .reference ? encoded(block) : searched(block)
    }
  }
}

extension ReferenceDecoder {
  /// The elements of consecutive blocks.
  public static func decodedRow(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: format.bytesPerBlock).flatMap {
      decoded(Array(bytes[$0..<$0 + format.bytesPerBlock]))
    }
  }
}

/// What a block format makes of elements that are not finite: NaN counts as 0, an infinity as the
/// largest finite magnitude of its block.
public func repaired(_ block: [Float]) -> [Float] {
  let largest = block.filter(\.isFinite).map(\.magnitude).max() ?? 0
  return block.map { x in
    if x.isNaN { return 0 }
    return x.isInfinite ? (x < 0 ? -largest : largest) : x
  }
}

/// 1 / d, and 0 for a scale of zero.
func reciprocal(_ d: Float) -> Float { d == 0 ? 0 : 1 / d }

/// A code from a number that has already been scaled and offset: towards zero, within 0…largest.
/// Where the scale or its reciprocal overflowed there is no number, and the code is 0.
func code(_ u: Float, largest: Float, multiplier: Float) -> UInt8 {
  guard multiplier.isFinite, !u.isNaN else { return 0 }
  return UInt8(max(0, min(largest, u)).rounded(.towardZero))
}

func halfBytes(_ x: Float) -> [UInt8] {
  let bits = Float16(x).bitPattern
  return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
}

func half(_ bytes: [UInt8], at offset: Int) -> Float {
  Float(Float16(bitPattern: UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8))
}
