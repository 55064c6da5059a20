import KerfElements
import KerfPlanning
import Testing

@Suite struct FormatPlanTests {
  @Test(
    "delicate tensors keep their precision",
    arguments: [
      ("blk.0.attn_norm.weight", [4096], KeptReason.fewerThanTwoDimensions),
      ("blk.0.attn_q.bias", [1, 4096], .notAWeight),
      ("blk.0.ffn_gate_inp.weight", [8, 4096], .router),
      ("model.layers.3.block_sparse_moe.gate.weight", [8, 4096], .router),
      ("position_embd.weight", [512, 384], .positionOrTokenTypeEmbedding),
      ("embeddings.token_type_embeddings.weight", [2, 384], .positionOrTokenTypeEmbedding),
      ("blk.1.ssm_conv1d.weight", [4, 4096], .convolutionOrState),
      ("encoder.norm.weight", [1, 384], .norm),
    ])
  func kept(name: String, dimensions: [Int], reason: KeptReason) throws {
    let choice = try #require(
      FormatPlan(target: .q4_0).choices(for: [
        TensorSummary(name: name, shape: Shape(dimensions)!, format: .f32)
      ]).first)
    #expect(choice == FormatChoice(wanted: .f32, format: .f32, kept: reason))
  }

  @Test(
    "matrices are quantized",
    arguments: [
      "blk.0.attn_q.weight", "token_embd.weight", "output.weight", "lm_head.weight",
      "encoder.layer.0.attention.self.query.weight", "blk.0.ffn_gate_exps.weight",
      "model.layers.0.mlp.gate_proj.weight",
    ])
  func quantized(name: String) throws {
    let choices = try FormatPlan(target: .q4_0).choices(for: [
      TensorSummary(name: name, shape: [64, 64], format: .bf16)
    ])
    #expect(choices == [FormatChoice(wanted: .q4_0, format: .q4_0)])
  }

  @Test("rows that fill no block fall back")
  func fallback() throws {
    let choices = try FormatPlan(target: .q8_0).choices(for: [
      TensorSummary(name: "a.weight", shape: [64, 48], format: .f32)
    ])
    #expect(choices == [FormatChoice(wanted: .q8_0, format: .f16)])
    #expect(choices[0].isFallback)
  }

  @Test("integers stay whatever a rule says")
  func integers() throws {
    let choices = try FormatPlan(target: .q8_0, rules: [FormatRule("ids=q4_0")]).choices(for: [
      TensorSummary(name: "ids.weight", shape: [64, 32], format: .i64)
    ])
    #expect(choices == [FormatChoice(wanted: .i64, format: .i64, kept: .notFloat)])
  }

  @Test("the first rule that matches decides")
  func rules() throws {
    let plan = FormatPlan(
      target: .q4_0,
      rules: [try FormatRule("ffn_(up|down)=q8_0"), try FormatRule("^blk\\.0\\.=f16")])
    let names = ["blk.0.ffn_up.weight", "blk.0.attn_q.weight", "blk.1.attn_q.weight"]
    let choices = try plan.choices(
      for: names.map { TensorSummary(name: $0, shape: [32, 32], format: .f32) })
    #expect(choices.map(\.format) == [.q8_0, .f16, .q4_0])
  }

  @Test("a rule overrides what would be kept")
  func ruleOnKept() throws {
    let plan = FormatPlan(target: .q4_0, rules: [try FormatRule("position=q8_0")])
    let choices = try plan.choices(for: [
      TensorSummary(name: "position_embd.weight", shape: [32, 32], format: .f32)
    ])
    #expect(choices.map(\.format) == [.q8_0])
  }

  @Test("a rule that matches nothing is an error")
  func unusedRule() throws {
    let plan = FormatPlan(target: .q4_0, rules: [try FormatRule("FFN=q8_0")])
    #expect(throws: PlanError.ruleMatchesNothing("FFN")) {
      try plan.choices(for: [
        TensorSummary(name: "ffn.weight", shape: [32, 32], format: .f32)
      ])
    }
  }

  @Test("rules that cannot be read", arguments: ["q8_0", "=q8_0", "a=q9_9", "(=q8_0"])
  func badRules(text: String) {
    #expect(throws: PlanError.self) { try FormatRule(text) }
  }

  @Test(
    "what becomes of kept tensors",
    arguments: [
      (KeptStorage.unchanged, Format.f16, Format.f16), (.float32, .f16, .f32),
      (.target, .bf16, .bf16), (.target, .q4_0, .f16),
    ])
  func keptStorage(storage: KeptStorage, target: Format, expected: Format) throws {
    let choices = try FormatPlan(target: target, keptStorage: storage).choices(for: [
      TensorSummary(name: "norm.bias", shape: [64], format: .f16)
    ])
    #expect(choices[0].format == expected)
  }
}
