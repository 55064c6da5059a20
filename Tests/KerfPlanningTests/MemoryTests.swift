import KerfElements
import KerfPlanning
import Testing

@Suite struct MemoryTests {
  @Test(
    "sizes as people write them",
    arguments: [
      ("8GiB", 8 << 30), ("5GB", 5_000_000_000), ("500MB", 500_000_000), ("7.5 GB", 7_500_000_000),
      ("4096", 4096), ("0", 0), ("1.5kib", 1536), ("12 B", 12), ("0.1GB", 100_000_000),
      ("2tb", 2_000_000_000_000),
    ])
  func sizes(text: String, expected: Int) {
    #expect(ByteSize(text)?.byteCount == expected)
  }

  @Test(
    "what is no size",
    arguments: [
      "", "GB", "-1GB", "8G", "1e9", "1.2.3GB", ".5GB", "5.GB", "8 G B", "9999999999999GB",
      "99999999999999999999", "nan", "0x10", "٣GB",
    ])
  func noSizes(text: String) {
    #expect(ByteSize(text) == nil)
  }

  private static func model(
    layers: Int, keyValueHeads: Int, head: Int, _ change: (inout ModelFacts) -> Void = { _ in }
  ) -> ModelFacts {
    var model = ModelFacts(layers: layers, keyValueHeads: keyValueHeads)
    model.attention.keyLength = head
    model.attention.valueLength = head
    change(&model)
    return model
  }

  static let caches: [(String, ModelFacts, KeyValueCache, Int)] = [
    ("Llama 2 7B", model(layers: 32, keyValueHeads: 32, head: 128), .init(context: 4096), 2 << 30),
    ("Llama 3 8B", model(layers: 32, keyValueHeads: 8, head: 128), .init(context: 8192), 1 << 30),
    (
      "Llama 3 8B, q8_0", model(layers: 32, keyValueHeads: 8, head: 128),
      .init(context: 8192, format: .q8_0), (1 << 30) / 64 * 34
    ),
    (
      "Llama 3 8B, four sequences", model(layers: 32, keyValueHeads: 8, head: 128),
      .init(context: 8192, sequences: 4), 4 << 30
    ),
    (
      "Mixtral 8x7B", model(layers: 32, keyValueHeads: 8, head: 128), .init(context: 32768), 4 << 30
    ),
    (
      "Gemma 2 9B",
      model(layers: 42, keyValueHeads: 8, head: 256) {
        $0.attention.window = 4096
        $0.attention.windowed = .allButEvery(2)
      }, .init(context: 8192), 21 * (8192 + 4096) * 8 * 512 * 2
    ),
    (
      "Mistral 7B, windows throughout",
      model(layers: 32, keyValueHeads: 8, head: 128) {
        $0.attention.window = 4096
        $0.attention.windowed = .all
      }, .init(context: 32768), 1 << 29
    ),
    (
      "DeepSeek V2 Lite",
      model(layers: 27, keyValueHeads: 16, head: 192) {
        $0.attention.latentLength = 512
        $0.attention.latentPositionLength = 64
      }, .init(context: 4096), 27 * 4096 * 576 * 2
    ),
    (
      "keys longer than values, heads that differ",
      model(layers: 3, keyValueHeads: 9, head: 64) {
        $0.attention.keyLength = 96
        $0.attention.keyValueHeads = [4, 0]
      }, .init(context: 100), 100 * (4 + 0 + 9) * (96 + 64) * 2
    ),
    (
      "an encoder", model(layers: 12, keyValueHeads: 12, head: 64) { $0.attention.kind = .encoder },
      .init(context: 512), 0
    ),
  ]

  @Test("what caches take", arguments: caches)
  func cache(name: String, model: ModelFacts, cache: KeyValueCache, expected: Int) throws {
    #expect(try cache.byteCount(for: model) == expected)
  }

  @Test("a head's length follows from the model's width where nothing else says it")
  func headLength() throws {
    var model = ModelFacts(layers: 32, heads: 32, keyValueHeads: 8)
    model.embeddingLength = 4096
    #expect(try KeyValueCache(context: 8192).byteCount(for: model) == 1 << 30)
  }

  @Test("what is not known is said, not guessed")
  func unknown() {
    let cache = KeyValueCache(context: 4096)
    #expect(throws: KeyValueCache.Unknown.missing(["the number of layers"])) {
      try cache.byteCount(for: ModelFacts())
    }
    #expect(throws: KeyValueCache.Unknown.self) { try cache.byteCount(for: ModelFacts(layers: 2)) }
    var recurrent = MemoryTests.model(layers: 2, keyValueHeads: 2, head: 64)
    recurrent.attention.kind = .other("states")
    #expect(throws: KeyValueCache.Unknown.other("states")) { try cache.byteCount(for: recurrent) }
  }

  @Test(
    "nonsense in a file is an error",
    arguments: [
      MemoryTests.model(layers: .max, keyValueHeads: 8, head: 128),
      MemoryTests.model(layers: -1, keyValueHeads: 8, head: 128),
      MemoryTests.model(layers: 2, keyValueHeads: .max, head: 128),
      MemoryTests.model(layers: 2, keyValueHeads: -8, head: 128),
      MemoryTests.model(layers: 2, keyValueHeads: 8, head: .max),
      MemoryTests.model(layers: 2, keyValueHeads: 8, head: 0),
      MemoryTests.model(layers: 2, keyValueHeads: 8, head: 64) {
        $0.attention.latentLength = .max
        $0.attention.latentPositionLength = 64
      },
      MemoryTests.model(layers: 2, keyValueHeads: 8, head: 64) {
        $0.attention.window = -4
        $0.attention.windowed = .all
      },
    ])
  func absurd(model: ModelFacts) {
    for format in KeyValueCache.formats {
      #expect(throws: KeyValueCache.Unknown.absurd) {
        try KeyValueCache(context: .max, sequences: 2, format: format).byteCount(for: model)
      }
    }
  }

  @Test("working memory grows with what is computed, and never overflows")
  func workingMemory() {
    var model = ModelFacts()
    model.embeddingLength = 4096
    model.feedForwardLength = 14336
    model.vocabularyCount = 128_256
    let memory = WorkingMemory(model, tensors: [], cache: KeyValueCache(context: 8192))
    #expect(memory.activationByteCount == 4 * 512 * (128_256 + 4 * 4096 + 2 * 14336))
    #expect(memory.byteCount == memory.activationByteCount + 64 << 20)
    let short = WorkingMemory(model, tensors: [], cache: KeyValueCache(context: 128))
    #expect(short.activationByteCount * 4 == memory.activationByteCount)
    model.vocabularyCount = .max
    model.feedForwardLength = .max
    model.embeddingLength = .min
    model.experts = 8
    model.expertsUsed = .max
    #expect(
      WorkingMemory(model, tensors: [], cache: KeyValueCache(context: .max, sequences: .max))
        .byteCount > 0)
  }

  @Test("lengths that a file does not say are those of its matrices")
  func lengthsOfMatrices() {
    let tensors = [
      TensorSummary(name: "token_embd.weight", shape: [1000, 64], format: .f16),
      TensorSummary(name: "blk.0.ffn_down.weight", shape: [64, 256], format: .f16),
    ]
    let memory = WorkingMemory(ModelFacts(), tensors: tensors, cache: KeyValueCache(context: 4096))
    #expect(memory.activationByteCount == 4 * 512 * (1000 + 4 * 64 + 2 * 256))
  }
}
