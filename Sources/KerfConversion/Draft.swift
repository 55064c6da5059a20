// What a conversion would make of a file, from its header alone.

package import KerfCheckpoints
internal import KerfElements
package import KerfPlanning
package import SystemPackage

/// A choice for every tensor of a file, and the place that it would have in the output.
package struct Draft: Sendable {
  /// What each tensor is to become, in the input's order.
  package let choices: [FormatChoice]
  /// What the output says of itself.
  package let metadata: CheckpointMetadata
  /// Where everything goes; tensors in the input's order, with the formats they are stored as.
  package let layout: CheckpointLayout

  /// - Parameters:
  ///   - path: Where the output is going to be, for errors; it is not touched.
  ///   - importance: What errors are counted by.
  ///   - facts: What the model says of itself; read where that matters, if it is not given.
  /// - Throws: ``ConversionError``.
  package init(
    of input: Checkpoint, at path: FilePath, in container: Container, target: Target,
    rules: [FormatRule] = [], importance: ImportanceFile? = nil, facts: ModelFacts? = nil
  ) throws(ConversionError) {
    let facts =
      if let facts { facts } else { try Draft.facts(of: input, in: container, target: target) }
    do {
      choices = try FormatPlan(
        target: target, model: facts, hasImportance: importance != nil, rules: rules,
        keptStorage: Draft.keptStorage(from: input.container, to: container)
      ).choices(
        for: input.summaries)
    } catch { throw .plan(error) }

    var requests: [(name: String, format: Format, shape: Shape)] = []
    requests.reserveCapacity(choices.count)
    for (tensor, choice) in zip(input.tensors, choices) {
      // Groups that were asked for are no type of a container, which says so.
      let isAsked = if case .group = choice.format { choice.format != tensor.format } else { false }
      let format = isAsked ? choice.format : Draft.stored(choice, in: container)
      requests.append((tensor.name, format, tensor.shape))
    }
    let metadata = OutputMetadata.metadata(
      of: input, in: container, architecture: facts.architecture, target: target,
      hasBlocks: requests.contains { $0.format.kind == .block }, importance: importance)
    layout = try checked { () throws(CheckpointError) in
      try CheckpointLayout(path: path, metadata: metadata, tensors: requests)
    }
    self.metadata = metadata
  }

  /// What the model says of itself, where that matters.
  private static func facts(
    of input: Checkpoint, in container: Container, target: Target
  ) throws(ConversionError) -> ModelFacts {
    let isNeeded =
      input.container == .gguf || container == .gguf || target.format.kind == .block
    return isNeeded
      ? try checked { () throws(CheckpointError) in try ModelFacts(of: input) } : ModelFacts()
  }

  /// What becomes of tensors that are not quantized.
  static func keptStorage(from source: Container, to target: Container) -> KeptStorage {
    switch (source, target) {
    case (.gguf, .gguf): .unchanged
    case (_, .gguf): .float32
    case (_, .safetensors), (_, .onnx): .target
    }
  }

  /// The choice, or for integers that a container has no type for, the next wider type.
  static func stored(_ choice: FormatChoice, in container: Container) -> Format {
    if container.canHold(choice.format) { return choice.format }
    // What a runtime had in groups goes on in the type of their scales.
    if case .group(let group) = choice.format, !container.canHold(choice.format) {
      return group.scale.float
    }
    return Passage.wider(choice.format).first(where: container.canHold) ?? choice.format
  }
}
