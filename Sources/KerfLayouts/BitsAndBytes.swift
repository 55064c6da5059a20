// bitsandbytes, as transformers stores it. W is [N, K], n = N·K; groups run through all of it.
//
//   4 bits        weight              U8 [n/2, 1]       high nibble first
//                 weight.absmax       F32 [n/64]
//                 weight.quant_map    F32 [16]          what codes stand for
//                 weight.quant_state.bitsandbytes__nf4  U8: JSON of type, length, shape
//   nested        weight.absmax       U8 [n/64]         codes, which stand for
//                 weight.nested_quant_map F32 [256]     these, times
//                 weight.nested_absmax F32 [n/64/256]   plus nested_offset of the JSON
//   int8          weight              I8 [N, K]         codes − 128
//                 SCB                 F32 [N]           127 scales
//                 weight_format       U8 []             0: row after row

package import KerfElements

package enum BitsAndBytes {
  package static func fourBit(
    _ format: GroupFormat, _ shape: Shape, state: [UInt8], nested: Plane.Nested? = nil
  ) -> Arrangement? {
    guard let kind = name(format.codes), let map = map(format.codes) else { return nil }
    let count = shape.count / format.length
    var planes = [
      Plane("weight", .u8, [shape.count / 2, 1], .codes(.highFirst)),
      Plane(
        "weight.absmax", nested == nil ? .f32 : .u8, [count],
        .scales(nested.map(Plane.Scales.nested) ?? .rows)),
      Plane("weight.quant_map", .f32, [16], .constant(map)),
    ]
    if let nested {
      planes += [
        Plane(
          "weight.nested_absmax", .f32, [nested.absmax.count],
          .constant(nested.absmax.flatMap { littleEndian($0.bitPattern) })),
        Plane(
          "weight.nested_quant_map", .f32, [256],
          .constant(nested.map.flatMap { littleEndian($0.bitPattern) })),
      ]
    }
    planes.append(Plane(stateSuffix(kind), .u8, [state.count], .constant(state)))
    return Arrangement(format, shape, planes)
  }

  /// Four bits that are about to be written with scales of scales.
  package static func nestedFourBit(
    _ format: GroupFormat, _ shape: Shape, type: Format
  ) -> Arrangement? {
    let state = nestedState(
      format, shape, type: type, Plane.Nested(map: [], absmax: [], offset: 0, length: nestedLength))
    guard let plain = fourBit(format, shape, state: state) else { return nil }
    let count = shape.count / format.length
    let outer = (count + nestedLength - 1) / nestedLength
    return Arrangement(
      format, shape,
      [
        plain.planes[0],
        Plane("weight.absmax", .u8, [count], .decided),
        plain.planes[2],
        Plane("weight.nested_absmax", .f32, [outer], .decided),
        Plane("weight.nested_quant_map", .f32, [256], .decided),
        Plane(plain.planes[3].suffix, .u8, [state.count], .decided),
      ], deciding: .nested(length: nestedLength))
  }

  /// Scales that share a scale.
  private static let nestedLength = 256

  /// The JSON of a matrix with nested scales, with spaces behind it: always as long.
  static func nestedState(
    _ format: GroupFormat, _ shape: Shape, type: Format, _ nested: Plane.Nested
  ) -> [UInt8] {
    var text = state(format, shape, type: type)
    text.removeLast()
    text +=
      """
      , "nested_blocksize": \(nested.length), "nested_dtype": "float32", "nested_offset": 
      """.utf8
    let number = Array(String(Double(nested.offset)).utf8)
    return text + number + "}".utf8 + repeatElement(UInt8(ascii: " "), count: 25 - number.count)
  }

  package static func int8(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    Arrangement(
      format, shape,
      [
        Plane("weight", .i8, shape, .codes(.signed)),
        Plane("SCB", .f32, [shape.rows], .scales(.multiplied(by: 127))),
        Plane("weight_format", .u8, [], .constant([0])),
      ])
  }

  package static func stateSuffix(_ kind: String) -> String {
    "weight.quant_state.bitsandbytes__" + kind
  }

  /// The JSON that says what a matrix of four bits is.
  package static func state(_ format: GroupFormat, _ shape: Shape, type: Format) -> [UInt8] {
    let extents = shape.dimensions.map(String.init).joined(separator: ", ")
    let kind = name(format.codes) ?? ""
    return Array(
      """
      {"quant_type": "\(kind)", "blocksize": \(format.length), \
      "dtype": "\(torchName(type))", "shape": [\(extents)]}
      """.utf8)
  }

  package static func name(_ codes: GroupFormat.Codes) -> String? {
    switch codes {
    case .nf4: "nf4"
    case .fp4: "fp4"
    default: nil
    }
  }

  /// What codes stand for, as the library's own tables have it to the last bit.
  private static func map(_ codes: GroupFormat.Codes) -> [UInt8]? {
    let words: [UInt32]
    switch codes {
    case .nf4:
      words = [
        0xBF80_0000, 0xBF32_39B1, 0xBF06_6B30, 0xBECA_32A0, 0xBE91_A24D, 0xBE3D_353F,
        0xBDBA_7871, 0, 0x3DA2_FAFF, 0x3E24_CAE3, 0x3E7C_04DD, 0x3EAD_033A, 0x3EE1_A4B8,
        0x3F10_07AB, 0x3F39_13B3, 0x3F80_0000,
      ]
    case .fp4:
      let positive: [UInt32] = [
        0, 0x3BAA_AAAB, 0x3F2A_AAAB, 0x3F80_0000, 0x3EAA_AAAB, 0x3F00_0000, 0x3E2A_AAAB,
        0x3E80_0000,
      ]
      // Both zeros are the positive one.
      words = positive + positive.map { $0 == 0 ? 0 : $0 | 1 << 31 }
    default: return nil
    }
    return words.flatMap(littleEndian)
  }
}

/// How PyTorch calls the types that weights have.
func torchName(_ format: Format) -> String {
  switch format {
  case .f16: "float16"
  case .bf16: "bfloat16"
  default: "float32"
  }
}
