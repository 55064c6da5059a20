/// What llama.cpp's converter does to the tensors of an architecture on their way from the hub.
struct FamilyLayout: Sendable, Hashable {
  /// Whether rows of queries and keys are reordered for their rotary embedding.
  var pairsRotaryHalves = false
  /// Whether 1 is added to the scales of norms.
  var shiftsNorms = false
  /// Whether the layers' matrices are transposed, since the hub has them as convolutions.
  var transposesMatrices = false

  /// Architectures as GGUF names them, and model types as config.json does.
  private static let known: [String: FamilyLayout] = {
    var known: [String: FamilyLayout] = [:]
    for name in ["llama", "mistral", "mixtral"] {
      known[name] = FamilyLayout(pairsRotaryHalves: true)
    }
    for name in ["gemma", "gemma2", "gemma3", "gemma3_text"] {
      known[name] = FamilyLayout(shiftsNorms: true)
    }
    known["gpt2"] = FamilyLayout(transposesMatrices: true)
    for name in [
      "qwen2", "qwen2moe", "qwen2_moe", "qwen3", "qwen3moe", "qwen3_moe",
      "phi", "phi2", "phi3", "phimoe", "bert",
    ] { known[name] = FamilyLayout() }
    return known
  }()

  enum Finding: Sendable, Hashable {
    case known(FamilyLayout)
    /// Nothing can be told, and why.
    case unknown(String)
  }

  /// The layout of the architecture that both files' words agree on.
  static func find(_ architectures: [String]) -> Finding {
    guard let first = architectures.first else {
      return .unknown(
        "neither file tells its architecture, so how GGUF arranges its elements is not known")
    }
    for name in architectures where known[name] == nil {
      return .unknown("how GGUF arranges the elements of architecture “\(name)” is not known")
    }
    guard let layout = known[first], architectures.allSatisfy({ known[$0] == layout }) else {
      return .unknown(
        "the files' architectures differ: " + architectures.joined(separator: ", "))
    }
    return .known(layout)
  }

  struct Reason: Error { let words: String }

  /// How the elements of a pair of one meaning differ.
  func arrangement(
    hub: TensorSummary, gguf: TensorSummary, heads: (query: Int?, key: Int?)
  ) -> Result<Arrangement, Reason> {
    guard let meaning = TensorMeaning(name: gguf.name) else { return .success(.same) }
    let isMatrix = hub.shape.squeezed().count <= 2
    switch meaning.place {
    case .norm where shiftsNorms && !meaning.isBias:
      return .success(.shifted)
    case .part(.attentionQuery) where pairsRotaryHalves && hub.name.contains("q_proj"),
      .part(.attentionKey) where pairsRotaryHalves && hub.name.contains("k_proj"):
      let isQuery = meaning.place == .part(.attentionQuery)
      guard let count = isQuery ? heads.query : heads.key else {
        return .failure(
          Reason(words: "the number of heads is not known, and with it the order of the rows"))
      }
      let rows = hub.shape.squeezed().first ?? 0
      guard isMatrix, count > 0, rows > 0, rows % count == 0, rows / count % 2 == 0 else {
        return .failure(Reason(words: "\(rows) rows are not pairs of rows in \(count) heads"))
      }
      return .success(.rotaryPairs(heads: count))
    case .part(.attentionFused) where transposesMatrices && !meaning.isBias,
      .part(.attentionOutput) where transposesMatrices && !meaning.isBias,
      .part(.feedForwardUp) where transposesMatrices && !meaning.isBias,
      .part(.feedForwardDown) where transposesMatrices && !meaning.isBias:
      return isMatrix
        ? .success(.transposed) : .failure(Reason(words: "\(hub.shape) is no matrix to transpose"))
    default:
      return .success(.same)
    }
  }
}
