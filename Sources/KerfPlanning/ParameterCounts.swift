// How many parameters a model has, and how many of them work for a token. Pure: descriptions in,
// numbers out.

internal import KerfElements

/// The parameters of a model: trained numbers, each counted once.
public struct ParameterCounts: Sendable, Hashable {
  /// All of them.
  public private(set) var total = 0
  /// Those that work for each token: all but the experts that a router does not choose. `nil` where
  /// nothing says how many it chooses.
  public private(set) var active: Int?
  /// How many each role has; roles without parameters are absent.
  public private(set) var byRole: [ParameterRole: Int] = [:]
  /// Elements that are no parameters: integers, masks, the frequencies of positions.
  public private(set) var constants = 0
  /// Parameters that the file has a second time, and that are counted once: an output that is the
  /// embedding.
  public private(set) var duplicates = 0
  /// Experts in a layer; `nil` for a dense model.
  public private(set) var experts: Int?
  /// Experts that a router chooses for each token; `nil` for a dense model, or where nothing says.
  public private(set) var expertsUsed: Int?
  /// Whether the embedding is the output as well.
  public private(set) var isTied = false

  /// Whether a router chooses among experts.
  public var isMixture: Bool { experts != nil }

  /// The share that a role has of all parameters; 0 where there are none.
  public func share(of role: ParameterRole) -> Double {
    total > 0 ? Double(byRole[role] ?? 0) / Double(total) : 0
  }

  /// The parameters of these tensors.
  ///
  /// - Parameters:
  ///   - roles: What the tensors are, in their order.
  ///   - model: How many experts there are and how many work, and whether the output is tied.
  package init(of tensors: [TensorSummary], roles: [TensorRole], model: ModelFacts) {
    let embedding = zip(tensors, roles).first { $1.part == .tokenEmbedding && $1.stack == "" }?.0
    var ofExperts = 0
    for (tensor, role) in zip(tensors, roles) {
      let count = tensor.shape.count
      guard tensor.format.kind != .integer, let place = ParameterRole(role) else {
        constants = constants.addingClamped(count)
        continue
      }
      if role.part == .output, model.tiesEmbeddings == true, tensor.shape == embedding?.shape {
        duplicates = duplicates.addingClamped(count)
        isTied = true
        continue
      }
      total = total.addingClamped(count)
      byRole[place] = (byRole[place] ?? 0).addingClamped(count)
      guard role.isExpert else { continue }
      ofExperts = ofExperts.addingClamped(count)
      experts = max(experts ?? 0, ParameterCounts.experts(in: tensor, role))
    }
    if !roles.contains(where: { $0.part == .output }), embedding != nil {
      // A GGUF file that ends in words and has no output ends in its embedding.
      isTied = model.tiesEmbeddings ?? tensors.contains { $0.name == "output_norm.weight" }
    }

    guard experts != nil else {
      active = total
      return
    }
    // A file may be a part of its model: what the model says counts for more.
    if let known = model.experts, known > 0 { experts = known }
    expertsUsed = model.expertsUsed
    if let experts, experts > 0, let used = expertsUsed, (0...experts).contains(used) {
      let product = ofExperts.multipliedFullWidth(by: used)
      active = total - ofExperts + experts.dividingFullWidth(product).quotient
    }
  }

  /// How many experts a layer has at least, as a tensor of one of them or of all tells.
  private static func experts(in tensor: TensorSummary, _ role: TensorRole) -> Int {
    role.expert.map { $0 + 1 } ?? tensor.shape.dimensions.first ?? 1
  }
}

extension Int {
  /// The sum, or the largest number there is: headers may claim more than can be counted.
  package func addingClamped(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
