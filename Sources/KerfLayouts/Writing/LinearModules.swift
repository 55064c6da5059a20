// Knows which tensors of a model are weights of linear layers: what runtimes quantize unless they
// are told otherwise.

public import KerfElements
internal import KerfPlanning

/// What quantizing for a runtime takes, where nothing else is asked for.
public enum LinearModules {
  /// Whether runtimes quantize such a tensor: the weights of a linear layer that is no output head
  /// and no router.
  public static func contains(name: String, shape: Shape, format: Format) -> Bool {
    let role = TensorRole(name: name)
    guard
      Eligibility.keptReason(name: name, role: role, shape: shape, format: format) == nil,
      shape.dimensions.count == 2 || role.isExpert
    else { return false }
    return role.part != .tokenEmbedding && role.part != .output
  }
}
