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
  package static func keptReason(
    name: String, role: TensorRole, shape: Shape, format: Format
  ) -> KeptReason? {
    guard format.kind != .integer else { return .notFloat }
    guard shape.dimensions.count >= 2 else { return .fewerThanTwoDimensions }
    guard name.hasSuffix("weight") else { return .notAWeight }
    return switch role.part {
    case .norm: .norm
    case .router: .router
    case .positionEmbedding: .positionOrTokenTypeEmbedding
    case .convolutionOrState: .convolutionOrState
    default: nil
    }
  }
}
