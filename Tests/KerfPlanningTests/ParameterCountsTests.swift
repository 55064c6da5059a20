import KerfElements
import KerfPlanning
import Testing

@Suite struct ParameterCountsTests {
  private func counts(
    _ tensors: KeyValuePairs<String, Shape>, _ model: ModelFacts = ModelFacts(),
    format: Format = .f16
  ) -> ParameterCounts {
    ParameterCounts(
      of: tensors.map { TensorSummary(name: $0.key, shape: $0.value, format: format) },
      roles: TensorRole.roles(of: tensors.map(\.key)), model: model)
  }

  @Test func aDenseModelWorksAsAWhole() {
    let found = counts([
      "model.embed_tokens.weight": [100, 8], "model.layers.0.self_attn.q_proj.weight": [8, 8],
      "model.layers.0.mlp.up_proj.weight": [32, 8], "model.norm.weight": [8],
      "lm_head.weight": [100, 8],
    ])
    #expect(found.total == 800 + 64 + 256 + 8 + 800)
    #expect(found.active == found.total && !found.isMixture)
    #expect(found.byRole[.embedding] == 800 && found.byRole[.output] == 800)
    #expect(found.byRole[.expert] == nil)
  }

  @Test("a router chooses among experts, in a stack or one by one", arguments: [true, false])
  func mixture(isStack: Bool) {
    let shared: KeyValuePairs<String, Shape> = [
      "model.layers.0.mlp.gate.weight": [4, 8], "model.layers.0.mlp.shared_expert.w": [5],
      "model.layers.0.mlp.shared_expert.up_proj.weight": [16, 8],
    ]
    let experts: KeyValuePairs<String, Shape> =
      isStack
      ? ["blk.0.ffn_up_exps.weight": [4, 16, 8]]
      : [
        "model.layers.0.mlp.experts.0.up_proj.weight": [16, 8],
        "model.layers.0.mlp.experts.1.up_proj.weight": [16, 8],
        "model.layers.0.mlp.experts.2.up_proj.weight": [16, 8],
        "model.layers.0.mlp.experts.3.up_proj.weight": [16, 8],
      ]
    let tensors = (Array(shared) + Array(experts)).map {
      TensorSummary(name: $0.key, shape: $0.value, format: .f16)
    }
    let roles = TensorRole.roles(of: tensors.map(\.name))
    let found = ParameterCounts(
      of: tensors, roles: roles, model: ModelFacts(experts: 4, expertsUsed: 1))
    #expect(found.total == 32 + 5 + 128 + 512)
    #expect(found.active == 32 + 5 + 128 + 128)
    #expect((found.experts, found.expertsUsed) == (4, 1))
    #expect(found.byRole[.expert] == 512 && found.byRole[.feedForward] == 128)
    // Nothing says how many work, or it says what cannot be.
    let unknown = ParameterCounts(of: tensors, roles: roles, model: ModelFacts())
    #expect(unknown.experts == 4 && unknown.active == nil)
    let absurd = ParameterCounts(
      of: tensors, roles: roles, model: ModelFacts(experts: 4, expertsUsed: 5))
    #expect(absurd.active == nil)
  }

  @Test func anOutputThatIsTheEmbeddingCountsOnce() {
    let tensors: KeyValuePairs<String, Shape> = [
      "model.embed_tokens.weight": [100, 8], "lm_head.weight": [100, 8],
    ]
    var model = ModelFacts()
    #expect(counts(tensors, model).total == 1600)
    model.tiesEmbeddings = true
    let found = counts(tensors, model)
    #expect(found.total == 800 && found.duplicates == 800 && found.isTied)
    // One of another shape cannot be the embedding.
    #expect(
      counts(["model.embed_tokens.weight": [100, 8], "lm_head.weight": [50, 8]], model).total
        == 1200)
    let gguf = counts(["token_embd.weight": [100, 8], "output_norm.weight": [8]])
    #expect(gguf.total == 808 && gguf.isTied && gguf.duplicates == 0)
  }

  @Test func integersAndMasksAreNoParameters() {
    let masks = counts(["h.0.attn.bias": [1, 1, 64, 64], "h.0.ln_1.bias": [8]])
    #expect(masks.total == 8 && masks.constants == 4096)
    let integers = counts(["embeddings.position_ids": [1, 512]], format: .i64)
    #expect(integers.total == 0 && integers.constants == 512 && integers.active == 0)
  }

  @Test func whatCannotBeCountedIsTheLargestNumber() {
    let found = counts([
      "blk.0.attn_q.weight": [Int.max / 2, 2], "blk.1.ffn_up_exps.weight": [2, Int.max / 2, 1],
    ])
    #expect(found.total == .max)
  }
}
