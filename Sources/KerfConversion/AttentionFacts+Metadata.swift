// What a model says of its attention, in either container's words.

internal import KerfCheckpoints
internal import KerfPlanning

extension AttentionFacts {
  /// Facts from the keys of a GGUF file.
  init(_ entries: [MetadataEntry<GGUFValue>], architecture: String?) {
    self.init()
    let architecture = architecture ?? ""
    func value(_ key: String) -> GGUFValue? { entries[key: architecture + "." + key] }
    keyLength = value("attention.key_length")?.integer
    valueLength = value("attention.value_length")?.integer
    if case .array(let array) = value("attention.head_count_kv") {
      keyValueHeads = array.integers
    }
    latentLength = value("attention.kv_lora_rank")?.integer
    latentPositionLength = latentLength == nil ? nil : value("rope.dimension_count")?.integer

    window = value("attention.sliding_window")?.integer.flatMap { $0 > 0 ? $0 : nil }
    switch value("attention.sliding_window_pattern") {
    case .array(let array)?:
      windowed = .layers(array.elements.map { $0 == .bool(true) || ($0.integer ?? 0) != 0 })
    case let pattern?: windowed = pattern.integer.map(Windowed.allButEvery) ?? .none
    // Without words, runtimes look back over everything.
    case nil: windowed = AttentionFacts.periods[architecture].map(Windowed.allButEvery) ?? .none
    }

    let states = ["ssm.state_size", "ssm.conv_kernel", "wkv.head_size", "shortconv.l_cache"]
    kind = AttentionFacts.kind(architecture, hasState: states.contains { value($0) != nil })
  }

  /// Facts from a model's config.json.
  init(_ value: ([String]) -> JSONValue?, architecture: String?) {
    self.init()
    let architecture = architecture ?? ""
    let head = value(["head_dim", "attention_head_dim", "d_kv", "kv_channels"])?.integer
    keyLength = head
    valueLength = head
    latentLength = value(["kv_lora_rank"])?.integer
    latentPositionLength = latentLength == nil ? nil : value(["qk_rope_head_dim"])?.integer

    window = value(["sliding_window"])?.integer.flatMap { $0 > 0 ? $0 : nil }
    let types = value(["layer_types"])?.array?.map { $0.string ?? "" }
    if let types {
      windowed = .layers(types.map { $0 == "sliding_attention" })
    } else if let pattern = value(["sliding_window_pattern"])?.integer {
      windowed = .allButEvery(pattern)
    } else if let period = AttentionFacts.periods[architecture] {
      windowed = .allButEvery(period)
    } else if AttentionFacts.windowedThroughout.contains(architecture) {
      windowed = .all
    }
    // qwen2 names a window that it does not use.
    if let isUsed = value(["use_sliding_window"])?.bool {
      windowed =
        !isUsed
        ? .none : types == nil ? .from(value(["max_window_layers"])?.integer ?? 0) : windowed
    }

    let states = [
      "ssm_cfg", "ssm_state_size", "mamba_d_state", "linear_num_key_heads", "conv_L_cache",
    ]
    let attends =
      types?.allSatisfy { ["sliding_attention", "full_attention"].contains($0) } ?? true
    kind = AttentionFacts.kind(
      architecture, hasState: !attends || states.contains { value([$0]) != nil })
  }

  private static func kind(_ architecture: String, hasState: Bool) -> Kind {
    // The hub and GGUF differ in what stands between words.
    let name = String(architecture.map { $0 == "_" ? "-" : $0 })
    if encoders.contains(name) { return .encoder }
    if hasState || recurrent.contains(where: name.hasPrefix) {
      return .other("its recurrent layers keep a state whose size is not known here")
    }
    if crossing.contains(name) {
      return .other("its decoder looks back at an encoder as well, which is not known here")
    }
    if chunked.contains(name) {
      return .other("its layers look back over chunks, which is not known here")
    }
    return .decoder
  }

  private static let encoders: Set<String> = [
    "bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert",
    "modern-bert", "modernbert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert",
    "electra", "deberta", "deberta-v2", "mpnet", "t5encoder", "vit", "dinov2",
  ]
  private static let recurrent = [
    "mamba", "falcon-mamba", "rwkv", "arwkv", "jamba", "falcon-h1", "nemotron-h", "granitehybrid",
    "granite-hybrid", "granitemoehybrid", "lfm2", "plamo2", "qwen3next", "qwen3-next",
    "kimi-linear",
    "bamba", "zamba", "recurrent-gemma", "griffin",
  ]
  private static let crossing: Set<String> = ["t5", "mt5", "umt5", "bart", "mbart", "whisper"]
  private static let chunked: Set<String> = ["llama4", "llama4-text"]

  /// Architectures of which every so many layers look back at everything, and the others over a
  /// window, where neither file nor config says so.
  private static let periods = [
    "gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma3n": 5, "gemma3n_text": 5, "cohere2": 4,
    "gpt-oss": 2, "gpt_oss": 2, "olmo3": 4, "exaone4": 4,
  ]
  /// Those of the hub all of whose layers have the window that config.json names.
  private static let windowedThroughout: Set<String> = [
    "mistral", "mixtral", "phi3", "starcoder2",
  ]
}
