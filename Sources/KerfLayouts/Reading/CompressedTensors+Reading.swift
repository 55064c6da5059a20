internal import KerfCheckpoints
internal import KerfElements

// Shapes and types of the tensors say everything but the height of FP8's tiles, so that config.json
// need not be understood in all its ways to name modules.
extension CompressedTensors {
  /// The matrix of a module; `nil` where it has none that is quantized.
  static func read(_ parts: ModuleParts, _ config: QuantizationConfig) throws(LayoutError)
    -> Arrangement?
  {
    let arrangement: Arrangement
    if let packed = parts["weight_packed"] {
      switch packed.format {
      case .i32: arrangement = try readPacked(parts)
      case .u8: arrangement = try readFloats4(parts)
      default:
        throw parts.disagreement("weight_packed", expected: "i32 or u8", found: "\(packed.format)")
      }
    } else if let weight = parts["weight"], parts["weight_scale"] != nil {
      switch weight.format {
      case .i8: arrangement = try readPlain(parts)
      case .f8_e4m3: arrangement = try readFloats8(parts, config)
      default: return nil
      }
    } else {
      return nil
    }
    for suffix in ["weight_g_idx", "g_idx"] where parts[suffix] != nil {
      throw parts.unreadable(suffix, because: "its columns are in an order of their own")
    }
    return arrangement
  }

  private static func readPacked(_ parts: ModuleParts) throws(LayoutError) -> Arrangement {
    let words = try parts.required("weight_packed", extents: 2).shape.dimensions
    let extents = try parts.required("weight_shape", extents: 1)
    guard extents.format == .i64, extents.shape.count == 2 else {
      throw parts.disagreement(
        "weight_shape", expected: "i64[2]", found: "\(extents.format)\(extents.shape)")
    }
    let bytes = try parts.bytes(extents)
    let numbers = bytes.withUnsafeBytes { bytes in
      [0, 8].map { Int(bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self)) }
    }
    let shape = try parts.shape(numbers, of: "weight_shape")
    let (bits, rest) = (words[1] * 32).quotientAndRemainder(dividingBy: shape.columns)
    guard rest == 0, (2...8).contains(bits) else {
      throw parts.disagreement(
        "weight_packed", expected: "words that rows of \(shape.columns) codes fill",
        found: "\(words[1])")
    }
    let (scales, scale) = try parts.scales("weight_scale", extents: 2)
    let format = try parts.format(
      .integers(bits: bits), columns: shape.columns, count: scales.shape.columns,
      offset: parts["weight_zero_point"] == nil ? .none : .zeroPoint, scale: scale,
      of: "weight_scale")
    return packed(format, shape)
  }

  private static func readPlain(_ parts: ModuleParts) throws(LayoutError) -> Arrangement {
    let weight = try parts.required("weight", extents: 2)
    let (scales, scale) = try parts.scales("weight_scale", extents: 2)
    let format = try parts.format(
      .integers(bits: 8), columns: weight.shape.columns, count: scales.shape.columns,
      offset: parts["weight_zero_point"] == nil ? .none : .zeroPoint, scale: scale,
      of: "weight_scale")
    return plain(format, weight.shape)
  }

  private static func readFloats4(_ parts: ModuleParts) throws(LayoutError) -> Arrangement {
    let words = try parts.required("weight_packed", extents: 2).shape.dimensions
    let shape = try parts.shape([words[0], words[1] * 2], of: "weight_packed")
    let scales = try parts.required("weight_scale", extents: 2)
    guard scales.format == .f8_e4m3 else {
      let format = try parts.format(
        .e2m1, columns: shape.columns, count: scales.shape.columns, scale: .e8m0,
        of: "weight_scale")
      return mxfp4(format, shape)
    }
    let divisor = try parts.floats("weight_global_scale", count: 1)[0]
    guard divisor.isFinite, divisor > 0 else {
      throw parts.disagreement(
        "weight_global_scale", expected: "a positive number", found: "\(divisor)")
    }
    let format = try parts.format(
      .e2m1, columns: shape.columns, count: scales.shape.columns, scale: .f32, of: "weight_scale")
    return nvfp4(format, shape, divisor: divisor)
  }

  private static func readFloats8(
    _ parts: ModuleParts, _ config: QuantizationConfig
  ) throws(LayoutError) -> Arrangement {
    let weight = try parts.required("weight", extents: 2)
    let (rows, columns) = (weight.shape.rows, weight.shape.columns)
    guard weight.shape.count > 0 else {
      throw parts.disagreement("weight", expected: "a matrix", found: "\(weight.shape)")
    }
    let extents = parts["weight_scale"]?.shape.dimensions ?? []
    let (scales, scale) = try parts.scales("weight_scale", extents: extents.count)
    if scales.shape.count == 1, rows > 1 || extents.count < 2 {
      let format = try parts.format(
        .e4m3, columns: columns, count: 1, scale: scale, of: "weight_scale")
      return float(format, weight.shape, scales: scales.shape, rowsPerScale: max(rows, 2))
    }
    guard extents.count == 2 else {
      throw parts.disagreement("weight_scale", expected: "two extents", found: "\(scales.shape)")
    }
    let format = try parts.format(
      .e4m3, columns: columns, count: extents[1], scale: scale, of: "weight_scale")
    if extents[0] == rows {
      return float(format, weight.shape, scales: scales.shape, rowsPerScale: 1)
    }
    let tile = tileHeights(config).first { (rows + $0 - 1) / $0 == extents[0] }
    guard let tile else {
      throw parts.disagreement(
        "weight_scale", expected: "scales for \(rows) rows, or for tiles that config.json has",
        found: "\(scales.shape)")
    }
    return float(format, weight.shape, scales: scales.shape, rowsPerScale: tile)
  }

  /// The heights of tiles with a scale that config.json mentions; 128 where it has none.
  private static func tileHeights(_ config: QuantizationConfig) -> [Int] {
    let groups = config.object["config_groups"]?.object?.members ?? []
    let heights = groups.compactMap { group -> Int? in
      let structure = group.value.object?["weights"]?.object?["block_structure"]?.array
      return structure?.first?.integer.flatMap { $0 > 1 && $0 < 1 << 20 ? $0 : nil }
    }
    return heights.isEmpty ? [128] : heights
  }
}
