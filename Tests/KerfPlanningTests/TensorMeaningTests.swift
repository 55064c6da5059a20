import KerfPlanning
import Testing

@Suite struct TensorMeaningTests {
  @Test(
    "names of the hub and of GGUF mean the same",
    arguments: [
      ("model.embed_tokens.weight", "token_embd.weight"),
      ("model.language_model.embed_tokens.weight", "token_embd.weight"),
      ("lm_head.weight", "output.weight"), ("lm_head.bias", "output.bias"),
      ("model.norm.weight", "output_norm.weight"),
      ("language_model.model.norm.weight", "output_norm.weight"),
      ("model.layers.3.self_attn.q_proj.weight", "blk.3.attn_q.weight"),
      ("model.layers.3.self_attn.k_proj.bias", "blk.3.attn_k.bias"),
      ("model.layers.3.self_attn.q_norm.weight", "blk.3.attn_q_norm.weight"),
      ("model.layers.11.self_attn.o_proj.weight", "blk.11.attn_output.weight"),
      ("model.layers.0.input_layernorm.weight", "blk.0.attn_norm.weight"),
      ("model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"),
      ("model.layers.0.mlp.gate_proj.weight", "blk.0.ffn_gate.weight"),
      ("model.layers.0.mlp.shared_expert.up_proj.weight", "blk.0.ffn_up_shexp.weight"),
      ("model.layers.0.mlp.shared_expert_gate.weight", "blk.0.ffn_gate_inp_shexp.weight"),
      ("model.layers.0.mlp.gate.weight", "blk.0.ffn_gate_inp.weight"),
      ("model.layers.0.mlp.experts.up_proj", "blk.0.ffn_up_exps.weight"),
      ("model.layers.0.block_sparse_moe.experts.w2.weight", "blk.0.ffn_down_exps.weight"),
      ("model.layers.0.block_sparse_moe.experts.5.w3.weight", "blk.0.ffn_up.5.weight"),
      ("model.layers.0.mlp.gate_up_proj.weight", "blk.0.ffn_up.weight"),
      ("model.layers.0.self_attn.qkv_proj.weight", "blk.0.attn_qkv.weight"),
      ("model.layers.0.self_attn.dense.bias", "blk.0.attn_output.bias"),
      ("model.layers.0.mlp.fc2.weight", "blk.0.ffn_down.weight"),
      ("model.final_layernorm.bias", "output_norm.bias"),
      ("transformer.wte.weight", "token_embd.weight"), ("wpe.weight", "position_embd.weight"),
      ("transformer.h.7.ln_2.bias", "blk.7.ffn_norm.bias"),
      ("h.7.attn.c_attn.weight", "blk.7.attn_qkv.weight"),
      ("h.7.mlp.c_proj.bias", "blk.7.ffn_down.bias"), ("ln_f.weight", "output_norm.weight"),
      ("embeddings.LayerNorm.weight", "token_embd_norm.weight"),
      ("bert.embeddings.LayerNorm.gamma", "token_embd_norm.weight"),
      ("embeddings.token_type_embeddings.weight", "token_types.weight"),
      ("bert.encoder.layer.2.attention.self.value.bias", "blk.2.attn_v.bias"),
      ("encoder.layer.2.attention.output.LayerNorm.beta", "blk.2.attn_output_norm.bias"),
      ("encoder.layer.2.output.LayerNorm.weight", "blk.2.layer_output_norm.weight"),
      ("encoder.layer.2.intermediate.dense.weight", "blk.2.ffn_up.weight"),
    ])
  func same(hub: String, gguf: String) throws {
    let meaning = try #require(TensorMeaning(name: hub))
    #expect(meaning == TensorMeaning(name: gguf))
    #expect(TensorMeaning.convention(of: hub) == .hub)
    #expect(TensorMeaning.convention(of: gguf) == .gguf)
  }

  @Test("where a layer's parts have norms on both sides, the one after attention is that")
  func sandwich() {
    func meaning(_ name: String) -> TensorMeaning? {
      TensorMeaning(name: "model.layers.0.\(name).weight", hasSandwichNorms: true)
    }
    func gguf(_ name: String) -> TensorMeaning? { TensorMeaning(name: "blk.0.\(name).weight") }
    #expect(meaning("post_attention_layernorm") == gguf("post_attention_norm"))
    #expect(meaning("pre_feedforward_layernorm") == gguf("ffn_norm"))
    #expect(meaning("post_feedforward_layernorm") == gguf("post_ffw_norm"))
    #expect(meaning("input_layernorm") == gguf("attn_norm"))
    #expect(TensorMeaning.hasSandwichNorms(["model.layers.0.pre_feedforward_layernorm.weight"]))
    #expect(!TensorMeaning.hasSandwichNorms(["model.layers.0.post_attention_layernorm.weight"]))
  }

  @Test(
    "names that do not say enough mean nothing",
    arguments: [
      "", "weight", "a.weight", "pooler.dense.weight", "cls.predictions.transform.dense.weight",
      "h.0.attn.bias", "self_attn.q_proj.weight", "rope_freqs.weight",
      "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight", "v.blk.0.attn_q.weight",
      "visual.blocks.0.attn.qkv.weight", "vit.encoder.layer.0.attention.attention.query.weight",
      "decoder.block.0.layer.0.SelfAttention.q.weight", "per_layer_token_embd.weight",
      "vision_model.post_layernorm.weight", "model.vision_tower.norm.weight",
    ])
  func nothing(name: String) { #expect(TensorMeaning(name: name) == nil) }

  @Test("what differs means something else")
  func different() {
    let names = [
      "blk.0.ffn_up.weight", "blk.1.ffn_up.weight", "blk.0.ffn_up.bias", "blk.0.ffn_up_exps.weight",
      "blk.0.ffn_up_shexp.weight", "blk.0.ffn_up.0.weight", "blk.0.ffn_gate_inp.weight",
      "blk.0.ffn_gate_inp_shexp.weight", "position_embd.weight", "token_types.weight",
      "token_embd.weight", "output.weight", "output_norm.weight", "token_embd_norm.weight",
      "blk.0.attn_q.weight", "blk.0.attn_q_norm.weight",
      "model.layers.0.mlp.experts.gate_up_proj",
    ]
    #expect(Set(names.compactMap { TensorMeaning(name: $0) }).count == names.count)
  }
}
