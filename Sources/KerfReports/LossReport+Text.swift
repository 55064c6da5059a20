internal import KerfElements
public import KerfMetrics

extension LossReport {
  /// The report for a terminal: a line per format, the worst tensors, notes, and the total.
  public func text(worst: Int = 5) -> String {
    var lines = formatTable
    lines += worstTable(worst)
    lines += noteLines
    lines += unmatchedList()
    lines.append("")
    lines.append("  " + totalLine)
    return lines.joined(separator: "\n")
  }

  /// Every tensor with its formats and sizes, for a terminal.
  public var tensorTable: String {
    var table = TextTable([
      ("tensor", .left), ("shape", .left), ("from", .left), ("to", .left), ("bytes", .right),
      ("", .left),
    ])
    for row in rows {
      table.append([
        row.name.plain.shortened(to: 60), row.shape.description, row.sourceFormat.name,
        row.format.name, Numbers.grouped(row.byteCount), row.note ?? "",
      ])
    }
    return (table.lines + ["", "  " + totalLine]).joined(separator: "\n")
  }

  private var formatTable: [String] {
    var table = TextTable([
      ("format", .left), ("tensors", .right), ("elements", .right), ("bytes", .right),
      ("bits/weight", .right), ("SQNR", .right),
    ])
    for share in formatShares {
      table.append([
        share.format.name, Numbers.grouped(share.tensors), Numbers.grouped(share.elements),
        Numbers.bytes(share.byteCount), share.bitsPerWeight, share.decibels,
      ])
    }
    return table.lines
  }

  private func worstTable(_ count: Int) -> [String] {
    let worst = worst
    guard !worst.isEmpty, count > 0 else { return [] }
    var table = TextTable(
      [
        ("worst tensors", .left), ("format", .left), ("SQNR", .right), ("RMSE", .right),
        ("max error", .right), ("cosine", .right),
      ] + (hasProductErrors ? [("matmul", .right), ("outliers", .right)] : []))
    for (row, loss) in worst.prefix(count) {
      var cells = [
        row.name.plain.shortened(to: 56), row.format.name,
        loss.decibels, Numbers.scientific(loss.rmse),
        Numbers.scientific(loss.maxAbsoluteError),
        loss.cosine.map { Numbers.fixed($0, 6) } ?? "–",
      ]
      if hasProductErrors {
        let errors = row.productErrors
        cells += [errors?.random, errors?.outliers].map { $0.map(percent) ?? "–" }
      }
      table.append(cells)
    }
    return [""] + table.lines
  }

  private var noteLines: [String] {
    let notes = notes
    let shown = notes.prefix(20)
    let rest = notes.count > shown.count ? ["and \(notes.count - shown.count) more"] : []
    return notes.isEmpty ? [] : ["", "  notes"] + (shown + rest).map { "  - " + $0 }
  }

  private var totalLine: String {
    var parts = [
      "\(Numbers.grouped(total.elements)) elements",
      "\(Numbers.bytes(total.bytesIn)) → \(Numbers.bytes(total.bytesOut))",
    ]
    if let bits = total.bitsPerWeight { parts.append("\(Numbers.fixed(bits, 3)) bits/weight") }
    if let loss = total.loss {
      parts.append("SQNR \(loss.decibels)")
    }
    if let seconds = total.seconds { parts.append(Numbers.duration(seconds: seconds)) }
    return parts.joined(separator: ", ")
  }

  /// 0.0834 as “8.34%”.
  private func percent(_ share: Double) -> String { Numbers.fixed(share * 100, 2) + "%" }
}
