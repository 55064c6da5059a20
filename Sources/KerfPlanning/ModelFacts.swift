/// What a model says of its own size, where its file or the config.json beside it does.
public struct ModelFacts: Sendable, Hashable {
  /// The architecture's name: `llama`, `qwen2`.
  public var architecture: String?
  /// Layers.
  public var layers: Int?
  /// Attention heads of a layer.
  public var heads: Int?
  /// Heads that keys and values are computed for.
  public var keyValueHeads: Int?
  /// Experts that the router of a layer chooses among.
  public var experts: Int?
  /// Experts that the router of a layer chooses for each token.
  public var expertsUsed: Int?
  /// Whether the embedding is the output as well; `nil` where nothing says so.
  public var tiesEmbeddings: Bool?
  /// Elements of the vector that a token is between layers.
  public var embeddingLength: Int?
  /// Elements between the two halves of a feed-forward layer, of one expert where there are some.
  public var feedForwardLength: Int?
  /// Words that the model knows.
  public var vocabularyCount: Int?
  /// Tokens that the model was made to look back at.
  public var contextLength: Int?
  /// What it has to remember of every token.
  public var attention = AttentionFacts()

  /// Facts; each may be unknown.
  public init(
    architecture: String? = nil, layers: Int? = nil, heads: Int? = nil, keyValueHeads: Int? = nil,
    experts: Int? = nil, expertsUsed: Int? = nil
  ) {
    self.architecture = architecture
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.experts = experts
    self.expertsUsed = expertsUsed
  }

  /// Heads that share a key and a value; 1 where that is not known.
  var headsPerKeyValueHead: Int {
    guard let heads, let keyValueHeads, keyValueHeads > 0 else { return 1 }
    return heads / keyValueHeads
  }

  /// Elements of a head, where the model divides its vectors among heads.
  var headLength: Int? {
    guard let embeddingLength, let heads, heads > 0 else { return nil }
    return embeddingLength / heads
  }

  /// Whether it is one of the models of some 70 billion parameters whose values are so small a part
  /// that they may be larger.
  var isOf70B: Bool {
    guard let architecture, layers == 80, let heads, let keyValueHeads else { return false }
    return heads != keyValueHeads && ModelFacts.families70B.contains(architecture)
  }

  private static let families70B: Set<String> = ["llama", "mistral", "qwen2", "deci"]
}
