package import KerfCheckpoints
internal import KerfElements
package import KerfPlanning

/// How many bytes the tensors of a file would take in other formats, as a conversion to GGUF would
/// write them: the same choices, from the header alone.
package struct ConvertedSizes: Sendable {
  private let tensors: [TensorSummary]
  private let roles: [TensorRole]
  private let model: ModelFacts
  private let keptStorage: KeptStorage
  private let groups: [Group]

  /// Tensors that a format treats alike, but for their number of rows.
  private struct Group {
    let first: Int
    var tensors = 0
    var rows = 0
  }

  /// What makes tensors alike.
  private struct Kind: Hashable {
    let kept: KeptReason?
    let format: Format
    let columns: Int
  }

  /// How many bytes it is, without the file's header and padding.
  package struct Size: Sendable {
    package private(set) var byteCount = 0
    package private(set) var elements = 0
    /// Tensors that would take another format, since their rows do not fill its blocks.
    package private(set) var fallbacks = 0

    /// Adds so many rows; `false` where that cannot be counted.
    fileprivate mutating func add(_ choice: FormatChoice, rows: Int, columns: Int, of tensors: Int)
      -> Bool
    {
      // Groups are for other runtimes, and no type of GGUF; they are counted as what they are.
      let isGroup = if case .group = choice.format { choice.kept == nil } else { false }
      let format = isGroup ? choice.format : Draft.stored(choice, in: .gguf)
      let (count, isTooLong) = rows.multipliedReportingOverflow(by: columns)
      // What GGUF has no type for is counted as it is: it need not fill rows.
      let bytes =
        format.byteCount(forColumns: columns).map { rows.multipliedReportingOverflow(by: $0) }
        ?? format.byteCount(forColumns: count).map { ($0, false) }
      guard let bytes, !isTooLong, !bytes.1 else { return false }
      let sums = (
        byteCount.addingReportingOverflow(bytes.0), elements.addingReportingOverflow(count)
      )
      (byteCount, elements) = (sums.0.partialValue, sums.1.partialValue)
      if choice.isFallback { fallbacks += tensors }
      return !sums.0.overflow && !sums.1.overflow
    }
  }

  /// - Parameters:
  ///   - tensors: Those of `input`, in its order.
  ///   - roles: What they are.
  package init(
    of input: Checkpoint, tensors: [TensorSummary], roles: [TensorRole], model: ModelFacts
  ) {
    self.tensors = tensors
    self.roles = roles
    self.model = model
    keptStorage = Draft.keptStorage(from: input.container, to: .gguf)
    var places: [Kind: Int] = [:]
    var groups: [Group] = []
    for (index, tensor) in tensors.enumerated() {
      let kept = Eligibility.keptReason(
        name: tensor.name, role: roles[index], shape: tensor.shape, format: tensor.format)
      let kind = Kind(kept: kept, format: tensor.format, columns: tensor.shape.columns)
      let place = places[kind] ?? groups.count
      if place == groups.count {
        places[kind] = place
        groups.append(Group(first: index))
      }
      groups[place].tensors += 1
      // Rows without columns may be too many to count, but they take no bytes.
      let rows = tensor.shape.count == 0 ? 0 : tensor.shape.rows
      groups[place].rows = groups[place].rows.addingClamped(rows)
    }
    self.groups = groups
  }

  /// The size as `target`; `nil` where it cannot be counted.
  package func size(as target: Target) -> Size? {
    let plan = FormatPlan(target: target, model: model, keptStorage: keptStorage)
    var size = Size()
    // Only rules can fail, and there are none.
    if case .format = target {
      let firsts = groups.map(\.first)
      guard
        let choices = try? plan.choices(
          for: firsts.map { tensors[$0] }, roles: firsts.map { roles[$0] })
      else { return nil }
      for (group, choice) in zip(groups, choices) {
        let columns = tensors[group.first].shape.columns
        guard size.add(choice, rows: group.rows, columns: columns, of: group.tensors) else {
          return nil
        }
      }
    } else {
      guard let choices = try? plan.choices(for: tensors, roles: roles) else { return nil }
      for (tensor, choice) in zip(tensors, choices) {
        let shape = tensor.shape
        guard
          size.add(
            choice, rows: shape.count == 0 ? 0 : shape.rows, columns: shape.columns, of: 1)
        else { return nil }
      }
    }
    return size
  }
}
