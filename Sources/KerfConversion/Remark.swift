internal import KerfCheckpoints
internal import KerfElements
internal import KerfMetrics

/// Something about a conversion that a user should know, in one line.
public enum Remark: Sendable, Hashable, CustomStringConvertible {
  /// Tensors that could not take the format that was asked for.
  case fallbacks(count: Int, elementShare: Double)
  /// Tensors that had been quantized before.
  case requantized(count: Int)
  /// A GGUF file that does not say what architecture its tensors are of.
  case noArchitecture

  /// One line, for people.
  public var description: String {
    switch self {
    case .fallbacks(let count, let share):
      "\(counted(count, "tensor")) (\(percent(share)) of the elements) could not take the format "
        + "that was asked for; see the notes in the table"
    case .requantized(let count):
      "\(counted(count, "tensor")) had been quantized before: the loss shown here comes on top; "
        + "converting from the original weights loses less"
    case .noArchitecture:
      "no config.json with a model_type lies beside the input, so general.architecture is not "
        + "written; runtimes may refuse the file"
    }
  }

  static func all(
    rows: [LossReport.Row], metadata: CheckpointMetadata
  ) -> [Remark] {
    var remarks: [Remark] = []
    let fallbacks = rows.filter(\.isFallback)
    if !fallbacks.isEmpty {
      let elements = rows.reduce(0) { $0 + $1.shape.count }
      remarks.append(
        .fallbacks(
          count: fallbacks.count,
          elementShare: Double(fallbacks.reduce(0) { $0 + $1.shape.count })
            / Double(max(elements, 1))))
    }
    let requantized = rows.filter { $0.sourceFormat.kind == .block && $0.isConverted }
    if !requantized.isEmpty { remarks.append(.requantized(count: requantized.count)) }
    if case .gguf(let entries) = metadata, entries[key: "general.architecture"] == nil {
      remarks.append(.noArchitecture)
    }
    return remarks
  }
}

/// 0.0125 as “1.3%”.
private func percent(_ share: Double) -> String {
  let tenths = Int((share * 1000).rounded())
  return "\(tenths / 10).\(tenths % 10)%"
}
