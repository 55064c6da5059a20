package import KerfElements

/// Why a tensor keeps its precision.
public enum KeptReason: Sendable, Hashable {
  /// Integers and truth values mean something else when they are rounded.
  case notFloat
  /// Vectors are small and delicate: biases, norms.
  case fewerThanTwoDimensions
  /// Only tensors whose name ends in `weight` are multiplied with activations.
  case notAWeight
  /// Scales of a normalisation.
  case norm
  /// The weights that choose an expert.
  case router
  /// Added to embeddings, never multiplied.
  case positionOrTokenTypeEmbedding
  /// The state of a recurrent or convolutional layer.
  case convolutionOrState
}

/// Tells which tensors quantizing would hurt more than it saves.
///
/// The list is the one that GGUF's own tools follow, for their names and for those of the model hub.
package enum Eligibility {
  /// Why the tensor is not to be quantized, or `nil` where it may be.
  package static func keptReason(name: String, shape: Shape, format: Format) -> KeptReason? {
    guard format.kind != .integer else { return .notFloat }
    guard shape.dimensions.count >= 2 else { return .fewerThanTwoDimensions }
    guard name.hasSuffix("weight") else { return .notAWeight }
    // By bytes: a model may have tens of thousands of names, and String's own search is made for
    // long texts.
    let bytes = Array(name.utf8)
    return namedReasons.first { _, parts in parts.contains(where: bytes.contains) }?.0
  }

  /// Parts of names, GGUF's first and then the hub's.
  private static let namedReasons: [(KeptReason, [[UInt8]])] = [
    (.norm, ["_norm.weight", "layernorm", "LayerNorm", "layer_norm", ".norm.", ".ln_"]),
    (
      .router,
      ["ffn_gate_inp", "mlp.gate.weight", "block_sparse_moe.gate.weight", "router.weight"]
    ),
    (
      .positionOrTokenTypeEmbedding,
      [
        "position_embd", "token_types", "position_embeddings", "token_type_embeddings",
        "wpe.weight", "embed_positions",
      ]
    ),
    (
      .convolutionOrState,
      [
        "ssm_conv1d", "shortconv.conv", "altup", "laurel", "time_mix_", "conv1d.weight",
      ]
    ),
  ].map { reason, parts in (reason, parts.map { Array($0.utf8) }) }
}

extension [UInt8] {
  /// Whether `part` stands somewhere in it.
  fileprivate func contains(_ part: [UInt8]) -> Bool {
    guard part.count <= count else { return false }
    return (0...count - part.count).contains { self[$0..<$0 + part.count].elementsEqual(part) }
  }
}
