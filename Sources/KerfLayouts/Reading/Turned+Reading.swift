// AWQ and GPTQ: shapes say bits and groups; config.json says what zero points are.

internal import KerfCheckpoints
internal import KerfElements

extension AWQ {
  /// The matrix of a module; `nil` where it has none that is quantized.
  static func read(_ parts: ModuleParts, _ config: QuantizationConfig) throws(LayoutError)
    -> Arrangement?
  {
    guard parts["qweight"] != nil else { return nil }
    if let version = config.object["version"]?.string, version.lowercased() != "gemm" {
      throw .config(config.path, key: "version", expected: "gemm", found: quoted(version))
    }
    let words = try parts.required("qweight", extents: 2).shape.dimensions
    let (scales, scale) = try parts.scales("scales", extents: 2)
    let shape = try parts.shape([words[1] * 8, words[0]], of: "qweight")
    let format = try parts.format(
      .integers(bits: 4), columns: shape.columns, count: scales.shape.rows, offset: .zeroPoint,
      scale: scale, of: "scales")
    return arrangement(format, shape)
  }
}

extension GPTQ {
  /// The matrix of a module; `nil` where it has none that is quantized.
  static func read(_ parts: ModuleParts, _ config: QuantizationConfig) throws(LayoutError)
    -> Arrangement?
  {
    guard parts["qweight"] != nil else { return nil }
    let words = try parts.required("qweight", extents: 2).shape.dimensions
    let zeros = try parts.required("qzeros", extents: 2).shape.dimensions
    let (scales, scale) = try parts.scales("scales", extents: 2)
    let bits = words[1] > 0 && zeros[1] < 1 << 40 ? zeros[1] * 32 / words[1] : 0
    guard [2, 3, 4, 8].contains(bits), words[0] < 1 << 40 else {
      throw parts.disagreement(
        "qzeros", expected: "2, 3, 4 or 8 bits for each of \(words[1])",
        found: "\(zeros[1]) words")
    }
    let shape = try parts.shape([words[1], words[0] * 32 / bits], of: "qweight")
    func arrangement(_ offset: GroupFormat.Offset) throws(LayoutError) -> Arrangement {
      let format = try parts.format(
        .integers(bits: bits), columns: shape.columns, count: scales.shape.rows, offset: offset,
        scale: scale, of: "scales")
      guard shape.rows.isMultiple(of: 8), (format.length * bits).isMultiple(of: 32) else {
        throw parts.disagreement(
          "scales", expected: "groups of whole words, and rows in eights", found: "\(shape)")
      }
      let whole = GPTQ.arrangement(format, shape, bias: try bias(config))
      return Arrangement(
        format, shape, whole.planes.filter { $0.suffix != "g_idx" || parts["g_idx"] != nil })
    }
    let asymmetric = try arrangement(.zeroPoint)
    try checkOrder(parts, asymmetric)
    // Zero points that are all the middle code are none.
    let symmetric = try arrangement(.none)
    if let tensor = parts["qzeros"], case .constant(let middles) = symmetric.planes[1].content,
      tensor.byteCount == middles.count, try parts.bytes(tensor) == middles
    {
      return symmetric
    }
    return asymmetric
  }

  private static func checkOrder(
    _ parts: ModuleParts, _ arrangement: Arrangement
  ) throws(LayoutError) {
    guard let tensor = parts["g_idx"], let plane = arrangement.planes.last,
      case .constant(let expected) = plane.content, tensor.byteCount == expected.count
    else { return }
    guard try parts.bytes(tensor) == expected else {
      throw parts.unreadable("g_idx", because: "its columns are in an order of their own")
    }
  }

  /// What was taken off zero points.
  private static func bias(_ config: QuantizationConfig) throws(LayoutError) -> UInt8 {
    let name = config.object["checkpoint_format"]?.string ?? Version.one.rawValue
    guard let version = Version(rawValue: name) else {
      throw .config(
        config.path, key: "checkpoint_format", expected: "gptq or gptq_v2", found: quoted(name))
    }
    return version.bias
  }
}
