// MLX: mlx-lm and mlx-swift-lm. W is [N, K], groups of g along K, b bits.
//
//   affine   weight U32 [N, K·b/32]   a stream of bits, across words where b does not divide 32
//            scales [N, K/g], biases [N, K/g]
//   mxfp4    weight U32 [N, K/8], scales U8 [N, K/32], exponents
//   nvfp4    weight U32 [N, K/8], scales U8 [N, K/16], E4M3
//   mxfp8    weight U32 [N, K/4], scales U8 [N, K/32], exponents
//
// Scales and biases are of the model's own type. Matrices of several experts have an extent more
// before N. Here all that quantization means stands in config.json.

package import KerfElements

package enum MLX {
  /// How codes and scales are made, as `mode` in config.json says.
  package enum Mode: String, CaseIterable {
    case affine, mxfp4, nvfp4, mxfp8
  }

  package static func arrangement(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let outer = Array(shape.dimensions.dropLast())
    func plane(_ columns: Int) -> Shape { Shape(outer + [columns]) ?? [0] }
    let scales = plane(shape.columns / format.length)
    var planes = [
      Plane(
        "weight", .u32, plane(shape.columns * format.codes.bits / 32), .codes(.stream))
    ]
    if format.offset == .bias {
      planes.append(Plane("scales", format.scale.format, scales, .scales(.rows)))
      planes.append(Plane("biases", format.scale.format, scales, .biases))
    } else {
      planes.append(Plane("scales", .u8, scales, .scales(.rows)))
    }
    return Arrangement(format, shape, planes)
  }

  /// How a format is called, or `nil` where MLX has no such.
  package static func mode(_ format: GroupFormat) -> Mode? {
    switch (format.codes, format.offset, format.scale, format.length) {
    case (.integers(let bits), .bias, .f32, let length),
      (.integers(let bits), .bias, .f16, let length),
      (.integers(let bits), .bias, .bf16, let length):
      [2, 3, 4, 5, 6, 8].contains(bits) && [32, 64, 128].contains(length) ? .affine : nil
    case (.e2m1, .none, .e8m0, 32): .mxfp4
    case (.e2m1, .none, .e4m3, 16): .nvfp4
    case (.e4m3, .none, .e8m0, 32): .mxfp8
    default: nil
    }
  }

  /// The format that is called so.
  package static func format(_ mode: Mode, bits: Int, length: Int, scale: GroupFormat.Scale)
    -> GroupFormat?
  {
    let format: GroupFormat? =
      switch mode {
      case .affine: GroupFormat(.integers(bits: bits), length: length, offset: .bias, scale: scale)
      case .mxfp4: GroupFormat(.e2m1, length: length, scale: .e8m0)
      case .nvfp4: GroupFormat(.e2m1, length: length, scale: .e4m3)
      case .mxfp8: GroupFormat(.e4m3, length: length, scale: .e8m0)
      }
    return format.flatMap { $0.codes.bits == bits && MLX.mode($0) == mode ? $0 : nil }
  }
}
