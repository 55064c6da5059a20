internal import KerfElements
internal import KerfMetrics

/// What is shown of a comparison beside its losses.
extension LossReport {
  /// What is to be known of the rows, said once where it is the same for several.
  var rowNotes: [String] {
    guard isComparison else {
      return rows.compactMap { row in
        row.isFallback ? row.note.map { "\(row.name.plain): \($0)" } : nil
      }
    }
    var order: [String] = []
    var names: [String: [String]] = [:]
    for row in rows {
      guard let note = row.note else { continue }
      if names[note] == nil { order.append(note) }
      names[note, default: []].append(row.name)
    }
    let matched = rows.reduce(0) { $0 + ($1.candidateName == nil ? 0 : 1) }
    let summary =
      matched > 0
      ? ["\(Numbers.counted(matched, "tensor")) matched by what names mean, not by name"] : []
    return summary
      + order.map { note in
        let rows = names[note] ?? []
        let subject = rows.count == 1 ? rows[0].plain : Numbers.counted(rows.count, "tensor")
        return "\(subject): \(note)"
      }
  }

  /// Tensors without a partner, with the reason, where it is known.
  func unmatchedList(_ count: Int = 10) -> [String] {
    list("only in the reference", unmatched.reference, count)
      + list("only in the candidate", unmatched.candidate, count)
  }

  /// A name without a partner, and why it has none.
  func unmatchedLine(_ name: String) -> String {
    name.plain + (unmatched.reasons[name].map { ": \($0.plain)" } ?? "")
  }

  private func list(_ title: String, _ names: [String], _ count: Int) -> [String] {
    guard !names.isEmpty else { return [] }
    let shown = names.prefix(count).map { "  - " + unmatchedLine($0) }
    let rest = names.count - shown.count
    return ["", "  \(title): \(Numbers.counted(names.count, "tensor"))"] + shown
      + (rest > 0 ? ["  - and \(Numbers.grouped(rest)) more"] : [])
  }
}
