internal import KerfElements

/// Bytes of weights that computing one token reads.
package enum ActiveWeights {
  /// The sum over tensors of so many bytes. Of an embedding one row is read, which is nothing,
  /// unless it is the output as well; of experts those that a router chooses.
  package static func byteCount(
    _ tensors: [(name: String, byteCount: Int)], model: ModelFacts
  ) -> Int {
    let roles = tensors.map { TensorRole(name: $0.name) }
    let hasOutput = roles.contains { $0.part == .output }
    let share =
      if let all = model.experts, let used = model.expertsUsed, all > 0, (0...all).contains(used) {
        Double(used) / Double(all)
      } else {
        1.0
      }
    let sum = zip(tensors, roles).reduce(0.0) { sum, element in
      let (tensor, role) = element
      let part: Double =
        switch role.part {
        case .positionEmbedding: 0
        case .tokenEmbedding:
          hasOutput || model.attention.kind == .encoder ? 0 : 1
        default: role.isExpert ? share : 1
        }
      return sum + part * Double(tensor.byteCount)
    }
    return Int(sum)
  }
}
