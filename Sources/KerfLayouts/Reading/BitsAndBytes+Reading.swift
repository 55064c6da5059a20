internal import KerfCheckpoints
internal import KerfElements

extension BitsAndBytes {
  /// The matrix of a module; `nil` where it has none that is quantized.
  static func read(_ parts: ModuleParts) throws(LayoutError) -> Arrangement? {
    guard let weight = parts["weight"] else { return nil }
    if weight.format == .i8, parts["SCB"] != nil { return try readInt8(parts, weight) }
    for codes in [GroupFormat.Codes.nf4, .fp4] {
      let suffix = stateSuffix(name(codes) ?? "")
      if let state = parts[suffix] { return try readFourBit(parts, codes, state, suffix) }
    }
    return nil
  }

  private static func readInt8(
    _ parts: ModuleParts, _ weight: TensorDescription
  ) throws(LayoutError) -> Arrangement {
    let shape = try parts.shape(weight.shape.dimensions, of: "weight")
    let format = try parts.format(
      .integers(bits: 8), columns: shape.columns, count: 1, scale: .f32, of: "weight")
    let whole = int8(format, shape)
    // Old files do not say how the codes lie, which is always the same in files.
    return Arrangement(
      format, shape, whole.planes.filter { $0.suffix != "weight_format" || parts[$0.suffix] != nil }
    )
  }

  private static func readFourBit(
    _ parts: ModuleParts, _ codes: GroupFormat.Codes, _ state: TensorDescription, _ suffix: String
  ) throws(LayoutError) -> Arrangement {
    let text = try parts.bytes(state)
    guard let object = (try? JSONValue(parsing: text))?.object else {
      throw parts.disagreement(suffix, expected: "a JSON object", found: "other bytes")
    }
    let extents = object["shape"]?.array?.compactMap(\.integer) ?? []
    let shape = try parts.shape(extents, of: suffix)
    guard let length = object["blocksize"]?.integer, length > 0,
      let format = GroupFormat(codes, length: length, scale: .f32)
    else {
      throw parts.disagreement(
        suffix, expected: "a blocksize", found: object["blocksize"]?.kind ?? "none")
    }
    guard shape.columns.isMultiple(of: length) else {
      throw parts.unreadable(
        "weight", because: "groups of \(length) begin within rows of \(shape.columns)")
    }
    let nested = try nested(parts, object, scales: shape.count / length)
    guard let arrangement = fourBit(format, shape, state: text, nested: nested) else {
      throw parts.unreadable("weight", because: "\(format.name) has no table")
    }
    return arrangement
  }

  /// The scales of scales, where there are any.
  private static func nested(
    _ parts: ModuleParts, _ state: JSONObject, scales: Int
  ) throws(LayoutError) -> Plane.Nested? {
    guard parts["weight.nested_absmax"] != nil else { return nil }
    guard let length = state["nested_blocksize"]?.integer, length > 0,
      let offset = state["nested_offset"]?.number, offset.isFinite
    else {
      throw parts.disagreement(
        "weight", expected: "nested_blocksize and nested_offset", found: "none")
    }
    return Plane.Nested(
      map: try parts.floats("weight.nested_quant_map", count: 256),
      absmax: try parts.floats("weight.nested_absmax", count: (scales - 1) / length + 1),
      offset: Float(offset), length: length)
  }
}
