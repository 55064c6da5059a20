import KerfElements
import KerfPlanning
import Testing

@Suite struct TensorMatchingTests {
  private func tensor(_ name: String, _ shape: Shape = [8, 4]) -> TensorSummary {
    TensorSummary(name: name, shape: shape, format: .f32)
  }

  private let llama = ModelFacts(architecture: "llama", heads: 2, keyValueHeads: 1)

  @Test("equal names go together, and nothing is undone for them")
  func names() throws {
    let name = "model.layers.0.self_attn.q_proj.weight"
    let matching = try TensorMatching(
      reference: [tensor("a"), tensor(name)], referenceFacts: llama,
      candidate: [tensor(name), tensor("b"), tensor("blk.0.attn_q.weight")], candidateFacts: llama)
    #expect(matching.matches.map(\.reference) == [1])
    #expect(matching.matches.map(\.arrangement) == [.same])
    #expect(matching.unmatchedReference == [0])
    #expect(matching.unmatchedCandidate == [1, 2])
  }

  @Test("names are bytes")
  func bytes() throws {
    let matching = try TensorMatching(
      reference: [tensor("caf\u{E9}")], candidate: [tensor("cafe\u{301}")])
    #expect(matching.matches.isEmpty)
  }

  @Test("of names of one convention nothing is undone, whatever the architecture")
  func sameConvention() throws {
    let matching = try TensorMatching(
      reference: [tensor("model.layers.0.self_attn.q_proj.weight")],
      candidate: [tensor("layers.0.self_attn.q_proj.weight")])
    #expect(matching.matches.map(\.arrangement) == [.same])
  }

  @Test(
    "what the converter does is undone where the architecture has it",
    arguments: [
      ("llama", "self_attn.q_proj", "attn_q", Arrangement.rotaryPairs(heads: 2)),
      ("mistral", "self_attn.k_proj", "attn_k", .rotaryPairs(heads: 1)),
      ("llama", "self_attn.v_proj", "attn_v", .same),
      ("qwen2", "self_attn.q_proj", "attn_q", .same),
      // As Meta's and Mistral's own files have them, pairs are neighbours already.
      ("llama", "attention.wq", "attn_q", .same),
      ("gemma2", "input_layernorm", "attn_norm", .shifted),
      ("gemma", "mlp.up_proj", "ffn_up", .same),
      ("gpt2", "mlp.c_fc", "ffn_up", .transposed),
    ])
  func arrangements(architecture: String, hub: String, gguf: String, expected: Arrangement) throws {
    let facts = ModelFacts(architecture: architecture, heads: 2, keyValueHeads: 1)
    let shape: Shape = expected == .transposed ? [4, 8] : [8, 4]
    let one = [tensor("model.layers.0.\(hub).weight", shape)]
    let other = [tensor("blk.0.\(gguf).weight")]
    for (reference, candidate) in [(one, other), (other, one)] {
      let matching = try TensorMatching(
        reference: reference, referenceFacts: facts, candidate: candidate)
      let match = try #require(matching.matches.first)
      #expect(match.arrangement == expected)
      #expect(match.isReferenceGGUF == (reference == other))
    }
  }

  @Test(
    "what cannot be told is left, with the reason",
    arguments: [
      (ModelFacts(), [8, 4], "neither file"),
      (ModelFacts(architecture: "unheard"), [8, 4], "unheard"),
      (ModelFacts(architecture: "llama"), [8, 4], "heads"),
      (ModelFacts(architecture: "llama", heads: 3), [8, 4], "3 heads"),
      (ModelFacts(architecture: "llama", heads: 8), [8, 4], "8 heads"),
      (ModelFacts(architecture: "llama", heads: 0), [8, 4], "0 heads"),
      (ModelFacts(architecture: "llama", heads: -2), [8, 4], "-2 heads"),
      (ModelFacts(architecture: "llama", heads: 2), [1, 1], "2 heads"),
      (ModelFacts(architecture: "llama", heads: 2), [8, 4, 2], "2 heads"),
    ])
  func reasons(facts: ModelFacts, dimensions: [Int], reason: String) throws {
    let hub = "model.layers.0.self_attn.q_proj.weight"
    let shape = try #require(Shape(dimensions))
    let matching = try TensorMatching(
      reference: [tensor(hub, shape)], referenceFacts: facts,
      candidate: [tensor("blk.0.attn_q.weight", shape)])
    #expect(matching.matches.isEmpty)
    #expect(matching.unmatchedReference == [0])
    #expect(matching.unmatchedCandidate == [0])
    #expect(matching.reasons[hub]?.contains(reason) == true)
  }

  @Test("files that contradict each other are not trusted")
  func contradiction() throws {
    let matching = try TensorMatching(
      reference: [tensor("lm_head.weight")], referenceFacts: ModelFacts(architecture: "gemma"),
      candidate: [tensor("output.weight")], candidateFacts: llama)
    #expect(matching.reasons["lm_head.weight"]?.contains("gemma, llama") == true)
  }

  @Test("several names of one meaning are not guessed at")
  func ambiguous() throws {
    let matching = try TensorMatching(
      reference: [tensor("model.norm.weight", [8])], referenceFacts: llama,
      candidate: [tensor("norm.weight", [8]), tensor("ln_f.weight", [8])])
    #expect(matching.matches.isEmpty)
    #expect(matching.reasons["norm.weight"] != nil)
  }

  @Test("experts in a stack are compared one by one")
  func experts() throws {
    let stack = [tensor("blk.0.ffn_up_exps.weight", [3, 8, 4])]
    let single = (0..<3).map { tensor("model.layers.0.mlp.experts.\($0).up_proj.weight") }
    let facts = ModelFacts(architecture: "qwen3moe")
    let apart = try TensorMatching(
      reference: single, candidate: stack, candidateFacts: facts)
    #expect(apart.matches.map { $0.parts[0].candidate.first } == [0, 32, 64])
    #expect(apart.matches.map { $0.parts[0].reference.first } == [0, 0, 0])
    #expect(apart.unmatchedCandidate.isEmpty)
    let together = try TensorMatching(
      reference: stack, referenceFacts: facts, candidate: single)
    #expect(together.matches.count == 1)
    #expect(together.matches[0].parts.map(\.candidate.tensor) == [0, 1, 2])
    #expect(together.matches[0].parts.map(\.reference.first) == [0, 32, 64])

    let fewer = Array(single.dropFirst())
    let rest = try TensorMatching(
      reference: fewer, candidate: stack, candidateFacts: facts)
    #expect(rest.matches.count == 2)
    #expect(rest.unmatchedCandidate == [0])
    #expect(rest.reasons[stack[0].name]?.contains("2 of its 3") == true)
    let missing = try TensorMatching(
      reference: stack, referenceFacts: facts, candidate: Array(single.dropLast()))
    #expect(missing.matches.isEmpty)
    #expect(missing.reasons[stack[0].name]?.contains("2 of its 3") == true)
  }

  @Test("shapes that differ are an error, unless nobody asked")
  func shapes() throws {
    let (a, b) = ([tensor("a", [8, 4])], [tensor("a", [4, 8])])
    #expect(throws: ShapeConflict.self) {
      try TensorMatching(reference: a, candidate: b)
    }
    let matching = try TensorMatching(reference: a, candidate: b) { $0 != "a" }
    #expect(matching.matches.isEmpty && matching.unmatchedReference.isEmpty)
    #expect(matching.unmatchedCandidate.isEmpty)
  }
}
