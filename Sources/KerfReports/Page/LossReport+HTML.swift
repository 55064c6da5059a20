internal import KerfElements
public import KerfMetrics

extension LossReport: WritableReport {
  /// The report as one page that needs nothing from anywhere: what was lost, in all, by format, by
  /// place in the model and by tensor.
  public var html: String {
    var page =
      isComparison
      ? Page(
        "comparison", of: [target, source], joint: "beside", facts: facts, figures: pageFigures)
      : Page("conversion", of: [source, target], facts: facts, figures: pageFigures)
    let map = heatMap
    if !map.views.isEmpty { page.append("By layer and role", map.html) }
    page.append("By format", formatPageTable.html)
    page.append("Tensors", tensorPageTable.html)
    page.append("Notes", lines: notes)
    page.append("Only in the reference", lines: unmatched.reference.map(unmatchedLine))
    page.append("Only in the candidate", lines: unmatched.candidate.map(unmatchedLine))
    return page.html
  }

  private var facts: [String] {
    let converted = rows.filter(\.isConverted)
    func list(_ formats: [Format]) -> String {
      let counts = Dictionary(grouping: formats) { $0 }.mapValues(\.count)
      let names = counts.sorted { ($1.value, $0.key.name) < ($0.value, $1.key.name) }.map(
        \.key.name)
      return names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
    }
    let what =
      converted.isEmpty
      ? "the same formats"
      : "\(list(converted.map(\.sourceFormat))) → \(list(converted.map(\.format)))"
    return [what, Numbers.counted(rows.count, "tensor")]
      + ["\(Numbers.grouped(total.elements)) elements", instructionSet.rawValue]
      + (total.seconds.map { [Numbers.duration(seconds: $0)] } ?? [])
  }

  private var pageFigures: [Page.Figure] {
    var figures = [
      Page.Figure(
        "Size", Numbers.bytes(total.bytesOut),
        total.bytesIn > 0
          ? "\(Numbers.fixed(100 * Double(total.bytesOut) / Double(total.bytesIn), 1)) % of "
            + Numbers.bytes(total.bytesIn) : "")
    ]
    if let bits = total.bitsPerWeight {
      figures.append(.init("Bits per weight", Numbers.fixed(bits, 3), "scales included"))
    }
    guard let loss = total.loss else { return figures }
    figures.append(.init("SQNR", loss.decibels, "all tensors together"))
    if let (row, loss) = worst.first {
      figures.append(.init("Worst tensor", loss.decibels, row.name))
    }
    if let cosine = loss.cosine {
      figures.append(
        .init("Cosine", Numbers.fixed(cosine, 6), "RMSE \(Numbers.scientific(loss.rmse))"))
    }
    return figures
  }

  /// Losses where they were measured, and bits where they differ.
  private var heatMap: HeatMap {
    let isMeasured = rows.contains { $0.loss != nil }
    var map = HeatMap(names: rows.map(\.name)) { index in
      isMeasured ? (rows[index].loss?.squaredError ?? 0) > 0 : rows[index].isConverted
    }
    func label(_ index: Int) -> String { rows[index].format.name }
    map.add("SQNR", .decibels, label: label) { index in
      rows[index].loss.map { .init(over: $0.squaredError, under: $0.squaredReference) }
    }
    if Set(rows.filter(\.isConverted).map(\.format)).count > 1 || !isMeasured {
      map.add("bits per weight", .bits, label: label) { index in
        rows[index].sourceFormat.kind == .integer
          ? nil
          : .init(over: Double(rows[index].byteCount) * 8, under: Double(rows[index].shape.count))
      }
    }
    return map
  }

  private var formatPageTable: PageTable {
    PageTable(
      "formats", caption: "Formats", of: "format",
      [
        .init("format", .words) { $0.format.name },
        .init("tensors", .most) { Numbers.grouped($0.tensors) },
        .init("elements", .most) { Numbers.grouped($0.elements) },
        .init("bytes", .most) { Numbers.grouped($0.byteCount) },
        .init("share of bytes, %", .most) {
          total.bytesOut > 0
            ? Numbers.fixed(100 * Double($0.byteCount) / Double(total.bytesOut), 1) : "–"
        },
        .init("bits/weight", .least, "Scales included") { $0.bitsPerWeight },
        .init("SQNR, dB", .least, "Signal-to-quantization-noise ratio") { $0.bareDecibels },
      ], over: formatShares)
  }

  private var tensorPageTable: PageTable {
    var columns: [PageTable.Column<Row>] = [
      .init("tensor", .words) { $0.name },
      .init("shape", .words, "Extents, outermost first") { $0.shape.description },
      .init("from", .words, "What the tensor was stored as") { $0.sourceFormat.name },
      .init("to", .words, "What the tensor is stored as") { $0.format.name },
      .init("bytes", .most, "As it is stored") { Numbers.grouped($0.byteCount) },
      .init("bits/weight", .least, "Scales included") {
        $0.bitsPerWeight.map { Numbers.fixed($0, 3) } ?? "–"
      },
    ]
    if rows.contains(where: { $0.loss != nil }) { columns += lossColumns }
    if hasProductErrors {
      columns += [
        .init("matmul, %", .most, "Error of products with activations from a normal distribution") {
          $0.productErrors.map { Numbers.fixed(100 * $0.random, 2) } ?? "–"
        },
        .init("outliers, %", .most, "The same where a few columns are many times larger") {
          $0.productErrors.map { Numbers.fixed(100 * $0.outliers, 2) } ?? "–"
        },
      ]
    }
    if rows.contains(where: { $0.candidateName != nil }) {
      columns.append(.init("in the candidate", .words) { $0.candidateName ?? $0.name })
    }
    if rows.contains(where: { $0.note != nil }) {
      columns.append(.init("note", .words) { $0.note ?? "" })
    }
    return PageTable("tensors", caption: "Tensors", of: "tensor", columns, over: rows)
  }

  private var lossColumns: [PageTable.Column<Row>] {
    func column(
      _ title: String, _ order: PageTable.Order, _ meaning: String,
      _ cell: @escaping (Loss) -> String
    ) -> PageTable.Column<Row> {
      .init(title, order, meaning) { $0.loss.map(cell) ?? "–" }
    }
    var columns = [
      column("SQNR, dB", .least, "Signal-to-quantization-noise ratio", \.bareDecibels),
      column("RMSE", .most, "Root of the mean squared error") { Numbers.scientific($0.rmse) },
      column("max error", .most, "The largest |x−y|") {
        Numbers.scientific($0.maxAbsoluteError)
      },
      column("mean error", .most, "The mean |x−y|") { Numbers.scientific($0.meanAbsoluteError) },
      column("cosine", .least, "Of the angle between both") {
        $0.cosine.map { Numbers.fixed($0, 6) } ?? "–"
      },
      column("bias", .most, "Mean of y−x") { Numbers.scientific($0.bias) },
    ]
    if isWeighted {
      columns.append(
        column("weighted nmse", .most, "Errors by the importance of their columns") {
          $0.weightedNMSE.map(Numbers.scientific) ?? "–"
        })
    }
    return columns
  }
}
