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

/// Chooses formats for the tensors of a file.
public struct FormatPlan: Sendable {
  private let target: Format
  private let rules: [FormatRule]
  private let keptStorage: KeptStorage

  /// - Parameters:
  ///   - target: What tensors get unless a rule says otherwise.
  ///   - rules: The first that matches a tensor decides; one that matches nothing is an error.
  ///   - keptStorage: What becomes of the tensors that are not quantized.
  public init(target: Format, rules: [FormatRule] = [], keptStorage: KeptStorage = .unchanged) {
    self.target = target
    self.rules = rules
    self.keptStorage = keptStorage
  }

  /// A choice for every tensor, in their order.
  /// - Throws: ``PlanError/ruleMatchesNothing(_:)``.
  public func choices(for tensors: [TensorSummary]) throws(PlanError) -> [FormatChoice] {
    var used = [Bool](repeating: false, count: rules.count)
    let choices = tensors.map { tensor in
      var decided: Format?
      for (index, rule) in rules.enumerated() where rule.matches(tensor.name) {
        used[index] = true
        if decided == nil { decided = rule.format }
      }
      return choice(for: tensor, rule: decided)
    }
    if let unused = used.firstIndex(of: false) {
      throw .ruleMatchesNothing(rules[unused].pattern)
    }
    return choices
  }

  private func choice(for tensor: TensorSummary, rule: Format?) -> FormatChoice {
    let kept = Eligibility.keptReason(
      name: tensor.name, shape: tensor.shape, format: tensor.format)
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
    return FormatChoice(wanted: target, format: target.fitting(tensor.shape))
  }

  private func kept(_ tensor: TensorSummary) -> Format {
    // What the engine cannot compute with can only be carried.
    guard tensor.format.isDecodable else { return tensor.format }
    switch keptStorage {
    case .unchanged: return tensor.format
    case .float32: return .f32
    case .target: return target.kind == .float ? target : tensor.format
    }
  }
}

extension Format {
  /// This format, or the one to fall back to where rows of `shape` do not end on its blocks.
  func fitting(_ shape: Shape) -> Format {
    shape.columns.isMultiple(of: elementsPerBlock) ? self : .f16
  }
}
