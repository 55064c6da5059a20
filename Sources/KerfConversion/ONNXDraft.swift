// What a conversion would make of an ONNX model, from its graph.

internal import KerfCheckpoints
internal import KerfElements
internal import KerfLayouts
internal import KerfPlanning
internal import SystemPackage

/// A choice for every tensor of an ONNX model, and the files that ONNX Runtime loads.
struct ONNXDraft: Sendable {
  let choices: [FormatChoice]
  let plan: ONNXPlan
  /// The tensors as the pipeline writes them, in the input's order.
  let placed: [TensorDescription]

  /// - Parameters:
  ///   - wish: What weights of linear layers are to become.
  ///   - rules: Exceptions; the first that matches a tensor decides.
  ///   - path: Where the output is going to be; it is not touched.
  /// - Throws: ``ConversionError``.
  init(
    of input: Checkpoint, at path: FilePath, for wish: LayoutWish, rules: [FormatRule]
  ) throws(ConversionError) {
    guard case .onnx(let model) = input.metadata else {
      throw .noGraph(input.path)
    }
    let decided = try LayoutDraft.decisions(of: rules, for: input)
    let linear = try laidOut { () throws(LayoutError) in
      try ONNXPlan.linearWeights(of: model, at: input.path)
    }
    guard !linear.all.isEmpty else { throw .noProducts(input.path) }
    var choices: [FormatChoice] = []
    var formats: [String: GroupFormat] = [:]
    for (tensor, rule) in zip(input.tensors, decided) {
      let choice = try ONNXDraft.choice(
        for: tensor, wish, rule: rule, isLinear: linear.all.contains(tensor.name),
        isHead: linear.heads.contains(tensor.name))
      if choice.format != tensor.format, case .group(let group) = choice.format {
        formats[tensor.name] = group
      }
      choices.append(choice)
    }
    let plan = try laidOut { () throws(LayoutError) in
      try ONNXPlan(
        of: model, formats: formats, options: wish.options, path: path, source: input.path)
    }
    for path in plan.paths where input.parts.contains(where: { $0.isSameFile(as: path) }) {
      throw .outputIsInput(path)
    }
    placed = zip(input.tensors, choices).map { tensor, choice in
      guard let place = plan.places[tensor.name] else { return tensor }
      return TensorDescription(
        name: tensor.name, format: choice.format, shape: tensor.shape,
        byteCount: place.arrangement.blocksByteCount,
        storedByteCount: place.arrangement.planesByteCount, number: 0)
    }
    self.choices = choices
    self.plan = plan
  }

  private static func choice(
    for tensor: TensorDescription, _ wish: LayoutWish, rule: Format?, isLinear: Bool, isHead: Bool
  ) throws(ConversionError) -> FormatChoice {
    let kept = FormatChoice(wanted: tensor.format, format: tensor.format)
    var wanted = rule
    let part = TensorRole(name: tensor.name).part
    if wanted == nil, isLinear, !isHead, part != .output, part != .router {
      wanted = wish.format(weights: tensor.format, columns: tensor.shape.columns)
        .map(Format.group)
    }
    guard let wanted, wanted != tensor.format else { return kept }
    // Operators ask for the types that they have.
    guard isLinear, case .group = wanted else {
      throw .layout(
        .cannotHold(
          .onnx, tensor: tensor.name, wanted,
          expected: isLinear
            ? "int2, int4 or int8 in groups, or \(tensor.format) as it is"
            : "\(tensor.format) as it is: no linear layer has it"))
    }
    let fits = tensor.shape.columns.isMultiple(of: wanted.elementsPerBlock)
    return FormatChoice(wanted: wanted, format: fits ? wanted : tensor.format)
  }
}

/// Writes what is quantized; the rest has been copied.
struct ONNXSink: Sink {
  let writer: ONNXWriter
  /// The names of the tensors, by which the plan knows them.
  let names: [String]

  func write(
    _ bytes: UnsafeRawBufferPointer, of tensor: Int, at offset: Int,
    spare: UnsafeMutableRawPointer
  ) throws(ConversionError) {
    guard let place = writer.plan.places[names[tensor]], let blocks = bytes.baseAddress else {
      return
    }
    let size = place.arrangement.format.byteCount
    try laidOut { () throws(LayoutError) in
      try writer.write(
        place, groups: offset / size..<(offset + bytes.count) / size, blocks, through: spare)
    }
  }

  func commit() throws(ConversionError) {
    try laidOut { () throws(LayoutError) in try writer.commit() }
  }
}
