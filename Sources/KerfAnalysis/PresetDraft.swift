internal import KerfCheckpoints
internal import KerfConversion
internal import KerfElements
internal import KerfPlanning

/// What a file would take with one format for all matrices, or one of the field's mixes.
struct PresetDraft: Sendable {
  let name: String
  /// The format of each tensor, in the input's order.
  let formats: [Format]
  /// The bytes of each.
  let byteCounts: [Int]
  /// Bytes of all tensors.
  let weightByteCount: Int
  /// Bytes of the file.
  let fileByteCount: Int

  init(name: String, draft: Draft) {
    self.name = name
    formats = draft.layout.tensors.map(\.format)
    byteCounts = draft.layout.tensors.map(\.byteCount)
    weightByteCount = byteCounts.reduce(0, +)
    fileByteCount = draft.layout.fileSize
  }

  /// All that the container holds and that can be made of the input, the largest first.
  static func all(
    _ input: Checkpoint, _ container: Container, _ draft: (Target) -> Draft?
  ) -> [PresetDraft] {
    var targets: [Target] = [.format(.f32)]
    targets += Preset.allCases.filter { container.canHold($0.format) }.map(Target.preset)
    return targets.compactMap { target in
      guard let draft = draft(target) else { return nil }
      let isPossible = zip(input.tensors, draft.layout.tensors).allSatisfy { from, to in
        from.format.isDecodable && to.format.isEncodable || from.format.kind == .integer
          || from.format == to.format
      }
      return isPossible ? PresetDraft(name: target.description, draft: draft) : nil
    }.sorted { $1.fileByteCount < $0.fileByteCount }
  }

  /// Of so many bytes each: the number of the largest within the budget, and of the smallest above.
  static func nearest(_ needed: [Int], to budget: Int) -> [Int] {
    let within = needed.indices.filter { needed[$0] <= budget }.max { needed[$0] < needed[$1] }
    let above = needed.indices.filter { needed[$0] > budget }.min { needed[$0] < needed[$1] }
    return [within, above].compactMap(\.self)
  }
}
