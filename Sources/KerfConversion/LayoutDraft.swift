// What a conversion for a runtime would make of a model, from its headers and its config.json.

internal import KerfCheckpoints
public import KerfElements
public import KerfLayouts
internal import KerfPlanning
internal import SystemPackage

/// A choice for every tensor of a model, and the files that a runtime loads.
struct LayoutDraft: Sendable {
  let choices: [FormatChoice]
  let plan: ModelPlan

  /// - Parameters:
  ///   - wish: What matrices are to become.
  ///   - rules: Exceptions; the first that matches a tensor decides.
  ///   - path: Where the output is going to be, for errors; it is not touched.
  /// - Throws: ``ConversionError``.
  init(
    of input: Checkpoint, at path: FilePath, for wish: LayoutWish, rules: [FormatRule]
  ) throws(ConversionError) {
    guard case .safetensors(let metadata) = input.metadata else {
      throw .noHubModel(input.path, missing: "safetensors")
    }
    let config = try checked { () throws(CheckpointError) in
      try JSONObject.config(in: input.directory)
    }
    guard let config else { throw .noHubModel(input.path, missing: "config.json beside them") }

    let choices = zip(input.tensors, try LayoutDraft.decisions(of: rules, for: input)).map {
      LayoutDraft.choice(for: $0, wish, rule: $1)
    }
    let sharings = zip(input.tensors, choices).map { wish.sharing(of: $0, $1.format) }
    do {
      plan = try ModelPlan(
        for: wish.layout,
        tensors: zip(zip(input.tensors, choices), sharings).map { tensor, sharing in
          ModelPlan.Tensor(
            name: tensor.0.name, shape: tensor.0.shape, format: tensor.1.format,
            sourceFormat: tensor.0.format.float, sharing: sharing)
        },
        config: config, metadata: metadata, options: wish.options, path: path,
        shardByteCount: wish.shardByteCount)
    } catch .checkpoint(let error) {
      throw .checkpoint(error)
    } catch {
      throw .layout(error)
    }
    self.choices = choices
  }

  /// What rules say of every tensor; each rule has to say something.
  static func decisions(
    of rules: [FormatRule], for input: Checkpoint
  ) throws(ConversionError) -> [Format?] {
    var used = [Bool](repeating: false, count: rules.count)
    let decided = input.tensors.map { tensor -> Format? in
      var decided: Format?
      for (number, rule) in rules.enumerated() where rule.matches(tensor.name) {
        used[number] = true
        if decided == nil { decided = rule.format(for: tensor.shape) }
      }
      return decided
    }
    if let unused = used.firstIndex(of: false) {
      throw .plan(.ruleMatchesNothing(rules[unused].pattern))
    }
    return decided
  }

  private static func choice(
    for tensor: TensorDescription, _ wish: LayoutWish, rule: Format?
  ) -> FormatChoice {
    guard tensor.format.kind != .integer, tensor.format.isDecodable else {
      return FormatChoice(wanted: tensor.format, format: tensor.format)
    }
    let plain = tensor.format.float
    var wanted = rule
    if wanted == nil,
      LinearModules.contains(name: tensor.name, shape: tensor.shape, format: tensor.format)
    {
      wanted = wish.format(weights: plain, columns: tensor.shape.columns).map(Format.group)
    }
    // Only weights of layers are laid out, whatever a rule says.
    guard let wanted,
      wanted.kind != .block
        || tensor.name.hasSuffix(".weight") && tensor.shape.dimensions.count >= 2
    else { return FormatChoice(wanted: plain, format: plain) }
    let fits = tensor.shape.columns.isMultiple(of: wanted.elementsPerBlock)
    return FormatChoice(wanted: wanted, format: fits ? wanted : plain)
  }

  /// What has to be decided for whole matrices, by their numbers.
  var decided: [Int: MatrixScales.Kind] {
    var decided: [Int: MatrixScales.Kind] = [:]
    for (index, place) in plan.places.enumerated() {
      if case .arranged(_, let arrangement, _) = place {
        decided[index] = arrangement.matrixScales
      }
    }
    return decided
  }

  /// The tensors as the pipeline writes them, in the input's order.
  var placed: [TensorDescription] {
    zip(plan.places, choices).map { place, choice in
      switch place {
      case .plain(_, let tensor): tensor
      case .arranged(_, let arrangement, let planes):
        TensorDescription(
          name: planes[0].name, format: choice.format, shape: arrangement.shape,
          byteCount: arrangement.blocksByteCount,
          storedByteCount: arrangement.planesByteCount, number: 0)
      }
    }
  }
}

/// What a model becomes that a runtime is to load.
public struct LayoutWish: Sendable, Hashable {
  /// The runtime's layout.
  public var layout: Layout
  /// What codes of weights are.
  public var codes: GroupFormat.Codes
  /// What shares a scale; as is usual for the layout where it is not given.
  public var grouping: Layout.Grouping?
  /// What is taken off codes; as is usual for the layout where it is not given.
  public var offset: GroupFormat.Offset?
  /// What else the layout has.
  public var options = ModelPlan.Options()
  /// Bytes of a weight file, about.
  public var shardByteCount = ModelPlan.usualShardByteCount

  /// A wish for codes in a layout, as is usual there.
  public init(_ layout: Layout, _ codes: GroupFormat.Codes) {
    self.layout = layout
    self.codes = codes
  }

  /// The format of a matrix with rows of so many elements; `nil` where there is none.
  func format(weights: Format, columns: Int) -> GroupFormat? {
    layout.format(codes, grouping: grouping, offset: offset, weights: weights, columns: columns)
  }

  /// What rows of a tensor that becomes `format` have in common: nothing, where that is an exception.
  func sharing(of tensor: TensorDescription, _ format: Format) -> Layout.Sharing {
    guard let grouping, case .group(let group) = format,
      group == self.format(weights: tensor.format.float, columns: tensor.shape.columns)
    else { return .none }
    return grouping.sharing
  }
}

extension Format {
  /// The floating-point type that elements are in, or the nearest to what they are in groups of.
  var float: Format {
    switch self {
    case .group(let group): group.scale.float
    case .f8_e4m3, .f8_e5m2: .bf16
    default: self
    }
  }
}

extension GroupFormat.Scale {
  /// A floating-point type for what has such scales.
  var float: Format {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16, .e8m0, .e4m3: .bf16
    }
  }
}
