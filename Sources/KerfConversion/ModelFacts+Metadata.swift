// What a model says of its size, in either container's words.

package import KerfCheckpoints
package import KerfPlanning
package import SystemPackage

extension ModelFacts {
  /// What a file says, or the config.json beside it where the file has no words for that.
  package init(of file: Checkpoint) throws(CheckpointError) {
    switch file.metadata {
    case .gguf(let entries): self.init(entries)
    case .safetensors, .onnx:
      self = try JSONObject.config(in: file.directory).map { ModelFacts($0) } ?? ModelFacts()
    }
  }

  /// Facts from the keys of a GGUF file.
  package init(_ entries: [MetadataEntry<GGUFValue>]) {
    let architecture = entries[key: "general.architecture"]?.text
    func number(_ key: String) -> Int? {
      let value = entries[key: (architecture ?? "") + "." + key]
      // Where layers differ there is a number for each; the first one speaks for all.
      if case .array(let array) = value {
        return array.elements.first { _ in true }?.integer
      }
      return value?.integer
    }
    let heads = number("attention.head_count")
    self.init(
      architecture: architecture, layers: number("block_count"), heads: heads,
      keyValueHeads: number("attention.head_count_kv") ?? heads, experts: number("expert_count"),
      expertsUsed: number("expert_used_count"))
    embeddingLength = number("embedding_length")
    feedForwardLength = number("expert_feed_forward_length") ?? number("feed_forward_length")
    vocabularyCount = number("vocab_size")
    if vocabularyCount == nil, case .array(let words) = entries[key: "tokenizer.ggml.tokens"] {
      vocabularyCount = words.count
    }
    contextLength = number("context_length")
    attention = AttentionFacts(entries, architecture: architecture)
  }

  /// Facts from a model's config.json.
  package init(_ config: JSONObject) {
    // Models that see have the one that speaks inside.
    let text = config["text_config"]?.object
    func value(_ names: [String]) -> JSONValue? {
      names.lazy.compactMap { config[$0] ?? text?[$0] }.first
    }
    let heads = value(["num_attention_heads", "n_head", "n_heads"])?.integer
    self.init(
      architecture: value(["model_type"])?.string,
      layers: value(["num_hidden_layers", "n_layer", "n_layers", "num_layers"])?.integer,
      heads: heads,
      keyValueHeads: value(["num_key_value_heads", "num_kv_heads", "n_kv_heads"])?.integer ?? heads,
      experts: value(["num_local_experts", "num_experts", "n_routed_experts"])?.integer,
      expertsUsed: value(["num_experts_per_tok", "num_experts_per_token"])?.integer)
    tiesEmbeddings = value(["tie_word_embeddings"])?.bool
    embeddingLength = value(["hidden_size", "n_embd", "d_model", "dim"])?.integer
    feedForwardLength =
      value([
        "moe_intermediate_size", "intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim",
      ])?
      .integer
    vocabularyCount = value(["vocab_size"])?.integer
    contextLength =
      value(["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length"])?
      .integer
    attention = AttentionFacts(value, architecture: architecture)
  }
}

extension JSONObject {
  /// The config.json in a model's directory; `nil` where there is none.
  package static func config(in directory: FilePath) throws(CheckpointError) -> JSONObject? {
    do {
      return try JSONValue(contentsOf: directory.appending("config.json")).object
    } catch .notFound {
      return nil
    }
  }
}

extension Checkpoint {
  /// What is known of the tensors before their data is read.
  package var summaries: [TensorSummary] {
    tensors.map { TensorSummary(name: $0.name, shape: $0.shape, format: $0.format) }
  }
}
