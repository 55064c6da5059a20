import KerfElements
import KerfPlanning
import Testing

@Suite struct CandidatesTests {
  private func formats(
    _ shape: Shape, _ format: Format = .f16, _ wanted: [Format]? = nil,
    keep: [NameExpression] = [], minima: [FormatRule] = [], maxima: [FormatRule] = [],
    canHold: @escaping @Sendable (Format) -> Bool = { _ in true }
  ) throws -> [Format] {
    try Candidates(wanted, canHold: canHold, keep: keep, minima: minima, maxima: maxima)
      .formats(for: TensorSummary(name: "blk.0.attn_v.weight", shape: shape, format: format))
  }

  @Test("usual formats: none as large as what the tensor is, but that")
  func usual() throws {
    #expect(
      try formats([64, 512]) == [.f16, .q8_0, .q6_K, .q5_K, .q4_K, .iq4_xs, .q3_K, .q2_K])
    #expect(try formats([64, 512], .q4_K) == [.q4_K, .iq4_xs, .q3_K, .q2_K])
    #expect(
      try formats([64, 96], .bf16) == [.bf16, .q8_0, .q5_1, .q5_0, .q4_1, .q4_0, .iq4_nl])
    #expect(try formats([64, 20], .f32) == [.f32, .f16, .bf16])
    #expect(
      try formats([64, 512], .f32, canHold: { $0.kind == .float }) == [.f32, .f16, .bf16])
  }

  @Test("what the output cannot hold may grow")
  func groups() throws {
    let group = Format.group(try #require(GroupFormat(.integers(bits: 2), length: 64)))
    let formats = try formats([64, 64], group) { Format.allCases.contains($0) }
    #expect(formats == [.f16, .bf16, .q8_0, .q5_1, .q5_0, .q4_1, .q4_0, .iq4_nl])
  }

  @Test("what was asked for, in smaller blocks where rows want them")
  func wanted() throws {
    #expect(try formats([64, 512], .f16, [.q4_K, .q8_0]) == [.q8_0, .q4_K])
    #expect(try formats([64, 96], .f16, [.q4_K, .q5_0]) == [.q5_0])
  }

  @Test("bounds count in bits; the first that matches does")
  func bounds() throws {
    let least = [try FormatRule("attn_v=q5_K", option: "--min"), try FormatRule("v=q8_0")]
    let most = [try FormatRule("attn=q6_K", option: "--max")]
    #expect(try formats([64, 512], minima: least, maxima: most) == [.q6_K, .q5_K])
    #expect(throws: PlanError.noFormatLeft(tensor: "blk.0.attn_v.weight")) {
      try formats([64, 512], maxima: [try FormatRule("attn_v=tq1_0")])
    }
    #expect(throws: PlanError.noFormatLeft(tensor: "blk.0.attn_v.weight")) {
      try formats([64, 512], minima: [try FormatRule("v=q8_0")], maxima: most)
    }
  }

  @Test("an expression that fits no name is an error that names its option")
  func unused() throws {
    let candidates = Candidates(
      nil, canHold: { _ in true }, keep: [try NameExpression("output", option: "--keep")],
      maxima: [try FormatRule("ffn=q4_K", option: "--max")])
    #expect(throws: PlanError.ruleMatchesNothing("output", option: "--keep")) {
      try candidates.check(against: ["blk.0.ffn_up.weight"])
    }
    #expect(throws: PlanError.ruleMatchesNothing("ffn", option: "--max")) {
      try candidates.check(against: ["output.weight"])
    }
    try candidates.check(against: ["output.weight", "blk.0.ffn_up.weight"])
    #expect(candidates.keeps("output.weight") && !candidates.keeps("blk.0.ffn_up.weight"))
  }

  @Test("bytes that a token takes: no embedding that is no output, experts by their share")
  func active() {
    let tensors: [(name: String, byteCount: Int)] = [
      ("token_embd.weight", 1000), ("blk.0.attn_q.weight", 10), ("blk.0.ffn_up_exps.weight", 800),
      ("blk.0.ffn_up_shexp.weight", 7),
    ]
    let model = ModelFacts(experts: 8, expertsUsed: 2)
    #expect(ActiveWeights.byteCount(tensors, model: model) == 1000 + 10 + 200 + 7)
    let output = [(name: "output.weight", byteCount: 500)]
    #expect(ActiveWeights.byteCount(tensors + output, model: model) == 500 + 10 + 200 + 7)
    #expect(ActiveWeights.byteCount(tensors + output, model: ModelFacts()) == 500 + 10 + 800 + 7)
  }
}
