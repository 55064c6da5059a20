internal import KerfElements
public import KerfMetrics

extension SweepReport {
  /// The report for a terminal.
  public var text: String {
    ([heading, ""] + table.lines + [""] + notes.map { "  " + $0 }).joined(separator: "\n")
  }

  private var heading: String {
    let elements = tensors.reduce(0) { $0 + $1.shape.count }
    let sample =
      seed.map { "\(Numbers.fixed(sampledShare * 100, 1)) % of the elements, seed \($0)" }
    return "\(source.plain)  ("
      + [
        Numbers.counted(tensors.count, "tensor"), Numbers.grouped(elements) + " elements",
        "\(rounding.rawValue) rounding", instructionSet.rawValue, sample,
        Numbers.duration(seconds: seconds),
      ].compactMap { $0 }.joined(separator: ", ") + ")"
  }

  private var table: TextTable {
    let rowsOfX = rowsOfX
    let isWeighted = formats.contains { $0.loss.weightedNMSE != nil }
    let hasFallbacks = formats.contains { $0.tensorCount < tensors.count }
    var table = TextTable(
      [("format", .left), ("bits/weight", .right), ("file", .right)]
        + (hasFallbacks ? [("tensors", .right)] : []) + [("SQNR dB", .right)]
        + (isWeighted ? [("weighted", .right)] : [])
        + (hasFallbacks ? [("of file", .right)] : [])
        + [("to bound", .right), ("encode GB/s", .right)]
        + rowsOfX.map { ("M=\($0) Gop/s", .right) } + [("worst", .right), ("tensor", .left)])
    for row in formats {
      let worst = worstTensor(row)
      var cells = [
        row.name, Numbers.fixed(row.bitsPerWeight, 4),
        Numbers.bytes(fileByteCount(row)),
      ]
      if hasFallbacks { cells.append(Numbers.grouped(row.tensorCount)) }
      cells.append(sqnr(row))
      if isWeighted {
        cells.append(row.loss.weightedNMSE.map { Numbers.bareDecibels($0, over: 1) } ?? "–")
      }
      if hasFallbacks { cells.append(row.fileLoss.bareDecibels) }
      cells.append(row.decibelsFromBound.map { Numbers.fixed($0, 1) } ?? "–")
      cells.append(
        row.encodeBytesPerSecond > 0 ? Numbers.fixed(row.encodeBytesPerSecond * 1e-9, 2) : "–")
      cells += rowsOfX.map { m in
        row.products.first { $0.m == m }
          .map { Numbers.fixed($0.operationsPerSecond * 1e-9, 1) } ?? "–"
      }
      cells.append(worst.flatMap { row.outcomes[$0]?.loss.bareDecibels } ?? "–")
      cells.append(worst.map { tensors[$0].name.plain.shortened(to: 36) } ?? "")
      table.append(cells)
    }
    return table
  }

  private func sqnr(_ row: Row) -> String {
    let figure = row.tensorCount == 0 ? "–" : row.loss.bareDecibels
    guard seed != nil else { return figure }
    // Figures without an error bar stand below those with one.
    let bar = row.sqnrError.flatMap { row.loss.sqnr == nil ? nil : " ± " + Numbers.fixed($0, 2) }
    return figure + (bar ?? String(repeating: " ", count: 7))
  }

  private var rowsOfX: [Int] {
    formats.map { $0.products.map(\.m) }.max { $0.count < $1.count } ?? []
  }

  // MARK: What the columns mean, and what they leave out

  private var notes: [String] {
    var notes = [
      "file      all tensors, with "
        + "\(Numbers.bytes(keptByteCount)) of those that keep their precision",
      "to bound  dB below what the best code of a Gaussian source reaches with as many bits, 6.02 dB "
        + "each",
      "encode    f32 in the cache to blocks, on all threads, in bytes of the source",
    ]
    if let shape = productShape?.dimensions {
      notes.append(
        "M=…       rows of X times weights of \(shape[0]) × \(shape[1]) that stay in the cache, by the "
          + "core that matmul takes")
    }
    if seed != nil {
      notes.append(
        "±         the standard error of the estimate; that the tensor is the worst is an estimate, too"
      )
    }
    if formats.contains(where: { $0.tensorCount < tensors.count }) {
      notes.append(
        "tensors   that take the format; SQNR is theirs, and \"of file\" that with what the others fall "
          + "back to")
    }
    let nonFinite = formats.map(\.loss.nonFinite).max() ?? 0
    if nonFinite > 0 {
      notes.append(
        "\(Numbers.counted(nonFinite, "element")) NaN or infinite, left out of the figures")
    }
    for row in formats where row.loss.overflowed > 0 {
      notes.append(
        "\(row.name): \(Numbers.counted(row.loss.overflowed, "element")) too large for it, stored "
          + "as infinite, left out of the figures")
    }
    return notes
  }
}
