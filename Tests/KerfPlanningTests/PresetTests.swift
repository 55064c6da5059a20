import Foundation
import KerfElements
import KerfPlanning
import Testing

/// What `Tests/Goldens/presets.json` says: llama.cpp's choices for a model. `test_presets.py` makes
/// it.
struct ChosenByLlama: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let architecture: String
  let layers: Int
  let heads: Int
  let key_value_heads: Int
  let experts: Int
  /// Shapes of the tensors of one layer, and of those outside.
  let tensors: [String: [Int]]
  /// By preset, what a tensor is called in its layer, and format: numbers of layers.
  let choices: [String: [String: [String: String]]]
  let with_importance: [String: [String: [String: String]]]

  var testDescription: String { name }

  static let all: [ChosenByLlama] = {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Goldens/presets.json")
    let data = try? Data(contentsOf: path)
    return data.flatMap { try? JSONDecoder().decode([ChosenByLlama].self, from: $0) } ?? []
  }()

  var facts: ModelFacts {
    ModelFacts(
      architecture: architecture, layers: layers, heads: heads, keyValueHeads: key_value_heads,
      experts: experts)
  }

  /// All tensors, the layers in an order that files might have: as text.
  var summaries: [TensorSummary] {
    let names = tensors.flatMap { name, shape in
      let layered = !name.hasPrefix("token_embd") && !name.hasPrefix("output")
      return (layered ? (0..<layers).map { "blk.\($0).\(name)" } : [name]).map { ($0, shape) }
    }
    return names.sorted { $0.0 < $1.0 }.map {
      TensorSummary(name: $0.0, shape: Shape($0.1)!, format: .f16)
    }
  }

  /// The tensors' formats, by name.
  func formats(_ choice: [String: [String: String]]) -> [String: Format] {
    var formats: [String: Format] = [:]
    for (part, chosen) in choice {
      for (format, layers) in chosen {
        let format = Format(name: format)!
        if layers.isEmpty { formats[part] = format }
        for run in layers.split(separator: ",") {
          let ends = run.split(separator: "-").map { Int($0)! }
          for layer in ends[0]...ends[ends.count - 1] { formats["blk.\(layer).\(part)"] = format }
        }
      }
    }
    return formats
  }
}

@Suite struct PresetTests {
  @Test("the golden is there")
  func golden() { #expect(ChosenByLlama.all.count == 9) }

  @Test("presets choose what llama.cpp chooses", arguments: ChosenByLlama.all)
  func choices(model: ChosenByLlama) throws {
    #expect(Set(model.choices.keys) == Set(Preset.allCases.map(\.name)))
    for (all, hasImportance) in [(model.choices, false), (model.with_importance, true)] {
      for (name, choice) in all {
        let preset = try #require(Preset(name: name))
        let plan = FormatPlan(
          target: .preset(preset), model: model.facts, hasImportance: hasImportance)
        let summaries = model.summaries
        let choices = try plan.choices(for: summaries)
        let expected = model.formats(choice)
        for (tensor, choice) in zip(summaries, choices) where choice.kept == nil {
          #expect(choice.format == expected[tensor.name], "\(preset): \(tensor.name)")
        }
        #expect(choices.count { $0.kept == nil } == expected.count)
      }
    }
  }

  /// A layer's names in GGUF and on the hub.
  static let names = [
    ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"), ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
  ]

  @Test("the hub's names get what GGUF's get", arguments: Preset.allCases)
  func hubNames(preset: Preset) throws {
    let facts = ModelFacts(architecture: "llama", layers: 20, heads: 8, keyValueHeads: 2)
    func formats(_ names: [String]) throws -> [Format] {
      try FormatPlan(target: .preset(preset), model: facts).choices(
        for: names.map { TensorSummary(name: $0, shape: [64, 256], format: .bf16) }
      ).map(\.format)
    }
    let layers = (0..<20).flatMap { layer in PresetTests.names.map { (layer, $0) } }
    let gguf = layers.map { "blk.\($0.0).\($0.1.0).weight" }
    let hub = layers.map { "model.layers.\($0.0).\($0.1.1).weight" }
    #expect(
      try formats(["token_embd.weight", "output.weight"] + gguf)
        == formats(["model.embed_tokens.weight", "lm_head.weight"] + hub))
    #expect(
      try formats(["token_embd.weight"] + gguf) == formats(["model.embed_tokens.weight"] + hub))
  }

  @Test("an encoder's embedding is no output")
  func encoder() throws {
    let choices = try FormatPlan(target: .preset(.q4_0)).choices(for: [
      TensorSummary(
        name: "embeddings.word_embeddings.weight", shape: [30522, 384], format: .f32)
    ])
    #expect(choices.map(\.format) == [.q4_0])
  }

  @Test("a rule wins over the preset, and moves nothing else")
  func rules() throws {
    let names = (0..<8).map { "blk.\($0).ffn_down.weight" } + ["output.weight"]
    let tensors = names.map { TensorSummary(name: $0, shape: [64, 256], format: .f16) }
    let plain = try FormatPlan(target: .preset(.q4_K_M)).choices(for: tensors).map(\.format)
    let ruled = try FormatPlan(
      target: .preset(.q4_K_M),
      rules: [try FormatRule("blk.0=q8_0"), try FormatRule("^output=f16")]
    ).choices(for: tensors).map(\.format)
    #expect(plain == [.q6_K, .q4_K, .q4_K, .q6_K, .q4_K, .q4_K, .q6_K, .q6_K, .q6_K])
    #expect(ruled == [.q8_0] + plain[1..<8] + [.f16])
  }

  @Test(
    "rows that fill no block take smaller blocks, and then none",
    arguments: [
      (Format.q2_K, Format.q4_0), (.q3_K, .q4_0), (.tq1_0, .q4_0), (.tq2_0, .q4_0),
      (.q4_K, .q5_0), (.q5_K, .q5_1), (.q6_K, .q8_0), (.iq4_xs, .iq4_nl), (.q4_0, .f16),
      (.mxfp4, .f16), (.nvfp4, .f16), (.iq4_nl, .f16),
    ])
  func fallbacks(format: Format, smaller: Format) throws {
    for (columns, expected) in [(256, format), (288, smaller), (40, .f16)] {
      guard columns == 256 || !columns.isMultiple(of: format.elementsPerBlock) else { continue }
      let choices = try FormatPlan(target: format).choices(for: [
        TensorSummary(name: "a.weight", shape: [4, columns], format: .f32)
      ])
      #expect(choices == [FormatChoice(wanted: format, format: expected)])
    }
  }

  @Test("names of both kinds mean the mix, unless they are to be pure")
  func names() {
    #expect(Target(name: "Q4_0") == .preset(.q4_0))
    #expect(Target(name: "q4_0", isPure: true) == .format(.q4_0))
    #expect(Target(name: "q4_k") == .format(.q4_K))
    #expect(Target(name: "q4_k_m") == .preset(.q4_K_M))
    #expect(Target(name: "q4_k_m", isPure: true) == .format(.q4_K))
    #expect(Target(name: "mxfp4_moe", isPure: true) == .format(.mxfp4))
    #expect(Target(name: "q4_k_xl") == nil)
    for preset in Preset.allCases { #expect(Preset(name: preset.name.uppercased()) == preset) }
  }

  @Test("experts, one by one or stacked")
  func experts() throws {
    let tensors: [(String, Shape, Format)] = [
      ("blk.0.ffn_up_exps.weight", [8, 64, 256], .mxfp4),
      ("model.layers.0.block_sparse_moe.experts.3.w1.weight", [64, 256], .mxfp4),
      ("blk.0.ffn_up_shexp.weight", [64, 256], .q8_0), ("output.weight", [64, 256], .q8_0),
      ("blk.0.attn_q.weight", [64, 256], .q8_0), ("token_embd.weight", [64, 256], .q8_0),
    ]
    let choices = try FormatPlan(
      target: .preset(.mxfp4_moe), model: ModelFacts(layers: 1, experts: 8)
    ).choices(for: tensors.map { TensorSummary(name: $0.0, shape: $0.1, format: .bf16) })
    #expect(choices.map(\.format) == tensors.map(\.2))
  }

  @Test(
    "whatever a file says of its layers",
    arguments: [Int.min, -1, 0, 1, 7, Int.max], ["blk.0", "blk.999999", "blk.99999999999999999999"])
  func oddFacts(number: Int, block: String) throws {
    for preset in Preset.allCases {
      let facts = ModelFacts(
        architecture: "llama", layers: number, heads: number, keyValueHeads: number,
        experts: number)
      for facts in [facts, ModelFacts(experts: 2)] {
        let choices = try FormatPlan(target: .preset(preset), model: facts).choices(
          for: ["attn_v", "ffn_down"].map {
            TensorSummary(name: "\(block).\($0).weight", shape: [4, 256], format: .f16)
          })
        #expect(choices.allSatisfy { !$0.isFallback })
      }
    }
  }
}

@Suite struct TensorRoleTests {
  @Test(
    "what names mean",
    arguments: [
      ("token_embd.weight", TensorRole.Part.tokenEmbedding, nil),
      ("model.embed_tokens.weight", .tokenEmbedding, nil),
      ("transformer.wte.weight", .tokenEmbedding, nil),
      ("embeddings.word_embeddings.weight", .tokenEmbedding, nil),
      ("transformer.wpe.weight", .positionEmbedding, nil), ("output.weight", .output, nil),
      ("lm_head.weight", .output, nil), ("output_norm.weight", .norm, nil),
      ("blk.12.attn_q.weight", .attentionQuery, 12), ("blk.12.attn_q_norm.weight", .norm, 12),
      ("blk.3.attn_q.bias", .bias, 3), ("blk.3.attn_kv_b.weight", .attentionKeyValue, 3),
      ("dec.blk.3.cross_attn_v.weight", .attentionValue, 3),
      ("encoder.block.2.layer.0.SelfAttention.v.weight", .attentionValue, 2),
      ("model.layers.7.self_attn.v_proj.weight", .attentionValue, 7),
      ("encoder.layer.5.attention.self.value.weight", .attentionValue, 5),
      ("encoder.layer.5.attention.output.dense.weight", .attentionOutput, 5),
      ("encoder.layer.5.output.dense.weight", .feedForwardDown, 5),
      ("encoder.layer.5.intermediate.dense.weight", .feedForwardUp, 5),
      ("encoder.layer.5.output.LayerNorm.weight", .norm, 5),
      ("transformer.h.0.attn.c_attn.weight", .attentionFused, 0),
      ("transformer.h.0.attn.c_proj.weight", .attentionOutput, 0),
      ("transformer.h.0.mlp.c_proj.weight", .feedForwardDown, 0),
      ("gpt_neox.layers.1.attention.query_key_value.weight", .attentionFused, 1),
      ("gpt_neox.layers.1.attention.dense.weight", .attentionOutput, 1),
      ("gpt_neox.layers.1.mlp.dense_4h_to_h.weight", .feedForwardDown, 1),
      ("blk.0.ffn_gate_inp.weight", .router, 0), ("model.layers.0.mlp.gate.weight", .router, 0),
      ("model.layers.0.mlp.gate_proj.weight", .feedForwardGate, 0),
      ("blk.0.ssm_conv1d.weight", .convolutionOrState, 0),
      ("model.layers.1.input_layernorm.weight", .norm, 1), ("a.weight", .other, nil),
      ("weight", .other, nil), ("", .other, nil), ("...", .other, nil),
    ])
  func parts(name: String, part: TensorRole.Part, layer: Int?) {
    let role = TensorRole(name: name)
    #expect(role.part == part)
    #expect(role.layer == layer)
  }

  @Test("experts")
  func experts() {
    let stacked = TensorRole(name: "blk.4.ffn_down_exps.weight")
    #expect(stacked.part == .feedForwardDown && stacked.isExpert && stacked.expert == nil)
    let single = TensorRole(name: "model.layers.4.block_sparse_moe.experts.6.w2.weight")
    #expect(single.part == .feedForwardDown && single.isExpert && single.expert == 6)
    #expect(single.layer == 4)
    let old = TensorRole(name: "blk.4.ffn_down.6.weight")
    #expect(old.part == .feedForwardDown && old.isExpert && old.expert == 6)
    let shared = TensorRole(name: "blk.4.ffn_down_shexp.weight")
    #expect(shared.part == .feedForwardDown && !shared.isExpert)
  }
}
