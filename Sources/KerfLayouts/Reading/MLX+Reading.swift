internal import KerfCheckpoints
internal import KerfElements

extension MLX {
  /// The matrix of a module; `nil` where it has none that is quantized.
  static func read(_ parts: ModuleParts, _ config: QuantizationConfig) throws(LayoutError)
    -> Arrangement?
  {
    guard let weight = parts["weight"], weight.format == .u32, let scales = parts["scales"] else {
      return nil
    }
    // A module's own entry, or what holds for all.
    let entry = config.object[parts.module]?.object ?? config.object
    let bits = try config.integer("bits", in: entry, of: 2...8)
    let length = try config.integer("group_size", in: entry, of: 1...1 << 24)
    let name = entry["mode"]?.string ?? Mode.affine.rawValue
    guard let mode = Mode(rawValue: name) else {
      throw .config(
        config.path, key: "mode",
        expected: Mode.allCases.map(\.rawValue).joined(separator: ", "), found: quoted(name))
    }
    let scale: GroupFormat.Scale =
      mode == .affine
      ? try parts.scales("scales", extents: scales.shape.dimensions.count).scale : .f32
    guard let format = format(mode, bits: bits, length: length, scale: scale) else {
      throw .config(
        config.path, key: parts.module, expected: "bits and group_size that MLX has for \(name)",
        found: "\(bits) and \(length)")
    }
    guard weight.shape.dimensions.count >= 2 else {
      throw parts.disagreement("weight", expected: "a matrix", found: "\(weight.shape)")
    }
    let words = weight.shape.columns
    guard words < 1 << 40, (words * 32).isMultiple(of: bits * length) else {
      throw parts.disagreement(
        "weight", expected: "rows of whole groups of \(length) with \(bits) bits",
        found: "\(words) words")
    }
    let shape = try parts.shape(
      weight.shape.dimensions.dropLast() + [words * 32 / bits], of: "weight")
    return arrangement(format, shape)
  }
}
