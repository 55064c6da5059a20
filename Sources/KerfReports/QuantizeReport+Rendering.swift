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

  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String { JSONText.text(of: JSONQuantizeReport(report: self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONQuantizeReport: Encodable {
  let report: QuantizeReport

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(kerfVersion, forKey: "kerf")
    try json.encode(report.processor, forKey: "cpu")
    try json.encode(report.instructionSet.rawValue, forKey: "isa")
    try json.encode(report.elementType.format.name, forKey: "source")
    try json.encode([report.shape.rows, report.shape.columns], forKey: "shape")
    try json.encode(report.rows.map(Row.init), forKey: "rows")
  }

  struct Row: Encodable {
    let row: QuantizeReport.Row

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.format.name, forKey: "format")
      try json.encode(row.format.bitsPerWeight, forKey: "bits_per_weight")
      try json.encode(row.rounding.rawValue, forKey: "rounding")
      try json.encode(row.seconds, forKey: "seconds")
      try json.encode(row.weightsPerSecond, forKey: "weights_per_second")
      try json.encode(row.relativeRMS, forKey: "relative_rms")
      try json.encode(row.turns, forKey: "turns")
    }
  }
}
