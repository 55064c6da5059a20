/// What a tensor's name means, however it is spelled: equal for the names that GGUF and the hub give
/// to the same tensor.
///
/// The families whose names are known are llama, mistral, mixtral, qwen, gemma, phi, gpt2 and BERT.
package struct TensorMeaning: Sendable, Hashable {
  /// What it is a weight or a bias of.
  package enum Place: Sendable, Hashable {
    case part(TensorRole.Part)
    /// Which of two texts a word is in; added to embeddings.
    case tokenTypes
    /// Gate and up of all experts in one, which GGUF has apart.
    case expertGateAndUp
    case norm(Norm)
  }

  /// The norms of a model, by what they are applied to.
  package enum Norm: Sendable, Hashable {
    case embedding, output
    case beforeAttention, afterAttention, beforeFeedForward, afterFeedForward
    case query, key
    /// Of a sum: attention and what went into it, feed-forward and what went into it.
    case attentionSum, layerSum
  }

  /// Which convention a name follows.
  package enum Convention: Sendable, Hashable {
    case gguf, hub
  }

  package let place: Place
  package let layer: Int?
  package let isBias: Bool
  /// Whether it is of experts that a router chooses among.
  package let isExpert: Bool
  /// Whether it is of an expert that works for every word.
  package let isShared: Bool
  /// The number of its expert; `nil` where it has all of them.
  package let expert: Int?

  /// The meaning of that name, or `nil` where it does not say enough.
  ///
  /// - Parameter hasSandwichNorms: Whether the file's layers have norms before and after their
  ///   parts: then `post_attention_layernorm` is what its name says. Elsewhere it is the norm
  ///   before the feed-forward part.
  package init?(name: String, hasSandwichNorms: Bool = false) {
    var words = name.split(separator: ".")
    guard let last = words.popLast() else { return nil }
    switch last {
    case "weight", "gamma": isBias = false
    case "bias", "beta": isBias = true
    // Experts in a stack have no such ending on the hub.
    default:
      isBias = false
      words.append(last)
    }
    guard !words.contains(where: { $0.contains("per_layer") }) else { return nil }
    let role = TensorRole(name: words.joined(separator: ".") + ".weight")
    guard TensorMeaning.isOfText(role.layer == nil ? words : role.stack.split(separator: "."))
    else { return nil }
    layer = role.layer
    isExpert = role.isExpert
    isShared = words.contains { $0.hasSuffix("_shexp") || $0.hasPrefix("shared_expert") }
    expert = role.expert
    let names = words.filter { !$0.allSatisfy(\.isNumber) }
    switch role.part {
    case .norm:
      guard
        let norm = TensorMeaning.norm(
          names, isInLayer: layer != nil, hasSandwichNorms: hasSandwichNorms)
      else { return nil }
      place = .norm(norm)
    case .tokenEmbedding, .output:
      guard layer == nil else { return nil }
      place = .part(role.part)
    case .positionEmbedding:
      guard layer == nil else { return nil }
      let isOfTypes = ["token_types", "token_type_embeddings"].contains(names.last)
      place = isOfTypes ? .tokenTypes : .part(.positionEmbedding)
    case .attentionQuery, .attentionKey, .attentionValue, .attentionFused, .attentionKeyValue,
      .attentionOutput, .feedForwardGate, .feedForwardUp, .feedForwardDown, .router:
      guard layer != nil else { return nil }
      place = isExpert && names.last == "gate_up_proj" ? .expertGateAndUp : .part(role.part)
    case .attentionLowRank, .bias, .constant, .convolutionOrState, .other: return nil
    }
  }

  private init(_ meaning: TensorMeaning, expert: Int?) {
    place = meaning.place
    layer = meaning.layer
    isBias = meaning.isBias
    isExpert = meaning.isExpert
    isShared = meaning.isShared
    self.expert = expert
  }

  /// The same of all experts in one tensor.
  package var ofAllExperts: TensorMeaning { TensorMeaning(self, expert: nil) }

  /// The same of one expert.
  package func of(expert: Int) -> TensorMeaning { TensorMeaning(self, expert: expert) }

  /// Whether the names of a file tell of norms before and after the parts of a layer.
  package static func hasSandwichNorms(_ names: some Sequence<String>) -> Bool {
    names.contains { name in
      name.hasSuffix(".pre_feedforward_layernorm.weight")
        || name.hasSuffix(".post_feedforward_layernorm.weight")
    }
  }

  /// Which convention the name follows.
  package static func convention(of name: String) -> Convention {
    let first = name.prefix { $0 != "." }
    return ggufRoots.contains(first) ? .gguf : .hub
  }

  /// What GGUF's names begin with.
  private static let ggufRoots: Set<Substring> = [
    "blk", "token_embd", "token_embd_norm", "token_types", "position_embd", "output", "output_norm",
    "rope_freqs", "rope_factors_long", "rope_factors_short",
  ]

  /// Models that see or hear have several stacks of layers; this is of the one that speaks. The
  /// encoder of BERT is the whole model.
  private static func isOfText(_ stack: [Substring]) -> Bool {
    let isOfBERT = stack.suffix(2) == ["encoder", "layer"]
    return !stack.dropLast(isOfBERT ? 2 : 0).contains { word in
      word.split(separator: "_").contains(where: others.contains)
    }
  }

  private static let others: Set<Substring> = [
    "vision", "visual", "vit", "audio", "encoder", "decoder", "v", "a", "enc", "dec", "mm",
  ]

  // MARK: Norms

  private static func norm(
    _ words: [Substring], isInLayer: Bool, hasSandwichNorms: Bool
  ) -> Norm? {
    guard let last = words.last else { return nil }
    guard isInLayer else {
      switch last {
      case "output_norm", "norm", "ln_f", "final_layernorm": return .output
      case "token_embd_norm": return .embedding
      case "LayerNorm", "layer_norm":
        return words.dropLast().last == "embeddings" ? .embedding : nil
      default: return nil
      }
    }
    if last == "LayerNorm" {
      let before = words.dropLast()
      guard before.last == "output" else { return nil }
      return before.dropLast().last == "attention" ? .attentionSum : .layerSum
    }
    if last == "post_attention_layernorm", !hasSandwichNorms { return .beforeFeedForward }
    return normsOfLayers[last]
  }

  private static let normsOfLayers: [Substring: Norm] = [
    "attn_norm": .beforeAttention, "input_layernorm": .beforeAttention, "ln_1": .beforeAttention,
    "attention_norm": .beforeAttention,
    "ffn_norm": .beforeFeedForward, "pre_feedforward_layernorm": .beforeFeedForward,
    "ln_2": .beforeFeedForward,
    "post_attention_norm": .afterAttention, "post_attention_layernorm": .afterAttention,
    "post_ffw_norm": .afterFeedForward, "post_feedforward_layernorm": .afterFeedForward,
    "attn_q_norm": .query, "q_norm": .query,
    "attn_k_norm": .key, "k_norm": .key,
    "attn_output_norm": .attentionSum, "layer_output_norm": .layerSum,
  ]
}
