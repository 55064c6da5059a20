// compressed-tensors: vLLM and transformers. W is [N, K], groups of g along K, b bits.
//
//   integers, packed   weight_packed      I32 [N, K·b/32]   a stream of bits along K
//                      weight_scale       [N, K/g]
//                      weight_zero_point  I32 [N·b/32, K/g] a stream of bits along N
//                      weight_shape       I64 [2]           N, K
//   integers, plain    weight             I8 [N, K]         codes − 128
//                      weight_scale       [N, K/g]
//                      weight_zero_point  I8 [N, K/g]       z − 128
//   FP8                weight             F8_E4M3 [N, K]
//                      weight_scale       [1], [N, 1], or [⌈N/128⌉, K/128]
//   NVFP4              weight_packed      U8 [N, K/2]       low nibble first
//                      weight_scale       F8_E4M3 [N, K/16]
//                      weight_global_scale F32 [1]          divides them all
//   MXFP4              weight_packed      U8 [N, K/2]
//                      weight_scale       U8 [N, K/32]      exponents
//
// Scales are of the model's own type. Packed integers are what vLLM takes for weights alone; plain
// ones are for products of integers, where activations are quantized as well.

package import KerfElements

package enum CompressedTensors {
  /// How a matrix is stored, as `format` in config.json says.
  package enum Scheme: String, Hashable {
    case packed = "pack-quantized"
    case plain = "int-quantized"
    case float = "float-quantized"
    case nvfp4 = "nvfp4-pack-quantized"
    case mxfp4 = "mxfp4-pack-quantized"
  }

  package static func packed(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let (rows, groups) = (shape.rows, shape.columns / format.length)
    let bits = format.codes.bits
    var planes = [
      Plane("weight_packed", .i32, [rows, shape.columns * bits / 32], .codes(.stream)),
      Plane("weight_scale", format.scale.format, [rows, groups], .scales(.rows)),
    ]
    if format.offset == .zeroPoint {
      let shape: Shape = [(rows * bits + 31) / 32, groups]
      planes.append(Plane("weight_zero_point", .i32, shape, .zeroPoints(.rowsPacked)))
    }
    let extents = littleEndian(Int64(rows)) + littleEndian(Int64(shape.columns))
    planes.append(Plane("weight_shape", .i64, [2], .constant(extents)))
    return Arrangement(format, shape, planes)
  }

  package static func plain(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let scales: Shape = [shape.rows, shape.columns / format.length]
    var planes = [
      Plane("weight", .i8, shape, .codes(.signed)),
      Plane("weight_scale", format.scale.format, scales, .scales(.rows)),
    ]
    if format.offset == .zeroPoint {
      planes.append(Plane("weight_zero_point", .i8, scales, .zeroPoints(.signed)))
    }
    return Arrangement(format, shape, planes)
  }

  /// FP8 that is about to be written, with a scale for so many rows of each column of groups, or one
  /// for all weights.
  package static func sharedFloat(
    _ format: GroupFormat, _ shape: Shape, _ sharing: Layout.Sharing
  ) -> Arrangement {
    let rows = sharing.rowsPerScale(of: shape.rows)
    let scales: Shape =
      sharing == .tensor ? [1] : [(shape.rows + rows - 1) / rows, shape.columns / format.length]
    return Arrangement(
      format, shape,
      [
        Plane("weight", .f8_e4m3, shape, .codes(.stream)),
        Plane("weight_scale", format.scale.format, scales, .decided),
      ], deciding: .shared(sharing))
  }

  /// FP8 whose scales lie in a tensor of shape `scales`, where each is for so many rows.
  package static func float(
    _ format: GroupFormat, _ shape: Shape, scales: Shape, rowsPerScale: Int
  ) -> Arrangement {
    Arrangement(
      format, shape,
      [
        Plane("weight", .f8_e4m3, shape, .codes(.stream)),
        Plane(
          "weight_scale", format.scale.format, scales,
          .scales(rowsPerScale == 1 ? .rows : .shared(rows: rowsPerScale))),
      ])
  }

  /// Floats of four bits. Blocks have scales of f32 where `divisor` is their divisor, else those
  /// that the tensor has, and the divisor is to be decided where it is not given.
  package static func nvfp4(
    _ format: GroupFormat, _ shape: Shape, divisor: Float?
  ) -> Arrangement {
    let scales: Shape = [shape.rows, shape.columns / format.length]
    return Arrangement(
      format, shape,
      [
        Plane("weight_packed", .u8, [shape.rows, shape.columns / 2], .codes(.stream)),
        Plane(
          "weight_scale", .f8_e4m3, scales,
          .scales(format.scale == .e4m3 ? .rows : .divided(by: divisor ?? 1))),
        Plane(
          "weight_global_scale", .f32, [1],
          divisor.map { .constant(littleEndian($0.bitPattern)) } ?? .decided),
      ], deciding: divisor == nil ? .divisor : nil)
  }

  package static func mxfp4(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let scales: Shape = [shape.rows, shape.columns / format.length]
    return Arrangement(
      format, shape,
      [
        Plane("weight_packed", .u8, [shape.rows, shape.columns / 2], .codes(.stream)),
        Plane("weight_scale", .u8, scales, .scales(.rows)),
      ])
  }
}

extension GroupFormat.Scale {
  /// The type that safetensors has for scales of this kind; runtimes take exponents for bytes.
  var format: Format {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .e8m0: .u8
    case .e4m3: .f8_e4m3
    }
  }

  /// Scales of a type that weights of models have as well.
  init?(_ format: Format) {
    switch format {
    case .f32: self = .f32
    case .f16: self = .f16
    case .bf16: self = .bf16
    default: return nil
    }
  }
}

/// An integer as files have it.
package func littleEndian(_ integer: some FixedWidthInteger) -> [UInt8] {
  stride(from: 0, to: integer.bitWidth, by: 8).map {
    UInt8(truncatingIfNeeded: integer >> $0)
  }
}
