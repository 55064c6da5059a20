internal import KerfElements

/// What computing takes besides weights and cache: an estimate.
///
///     activations = 4 · tokens · (vocabulary + 4 · embedding + 2 · feed-forward · experts used)
///
/// in bytes, for the tokens of a prompt that are computed together, 512 at most: f32 logits, the
/// vectors between layers, and what is between the two halves of a feed-forward layer. A program,
/// its tokenizer and its allocations count ``programByteCount``. Runtimes differ, by how much they
/// compute together above all.
public struct WorkingMemory: Sendable, Hashable {
  /// Tokens that are computed together.
  public static let tokens = 512
  /// What a program takes, whatever the model.
  public static let programByteCount = 64 << 20

  /// Bytes of what is computed on the way.
  public var activationByteCount: Int
  /// Bytes of the program.
  public var programByteCount = WorkingMemory.programByteCount

  /// All of it.
  public var byteCount: Int { activationByteCount + programByteCount }

  /// What a model takes to compute; lengths that it does not say are taken from its matrices.
  public init(_ model: ModelFacts, tensors: [TensorSummary], cache: KeyValueCache) {
    let lengths = MatrixLengths(tensors)
    let tokens = checkedProduct(cache.context, cache.sequences).map { min($0, Self.tokens) }
    // An encoder gives vectors, not words.
    let words = model.attention.kind == .encoder ? 0 : model.vocabularyCount ?? lengths.vocabulary
    let used = (model.experts ?? 0) > 1 ? model.expertsUsed ?? 1 : 1
    let forward = (model.feedForwardLength ?? lengths.feedForward).clamped
    let width = (model.embeddingLength ?? lengths.embedding).clamped
    // Each factor is bounded, so nothing overflows.
    activationByteCount =
      4 * (tokens ?? Self.tokens)
      * (words.clamped + 4 * width + 2 * forward * min(max(used, 1), 1000))
  }
}

/// Lengths that show in the shapes of matrices.
private struct MatrixLengths {
  var vocabulary = 0
  var embedding = 0
  var feedForward = 0

  init(_ tensors: [TensorSummary]) {
    for tensor in tensors {
      let role = TensorRole(name: tensor.name)
      switch role.part {
      case .tokenEmbedding:
        embedding = max(embedding, tensor.shape.columns)
        vocabulary = max(vocabulary, tensor.shape.rows)
      case .feedForwardDown: feedForward = max(feedForward, tensor.shape.columns)
      default: break
      }
    }
  }
}

extension Int {
  /// A length that a file says, at most what any model has.
  fileprivate var clamped: Int { Swift.min(Swift.max(self, 0), 1 << 32) }
}
