import KerfPlanning
import Testing

/// What real names mean: those of each family, as its files spell them.
@Suite struct ParameterRoleTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let family: String
    let roles: [ParameterRole: [String]]
    var testDescription: String { family }
  }

  static let cases: [Case] = [
    Case(
      family: "GGUF",
      roles: [
        .embedding: ["token_embd.weight", "position_embd.weight", "token_types.weight"],
        .attention: [
          "blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.31.attn_v.weight",
          "blk.0.attn_output.weight", "blk.0.attn_qkv.weight", "blk.0.attn_q_a.weight",
          "blk.0.attn_q_b.weight", "blk.0.attn_kv_a_mqa.weight", "blk.0.attn_kv_b.weight",
          "blk.0.attn_k_b.weight", "blk.0.attn_v_b.weight",
        ],
        .feedForward: [
          "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight",
          "blk.3.ffn_gate_shexp.weight", "blk.3.ffn_up_shexp.weight",
          "blk.3.ffn_down_shexp.weight",
        ],
        .expert: [
          "blk.0.ffn_gate_exps.weight", "blk.0.ffn_up_exps.weight", "blk.0.ffn_down_exps.weight",
          "blk.0.ffn_gate_up_exps.weight", "blk.0.ffn_up.3.weight", "blk.0.ffn_down.7.weight",
        ],
        .router: ["blk.0.ffn_gate_inp.weight", "blk.0.ffn_gate_inp_shexp.weight"],
        .norm: [
          "blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight",
          "blk.0.attn_q_norm.weight", "blk.0.attn_k_norm.weight", "blk.0.attn_kv_a_norm.weight",
          "blk.0.post_attention_norm.weight", "blk.0.post_ffw_norm.weight",
          "token_embd_norm.weight", "blk.0.attn_output_norm.weight",
          "blk.0.layer_output_norm.weight",
        ],
        .bias: [
          "blk.0.attn_q.bias", "blk.0.attn_norm.bias", "blk.0.exp_probs_b.bias", "output_norm.bias",
        ],
        .output: ["output.weight"],
      ]),
    Case(
      family: "llama, mistral",
      roles: [
        .embedding: ["model.embed_tokens.weight", "tok_embeddings.weight"],
        .attention: [
          "model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.k_proj.weight",
          "model.layers.0.self_attn.v_proj.weight", "model.layers.0.self_attn.o_proj.weight",
          "layers.0.attention.wq.weight", "layers.0.attention.wo.weight",
        ],
        .feedForward: [
          "model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight",
          "model.layers.0.mlp.down_proj.weight", "layers.0.feed_forward.w1.weight",
          "layers.0.feed_forward.w2.weight", "layers.0.feed_forward.w3.weight",
        ],
        .norm: [
          "model.layers.0.input_layernorm.weight",
          "model.layers.0.post_attention_layernorm.weight", "model.norm.weight",
          "layers.0.attention_norm.weight", "layers.0.ffn_norm.weight", "norm.weight",
        ],
        .output: ["lm_head.weight", "output.weight"],
      ]),
    Case(
      family: "mixtral",
      roles: [
        .router: ["model.layers.0.block_sparse_moe.gate.weight"],
        .expert: [
          "model.layers.0.block_sparse_moe.experts.0.w1.weight",
          "model.layers.0.block_sparse_moe.experts.7.w2.weight",
          "model.layers.0.block_sparse_moe.experts.3.w3.weight",
        ],
      ]),
    Case(
      family: "qwen2, qwen3 and their mixtures",
      roles: [
        .bias: ["model.layers.0.self_attn.q_proj.bias"],
        .norm: [
          "model.layers.0.self_attn.q_norm.weight", "model.layers.0.self_attn.k_norm.weight",
        ],
        .router: [
          "model.layers.0.mlp.gate.weight", "model.layers.0.mlp.shared_expert_gate.weight",
        ],
        .expert: [
          "model.layers.0.mlp.experts.59.gate_proj.weight",
          "model.layers.0.mlp.experts.0.up_proj.weight",
          "model.layers.0.mlp.experts.0.down_proj.weight",
          "model.layers.0.mlp.experts.gate_up_proj",
          "model.layers.0.mlp.experts.down_proj",
        ],
        .feedForward: [
          "model.layers.0.mlp.shared_expert.gate_proj.weight",
          "model.layers.0.mlp.shared_expert.down_proj.weight",
        ],
      ]),
    Case(
      family: "gemma, gemma2, gemma3",
      roles: [
        .embedding: ["language_model.model.embed_tokens.weight"],
        .attention: ["language_model.model.layers.0.self_attn.o_proj.weight"],
        .norm: [
          "model.layers.0.pre_feedforward_layernorm.weight",
          "model.layers.0.post_feedforward_layernorm.weight",
          "language_model.model.layers.5.self_attn.k_norm.weight",
        ],
        .feedForward: ["language_model.model.layers.0.mlp.down_proj.weight"],
      ]),
    Case(
      family: "phi2, phi3",
      roles: [
        .attention: [
          "model.layers.0.self_attn.dense.weight", "model.layers.0.self_attn.qkv_proj.weight",
        ],
        .feedForward: [
          "model.layers.0.mlp.fc1.weight", "model.layers.0.mlp.fc2.weight",
          "model.layers.0.mlp.gate_up_proj.weight",
        ],
        .norm: ["model.final_layernorm.weight"],
        .bias: ["lm_head.bias", "model.layers.0.mlp.fc1.bias"],
      ]),
    Case(
      family: "gpt2",
      roles: [
        .embedding: ["wte.weight", "wpe.weight", "transformer.wte.weight"],
        .attention: ["h.0.attn.c_attn.weight", "transformer.h.11.attn.c_proj.weight"],
        .feedForward: ["h.0.mlp.c_fc.weight", "h.0.mlp.c_proj.weight"],
        .norm: ["h.0.ln_1.weight", "ln_f.weight"],
        .bias: ["h.0.attn.c_attn.bias", "h.0.ln_2.bias"],
      ]),
    Case(
      family: "BERT",
      roles: [
        .embedding: [
          "embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight",
          "bert.embeddings.token_type_embeddings.weight",
        ],
        .attention: [
          "encoder.layer.0.attention.self.query.weight",
          "bert.encoder.layer.0.attention.self.key.weight",
          "encoder.layer.0.attention.output.dense.weight",
        ],
        .feedForward: [
          "encoder.layer.0.intermediate.dense.weight", "encoder.layer.0.output.dense.weight",
        ],
        .norm: [
          "embeddings.LayerNorm.weight", "encoder.layer.0.attention.output.LayerNorm.weight",
        ],
        .bias: ["encoder.layer.0.output.dense.bias", "cls.predictions.bias"],
        .output: ["cls.predictions.decoder.weight"],
        .other: ["pooler.dense.weight"],
      ]),
    Case(
      family: "deepseek",
      roles: [
        .attention: [
          "model.layers.0.self_attn.q_a_proj.weight", "model.layers.0.self_attn.q_b_proj.weight",
          "model.layers.0.self_attn.kv_a_proj_with_mqa.weight",
          "model.layers.0.self_attn.kv_b_proj.weight",
        ],
        .norm: [
          "model.layers.0.self_attn.q_a_layernorm.weight",
          "model.layers.0.self_attn.kv_a_layernorm.weight",
        ],
        .router: [
          "model.layers.3.mlp.gate.weight", "model.layers.3.mlp.gate.e_score_correction_bias",
        ],
        .expert: ["model.layers.3.mlp.experts.255.gate_proj.weight"],
        .feedForward: ["model.layers.3.mlp.shared_experts.up_proj.weight"],
      ]),
  ]

  @Test(arguments: cases) func names(of family: Case) {
    for (role, names) in family.roles {
      for name in names { #expect(ParameterRole(TensorRole(name: name)) == role, "\(name)") }
    }
  }

  @Test(
    "masks and frequencies are no parameters",
    arguments: [
      "h.0.attn.bias", "transformer.h.0.attn.masked_bias", "rope_freqs.weight",
      "rope_factors_long.weight", "model.layers.0.self_attn.rotary_emb.inv_freq",
    ])
  func constants(name: String) {
    #expect(ParameterRole(TensorRole(name: name)) == nil)
  }

  @Test func manyNamesMeanWhatEachDoes() {
    let names =
      Self.cases.flatMap { $0.roles.values.flatMap { $0 } }
      + [
        "", ".", "weight", "1", "1.2.3", "blk.1234567.attn_q.weight", "blk.12.attn_q.12",
        "model.layers.61.mlp.experts.17.gate_proj.weight", "blk..5.attn_v.weight", "layers.3",
        "blk.4.ffn_up.9.weight", "encoder.layer.2.layer.7.attention.wq.weight",
      ]
    let roles = TensorRole.roles(of: names)
    for (name, role) in zip(names, roles) { #expect(role == TensorRole(name: name), "\(name)") }
  }
}
