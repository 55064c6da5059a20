internal import KerfElements
public import KerfMetrics

extension LossReport {
  /// The report for a terminal: a line per format, the worst tensors, notes, and the total.
  public func text(worst: Int = 5) -> String {
    var lines = formatTable
    lines += worstTable(worst)
    lines += notes
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
    for format in Format.allCases {
      let rows = rows.filter { $0.format == format }
      guard !rows.isEmpty else { continue }
      let elements = rows.reduce(0) { $0 + $1.shape.count }
      let bytes = rows.reduce(0) { $0 + $1.byteCount }
      let error = rows.reduce(0) { $0 + ($1.loss?.squaredError ?? 0) }
      let signal = rows.reduce(0) { $0 + ($1.loss?.squaredReference ?? 0) }
      table.append([
        format.name, Numbers.grouped(rows.count), Numbers.grouped(elements),
        Numbers.bytes(bytes),
        elements > 0 ? Numbers.fixed(Double(bytes) * 8 / Double(elements), 3) : "–",
        rows.contains { $0.loss != nil } ? decibels(error, signal) : "–",
      ])
    }
    return table.lines
  }

  private func worstTable(_ count: Int) -> [String] {
    let lossy = rows.filter { ($0.loss?.nmse ?? 0) > 0 }
    guard !lossy.isEmpty, count > 0 else { return [] }
    var table = TextTable(
      [
        ("worst tensors", .left), ("format", .left), ("SQNR", .right), ("RMSE", .right),
        ("max error", .right), ("cosine", .right),
      ] + (hasProductErrors ? [("matmul", .right), ("outliers", .right)] : []))
    for row in lossy.sorted(by: { $0.loss!.nmse! > $1.loss!.nmse! }).prefix(count) {
      guard let loss = row.loss else { continue }
      var cells = [
        row.name.plain.shortened(to: 56), row.format.name,
        decibels(loss.squaredError, loss.squaredReference), Numbers.scientific(loss.rmse),
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

  /// Fallbacks, and tensors whose elements are not all numbers.
  private var notes: [String] {
    var notes = rowNotes
    for row in rows {
      if let loss = row.loss, loss.nonFinite > 0 {
        notes.append(
          "\(row.name.plain): \(Numbers.counted(loss.nonFinite, "element")) NaN or infinite, "
            + "left out of the figures")
      }
      if let loss = row.loss, loss.overflowed > 0 {
        notes.append(
          "\(row.name.plain): \(Numbers.counted(loss.overflowed, "element")) "
            + (isComparison
              ? "NaN or infinite in the candidate only"
              : "too large for \(row.format), stored as infinite")
            + ", left out of the figures")
      }
    }
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
      parts.append("SQNR \(decibels(loss.squaredError, loss.squaredReference))")
    }
    if let seconds = total.seconds { parts.append(Numbers.duration(seconds: seconds)) }
    return parts.joined(separator: ", ")
  }

  /// 0.0834 as “8.34%”.
  private func percent(_ share: Double) -> String { Numbers.fixed(share * 100, 2) + "%" }

  private func decibels(_ error: Double, _ signal: Double) -> String {
    Loss.sqnr(squaredError: error, squaredReference: signal)
      .map { Numbers.fixed($0, 2) + " dB" } ?? (error == 0 ? "exact" : "–")
  }
}
