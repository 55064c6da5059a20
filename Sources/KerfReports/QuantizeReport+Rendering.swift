public import KerfBenchmarking
internal import KerfElements

extension QuantizeReport {
  /// The report for a terminal.
  public var text: String {
    let heading =
      "\(processor.plain), one thread, \(instructionSet.rawValue) kernels, "
      + "\(elementType.format.name) weights of \(shape)"
    var table = TextTable([
      ("format", .left), ("bits", .right), ("rounding", .left), ("M weights/s", .right),
      ("relative RMS", .right),
    ])
    for row in rows {
      table.append([
        row.format.name, Numbers.fixed(row.format.bitsPerWeight, 2), row.rounding.rawValue,
        Numbers.fixed(row.weightsPerSecond * 1e-6, 0),
        row.relativeRMS.map { Numbers.fixed($0, 5) } ?? "–",
      ])
    }
    return ([heading, ""] + table.lines).joined(separator: "\n")
  }

  /// The report as JSON: keys in snake case, sorted; figures that are absent are null. Other things
  /// hold on to the names.
  public var json: String {
    let members: JSONMembers = [
      "kerf": kerfVersion, "cpu": processor, "isa": instructionSet.rawValue,
      "source": elementType.format.name, "shape": [shape.rows, shape.columns],
      "rows": rows.map(json),
    ]
    return JSONText.text(of: members)
  }

  private func json(of row: Row) -> JSONMembers {
    [
      "format": row.format.name, "bits_per_weight": row.format.bitsPerWeight,
      "rounding": row.rounding.rawValue, "seconds": row.seconds,
      "weights_per_second": row.weightsPerSecond, "relative_rms": row.relativeRMS,
      "turns": row.turns,
    ]
  }
}
