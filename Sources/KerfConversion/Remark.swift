internal import KerfCheckpoints
public import KerfElements
internal import KerfMetrics

/// Something about a conversion that a user should know, in one line.
public enum Remark: Sendable, Hashable, CustomStringConvertible {
  /// Tensors that could not take the format that was asked for.
  case fallbacks(count: Int, elementShare: Double)
  /// Tensors that had been quantized before.
  case requantized(count: Int)
  /// Tensors that are quantized and of which the importance matrix says nothing.
  case withoutImportance(count: Int, of: Int)
  /// Tensors of whose columns the importance matrix has some without a usable sum.
  case flatImportance(count: Int)
  /// Tensors of formats whose search cannot count errors by importance yet.
  case importanceUnused(formats: [Format], count: Int)
  /// Entries of the importance matrix that are of no tensor, and the first of them.
  case importanceOfNothing(count: Int, first: String)
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
    case .withoutImportance(let count, let all):
      "\(count) of \(counted(all, "quantized tensor")) \(count == 1 ? "has" : "have") no entry in the "
        + "importance matrix: every error counts alike there"
    case .flatImportance(let count):
      "the importance matrix has zeros or no numbers for columns of \(counted(count, "tensor")); they "
        + "count like average ones; see the notes in the table"
    case .importanceUnused(let formats, let count):
      "importance is not used for \(counted(count, "tensor")): no search takes it yet for "
        + formats.map(\.name).joined(separator: ", ")
    case .importanceOfNothing(let count, let first):
      "\(count) \(count == 1 ? "entry" : "entries") of the importance matrix "
        + "\(count == 1 ? "is" : "are") of no tensor here: “\(first.printable)”"
        + (count > 1 ? " and others" : "")
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
