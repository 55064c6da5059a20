// What a preset gives to each tensor. The choices are those of GGUF's own tools for the same file,
// so that a preset's name means the same everywhere.

internal import KerfElements

/// A preset for one model.
struct PresetMix {
  let preset: Preset
  let model: ModelFacts
  /// Whether an importance matrix tells which columns matter.
  let hasImportance: Bool

  private let layers: Int
  /// Tensors of a role in the order of their layers: the number of each, and how many there are.
  private var values: [Int: Int] = [:]
  private var downs: [Int: Int] = [:]
  /// Whether the embedding is the output as well.
  private let isEmbeddingOutput: Bool

  init(
    _ preset: Preset, model: ModelFacts, hasImportance: Bool, tensors: [TensorSummary],
    roles: [TensorRole]
  ) {
    self.preset = preset
    self.model = model
    self.hasImportance = hasImportance
    // The file's number may be anything.
    layers = min(
      max(model.layers ?? roles.reduce(0) { max($0, ($1.layer ?? -1) + 1) }, 0), 1 << 20)
    let matrices = tensors.indices.filter { roles[$0].part != .bias }
    isEmbeddingOutput = !matrices.contains { roles[$0].part == .output }
    values = PresetMix.numbers(matrices.filter { roles[$0].isValue }, roles)
    downs = PresetMix.numbers(matrices.filter { roles[$0].part == .feedForwardDown }, roles)
  }

  /// What the tensor of that index should take, whatever its rows.
  func format(of index: Int, _ tensor: TensorSummary, _ role: TensorRole) -> Format {
    let base = preset.format
    guard base.kind == .block else { return base }
    if role.part == .output || isEmbeddingOutput && role.isEmbeddingOfWords(tensor.name) {
      return preset == .q8_0 || preset == .mxfp4_moe ? .q8_0 : .q6_K
    }
    if preset == .mxfp4_moe { return isExpert(tensor, role) ? .mxfp4 : .q8_0 }
    if role.isValue { return value(values[index] ?? 0) }
    switch role.part {
    case .attentionKey: return model.experts == 8 ? .q8_0 : base
    case .attentionOutput: return attentionOutput
    case .feedForwardDown:
      // With experts a layer may have several such tensors.
      let layer = (model.experts ?? 0) > 1 ? role.layer : nil
      return down(layer ?? downs[index] ?? 0)
    default: return base
    }
  }

  private func value(_ index: Int) -> Format {
    if model.experts == 8 { return .q8_0 }
    let isShared = model.headsPerKeyValueHead >= 4
    let format: Format =
      switch preset {
      case .q2_K: isShared ? .q4_K : .q3_K
      case .q3_K_M: index < 2 ? .q5_K : .q4_K
      case .q3_K_L: .q5_K
      case .q4_K_S: index < 4 ? .q5_K : .q4_K
      case .q4_K_M, .q5_K_M: takesMore(index, of: values.count) ? .q6_K : preset.format
      case .iq4_nl, .iq4_xs: isShared ? .q5_K : preset.format
      default: preset.format
      }
    return model.isOf70B && (format == .q3_K || format == .q4_K) ? .q5_K : format
  }

  private var attentionOutput: Format {
    if model.experts == 8 {
      switch preset {
      case .q2_K, .q3_K_S, .q3_K_M, .q4_K_S, .q4_K_M, .iq4_nl, .iq4_xs: return .q5_K
      default: return preset.format
      }
    }
    return switch preset {
    case .q2_K: .q3_K
    case .q3_K_M: .q4_K
    case .q3_K_L: .q5_K
    default: preset.format
    }
  }

  private func down(_ layer: Int) -> Format {
    let isFirstEighth = layer < layers / 8
    return switch preset {
    case .q2_K: .q3_K
    case .q3_K_M: layer < layers / 16 ? .q5_K : .q4_K
    case .q3_K_L: .q5_K
    case .q4_K_S: isFirstEighth ? .q5_K : .q4_K
    case .q4_K_M, .q5_K_M: takesMore(layer, of: layers) ? .q6_K : preset.format
    case .iq4_nl, .iq4_xs: isFirstEighth && !hasImportance ? .q5_K : preset.format
    case .q4_0: isFirstEighth && hasImportance ? .q4_1 : .q4_0
    case .q5_0: isFirstEighth && hasImportance ? .q5_1 : .q5_0
    default: preset.format
    }
  }

  /// The first and the last eighth, and every third between them.
  private func takesMore(_ index: Int, of count: Int) -> Bool {
    index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2
  }

  private func isExpert(_ tensor: TensorSummary, _ role: TensorRole) -> Bool {
    let dimensions = tensor.shape.dimensions
    return dimensions.count > 2 ? dimensions[dimensions.count - 3] > 1 : role.isExpert
  }

  /// Numbers in the order of layers, by index.
  private static func numbers(_ indices: [Int], _ roles: [TensorRole]) -> [Int: Int] {
    let ordered = indices.sorted { a, b in
      let (x, y) = (roles[a], roles[b])
      return (x.stack, x.layer ?? -1, a) < (y.stack, y.layer ?? -1, b)
    }
    return Dictionary(uniqueKeysWithValues: zip(ordered, ordered.indices))
  }
}

extension TensorRole {
  /// Whether it makes values, alone or with others: what attention is most delicate in.
  fileprivate var isValue: Bool {
    part == .attentionValue || part == .attentionFused || part == .attentionKeyValue
  }

  /// Whether it is an embedding that a model without another output ends in. The encoders of the
  /// hub end in no words at all.
  fileprivate func isEmbeddingOfWords(_ name: String) -> Bool {
    part == .tokenEmbedding && !name.hasSuffix("embeddings.word_embeddings.weight")
  }
}
