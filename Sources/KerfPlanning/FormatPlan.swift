// Which format each tensor gets. Pure: descriptions in, choices out.

public import KerfElements

/// What is known of a tensor before its data is read.
public struct TensorSummary: Sendable, Hashable {
  /// The name, as the file spells it.
  public var name: String
  /// Extents, outermost first.
  public var shape: Shape
  /// How the elements are stored.
  public var format: Format

  /// A tensor of that name, shape and present format.
  public init(name: String, shape: Shape, format: Format) {
    self.name = name
    self.shape = shape
    self.format = format
  }
}

/// What a tensor is to become.
public struct FormatChoice: Sendable, Hashable {
  /// What was asked for, or what a kept tensor stays as.
  public var wanted: Format
  /// What it gets.
  public var format: Format
  /// Why a kept tensor is kept.
  public var kept: KeptReason?

  /// A choice of these properties.
  public init(wanted: Format, format: Format, kept: KeptReason? = nil) {
    self.wanted = wanted
    self.format = format
    self.kept = kept
  }

  /// Whether the tensor could not take what was asked for.
  public var isFallback: Bool { wanted != format }
}

/// What the file that is written wants of tensors that are not quantized.
public enum KeptStorage: Sendable, Hashable {
  /// They stay as they are.
  case unchanged
  /// Floating-point ones become f32, as runtimes that load GGUF expect of norms and biases.
  case float32
  /// They take the target, where that is a scalar: a hub file has one floating-point type.
  case target
}

/// What the matrices of a file are to become.
public enum Target: Sendable, Hashable, CustomStringConvertible {
  /// All of them the same.
  case format(Format)
  /// Each what the field's mix of that name gives it.
  case preset(Preset)
  /// Each what a mix made for this file gives it.
  case mix(FormatMix)

  /// The preset or format of that name, whatever its case. A name that is both means the preset,
  /// unless `isPure`: then every matrix takes the same format.
  public init?(name: some StringProtocol, isPure: Bool = false) {
    if let preset = Preset(name: name) {
      self = isPure ? .format(Format(name: name) ?? preset.format) : .preset(preset)
    } else if let format = Format(name: name) {
      self = .format(format)
    } else {
      return nil
    }
  }

  /// What most matrices take.
  public var format: Format {
    switch self {
    case .format(let format): format
    case .preset(let preset): preset.format
    case .mix(let mix): mix.format
    }
  }

  /// The name, as commands spell it.
  public var description: String {
    switch self {
    case .format(let format): format.name
    case .preset(let preset): preset.name
    case .mix(let mix): "a mix, most of it \(mix.format)"
    }
  }
}

/// Chooses formats for the tensors of a file.
public struct FormatPlan: Sendable {
  private let target: Target
  private let model: ModelFacts
  private let hasImportance: Bool
  private let rules: [FormatRule]
  private let keptStorage: KeptStorage

  /// - Parameters:
  ///   - target: What tensors get unless a rule says otherwise.
  ///   - model: What a preset needs to know of the model.
  ///   - hasImportance: Whether there is an importance matrix; some presets save bits with one.
  ///   - rules: The first that matches a tensor decides; one that matches nothing is an error.
  ///   - keptStorage: What becomes of the tensors that are not quantized.
  public init(
    target: Target, model: ModelFacts = ModelFacts(), hasImportance: Bool = false,
    rules: [FormatRule] = [], keptStorage: KeptStorage = .unchanged
  ) {
    self.target = target
    self.model = model
    self.hasImportance = hasImportance
    self.rules = rules
    self.keptStorage = keptStorage
  }

  /// A plan that gives every matrix the same format.
  public init(
    target: Format, rules: [FormatRule] = [], keptStorage: KeptStorage = .unchanged
  ) {
    self.init(target: .format(target), rules: rules, keptStorage: keptStorage)
  }

  /// A choice for every tensor, in their order.
  /// - Throws: ``PlanError``: a rule that matches nothing, a mix that is of other tensors.
  public func choices(for tensors: [TensorSummary]) throws(PlanError) -> [FormatChoice] {
    try choices(for: tensors, roles: TensorRole.roles(of: tensors.lazy.map(\.name)))
  }

  /// The same, for whoever has the roles of the tensors already.
  package func choices(
    for tensors: [TensorSummary], roles: [TensorRole]
  ) throws(PlanError) -> [FormatChoice] {
    var given: [Format]?
    if case .mix(let mix) = target { given = try mix.formats(of: tensors) }
    let mix: PresetMix? =
      if case .preset(let preset) = target {
        PresetMix(
          preset, model: model, hasImportance: hasImportance, tensors: tensors, roles: roles)
      } else {
        nil
      }
    var used = [Bool](repeating: false, count: rules.count)
    var choices: [FormatChoice] = []
    choices.reserveCapacity(tensors.count)
    for (index, tensor) in tensors.enumerated() {
      var decided: Format?
      for (number, rule) in rules.enumerated() where rule.matches(tensor.name) {
        used[number] = true
        if decided == nil { decided = rule.format(for: tensor.shape) }
      }
      choices.append(
        choice(for: tensor, roles[index], rule: decided ?? given?[index]) {
          mix?.format(of: index, tensor, roles[index]) ?? target.format
        })
    }
    if let unused = used.firstIndex(of: false) {
      throw .ruleMatchesNothing(rules[unused].pattern, option: rules[unused].option)
    }
    return choices
  }

  private func choice(
    for tensor: TensorSummary, _ role: TensorRole, rule: Format?, else wanted: () -> Format
  ) -> FormatChoice {
    let kept = Eligibility.keptReason(
      name: tensor.name, role: role, shape: tensor.shape, format: tensor.format)
    if kept == .notFloat {
      return FormatChoice(wanted: tensor.format, format: tensor.format, kept: kept)
    }
    if let rule {
      return FormatChoice(wanted: rule, format: rule.fitting(tensor.shape))
    }
    if let kept {
      let format = self.kept(tensor)
      return FormatChoice(wanted: format, format: format, kept: kept)
    }
    let wanted = wanted()
    return FormatChoice(wanted: wanted, format: wanted.fitting(tensor.shape))
  }

  private func kept(_ tensor: TensorSummary) -> Format {
    // What the engine cannot compute with can only be carried.
    guard tensor.format.isDecodable else { return tensor.format }
    switch keptStorage {
    case .unchanged: return tensor.format
    case .float32: return .f32
    case .target: return target.format.kind == .float ? target.format : tensor.format
    }
  }
}

extension Format {
  /// This format, or the one to fall back to where rows of `shape` do not end on its blocks.
  package func fitting(_ shape: Shape) -> Format {
    [self, substitute].first { shape.columns.isMultiple(of: $0.elementsPerBlock) } ?? .f16
  }

  /// What comes nearest in smaller blocks.
  private var substitute: Format {
    switch self {
    case .q2_K, .q3_K, .tq1_0, .tq2_0: .q4_0
    case .q4_K: .q5_0
    case .q5_K: .q5_1
    case .q6_K: .q8_0
    case .iq4_xs, .iq3_s, .iq3_xxs, .iq2_s, .iq2_xs, .iq2_xxs, .iq1_s, .iq1_m: .iq4_nl
    default: .f16
    }
  }
}
