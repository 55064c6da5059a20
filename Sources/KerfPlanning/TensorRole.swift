/// What a tensor does in its model, as far as its name tells: GGUF's names, and those of the hub.
public struct TensorRole: Sendable, Hashable {
  /// The place it has in a layer, or around the layers.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// A vector for every word; in many models the output as well.
    case tokenEmbedding
    /// Added to embeddings, never multiplied: positions, token types.
    case positionEmbedding
    /// From the last layer to words.
    case output
    case attentionQuery, attentionKey, attentionValue
    /// Query, key and value in one.
    case attentionFused
    /// Keys and values from what they were compressed to.
    case attentionKeyValue
    /// To and from the few numbers that queries, keys and values are compressed to.
    case attentionLowRank
    case attentionOutput
    case feedForwardGate, feedForwardUp, feedForwardDown
    /// Chooses among experts.
    case router
    /// The scales of a normalisation.
    case norm
    /// The state of a recurrent or convolutional layer, and other small matrices.
    case convolutionOrState
    case bias
    /// Numbers that nobody trained: masks, the frequencies of positions.
    case constant
    case other
  }

  /// The place it has.
  public let part: Part
  /// The number of its layer, from 0; `nil` outside of layers.
  public let layer: Int?
  /// What the name has before that number: `blk`, `model.layers`, `v.blk`.
  public let stack: String
  /// Whether it belongs to the experts that a router chooses among.
  public let isExpert: Bool
  /// The number of its expert, from 0; `nil` where the tensor has all of them.
  public let expert: Int?

  /// The role of a tensor of that name.
  public init(name: String) {
    var layer: Int?
    var stack = ""
    var isExpert = false
    var expert: Int?
    // The name's words without numbers.
    var words: [Substring] = []
    for word in name.split(separator: ".") {
      guard let number = TensorRole.number(word.utf8) else {
        words.append(TensorRole.plain(word, &isExpert))
        continue
      }
      if layer == nil, words.last.map(TensorRole.stacks.contains) == true {
        layer = number
        stack = words.joined(separator: ".")
      } else if expert == nil, isExpert || words.last?.hasPrefix("ffn_") == true {
        // `experts.3.w1`, and `ffn_up.3` in old files.
        (isExpert, expert) = (true, number)
      }
    }
    let isBias = words.last == "bias"
    if isBias || words.last == "weight" { words.removeLast() }
    // What old files call the bias of an attention as a whole is its mask.
    let isMask = isBias && (words.last == "attn" || words.last == "attention")
    part = isMask ? .constant : isBias ? .bias : TensorRole.part(of: words[...])
    self.layer = layer
    self.stack = stack
    self.isExpert = isExpert
    self.expert = expert
  }

  /// The role, in another layer and of another expert.
  init(_ role: TensorRole, layer: Int?, expert: Int?) {
    part = role.part
    stack = role.stack
    isExpert = role.isExpert
    self.layer = layer
    self.expert = expert
  }

  /// The word without its ending for experts: `ffn_up_exps` is an `ffn_up` of all of them. Shared
  /// experts work for every word, so nothing chooses them.
  private static func plain(_ word: Substring, _ isExpert: inout Bool) -> Substring {
    if word == "experts" { isExpert = true }
    guard word.hasPrefix("ffn_") else { return word }
    for (ending, chosen) in [("_exps", true), ("_chexps", true), ("_shexp", false)]
    where word.hasSuffix(ending) {
      if chosen { isExpert = true }
      return word.dropLast(ending.count)
    }
    return word
  }

  /// The number that a word is. A layer of more than six digits is none.
  static func number(_ word: Substring.UTF8View) -> Int? {
    guard (1...6).contains(word.count) else { return nil }
    var number = 0
    for digit in word {
      guard (0x30...0x39).contains(digit) else { return nil }
      number = number * 10 + Int(digit - 0x30)
    }
    return number
  }

  /// Words that the number of a layer follows.
  private static let stacks: Set<Substring> = ["blk", "layers", "layer", "h", "blocks", "block"]
}

// The table: ends of names, without numbers and `weight`. The longest that fits decides.
extension TensorRole {
  private static let ends: [(Part, [String])] = [
    (
      .tokenEmbedding,
      [
        "token_embd", "per_layer_token_embd", "embed_tokens", "embed_tokens_per_layer", "wte",
        "word_embeddings", "tok_embeddings", "embed_in",
      ]
    ),
    (
      .positionEmbedding,
      [
        "position_embd", "token_types", "position_embeddings", "token_type_embeddings", "wpe",
        "embed_positions", "attn_rel_b", "relative_attention_bias",
      ]
    ),
    (
      .output,
      ["lm_head", "embed_out", "predictions.decoder", "lm_head.decoder", "vocab_projector"]
    ),
    (
      .attentionQuery,
      ["attn_q", "cross_attn_q", "q_proj", "self.query", "attention.wq", "q_lin", "Attention.q"]
    ),
    (
      .attentionKey,
      ["attn_k", "cross_attn_k", "k_proj", "self.key", "attention.wk", "k_lin", "Attention.k"]
    ),
    (
      .attentionValue,
      ["attn_v", "cross_attn_v", "v_proj", "self.value", "attention.wv", "v_lin", "Attention.v"]
    ),
    (.attentionFused, ["attn_qkv", "qkv_proj", "query_key_value", "c_attn", "Wqkv", "W_pack"]),
    (.attentionKeyValue, ["attn_kv_b", "kv_b_proj"]),
    (
      .attentionLowRank,
      [
        "attn_q_a", "q_a_proj", "attn_q_b", "q_b_proj", "attn_kv_a", "attn_kv_a_mqa",
        "kv_a_proj", "kv_a_proj_with_mqa", "attn_k_b", "attn_v_b",
      ]
    ),
    (
      .attentionOutput,
      [
        "attn_output", "o_proj", "attention.output.dense", "attention.dense",
        "self_attention.dense", "self_attn.dense", "self_attn.out_proj", "attn.out_proj",
        "attn.c_proj", "attention.wo", "out_lin", "Attention.o",
      ]
    ),
    (.feedForwardGate, ["ffn_gate", "gate_proj", "experts.w1", "feed_forward.w1", "wi_0"]),
    (
      .feedForwardUp,
      [
        "ffn_up", "ffn_gate_up", "up_proj", "gate_up_proj", "fc1", "dense_h_to_4h", "c_fc",
        "intermediate.dense",
        "experts.w3", "feed_forward.w3", "wi", "wi_1", "ffn.lin1",
      ]
    ),
    (
      .feedForwardDown,
      [
        "ffn_down", "down_proj", "fc2", "dense_4h_to_h", "mlp.c_proj", "output.dense",
        "experts.w2", "feed_forward.w2", "DenseReluDense.wo", "ffn.lin2",
      ]
    ),
    (
      .router,
      [
        "ffn_gate_inp", "mlp.gate", "block_sparse_moe.gate", "router", "shared_expert_gate",
        "ffn_gate_tid2eid", "e_score_correction_bias",
      ]
    ),
    (
      .convolutionOrState, ["ssm_conv1d", "shortconv.conv", "conv1d", "per_layer_model_proj"]
    ),
    (
      .constant,
      ["rope_freqs", "rope_factors_long", "rope_factors_short", "inv_freq", "masked_bias"]
    ),
  ]

  private static let rows: [Substring: [(before: [Substring], part: Part)]] = {
    var rows: [Substring: [(before: [Substring], part: Part)]] = [:]
    for (part, ends) in ends {
      for end in ends {
        let words = end.split(separator: ".")
        rows[words[words.count - 1], default: []].append((words.dropLast(), part))
      }
    }
    return rows.mapValues { $0.sorted { $0.before.count > $1.before.count } }
  }()

  private static func part(of words: ArraySlice<Substring>) -> Part {
    guard let last = words.last else { return .other }
    if last.hasSuffix("_norm") || words.contains(where: isNorm) { return .norm }
    if words.contains(where: isState) { return .convolutionOrState }
    // Elsewhere this word is only where something stands.
    if words.count == 1, last == "output" { return .output }
    let before = words.dropLast()
    let row = rows[last]?.first { row in
      before.count >= row.before.count
        && zip(before.suffix(row.before.count), row.before).allSatisfy { $0.hasSuffix($1) }
    }
    return row?.part ?? .other
  }

  private static func isNorm(_ word: Substring) -> Bool {
    word == "norm" || word.hasPrefix("ln_")
      || normWords.contains { word.hasPrefix($0) || word.hasSuffix($0) }
  }

  private static let normWords = ["layernorm", "LayerNorm", "layer_norm"]

  private static func isState(_ word: Substring) -> Bool {
    word.hasPrefix("altup") || word.hasPrefix("laurel") || word.hasPrefix("time_mix_")
  }
}
