internal import KerfElements
public import KerfMetrics

/// The version that reports carry.
public let kerfVersion = "0.1.0"

extension LossReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String { JSONText.text(of: JSONReport(self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONReport: Encodable {
  let kerf = kerfVersion
  let isa: String
  let source: String
  let target: String
  let tensors: [Row]
  let total: JSONTotal
  let unmatched: Unmatched?

  init(_ report: LossReport) {
    isa = report.instructionSet.rawValue
    source = report.source
    target = report.target
    // Asked once: it looks through all rows.
    let hasProductErrors = report.hasProductErrors
    tensors = report.rows.map {
      Row(
        row: $0, isComparison: report.isComparison, isWeighted: report.isWeighted,
        hasProductErrors: hasProductErrors)
    }
    total = JSONTotal(report.total)
    unmatched = report.isComparison ? Unmatched(report.unmatched) : nil
  }

  struct Unmatched: Encodable {
    let reference: [String]
    let candidate: [String]
    let reasons: [String: String]

    init(_ unmatched: LossReport.Unmatched) {
      reference = unmatched.reference
      candidate = unmatched.candidate
      reasons = unmatched.reasons
    }
  }

  struct Row: Encodable {
    let row: LossReport.Row
    let isComparison: Bool
    let isWeighted: Bool
    let hasProductErrors: Bool

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.name, forKey: "name")
      if isComparison {
        try json.encode(row.candidateName ?? row.name, forKey: "candidate_name")
      }
      try json.encode(row.shape.dimensions, forKey: "shape")
      try json.encode(row.shape.count, forKey: "elements")
      try json.encode(row.sourceFormat.name, forKey: "source_format")
      try json.encode(row.format.name, forKey: "format")
      try json.encode(row.wantedFormat.name, forKey: "wanted_format")
      try json.encode(row.byteCount, forKey: "bytes")
      try json.encode(row.sourceByteCount, forKey: "source_bytes")
      try json.encode(row.bitsPerWeight, forKey: "bits_per_weight")
      try json.encode(row.note, forKey: "note")
      for (name, figure) in figures(row.loss) {
        try json.encode(figure, forKey: JSONKey(stringValue: name))
      }
      if isWeighted { try json.encode(row.loss?.weightedNMSE, forKey: "weighted_nmse") }
      if hasProductErrors {
        try json.encode(row.productErrors?.random, forKey: "matmul_error")
        try json.encode(row.productErrors?.outliers, forKey: "matmul_error_outliers")
      }
      try json.encode(row.loss?.nonFinite, forKey: "non_finite")
      try json.encode(row.loss?.overflowed, forKey: "overflowed")
    }
  }
}

/// All tensors together; plans have the same.
struct JSONTotal: Encodable {
  let total: LossReport.Total
  init(_ total: LossReport.Total) { self.total = total }

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(total.elements, forKey: "elements")
    try json.encode(total.bytesIn, forKey: "bytes_in")
    try json.encode(total.bytesOut, forKey: "bytes_out")
    try json.encode(total.bitsPerWeight, forKey: "bits_per_weight")
    for (name, figure) in figures(total.loss) {
      try json.encode(figure, forKey: JSONKey(stringValue: name))
    }
    try json.encode(total.seconds, forKey: "seconds")
  }
}

/// The figures of a loss by the names that JSON and CSV give them.
func figures(_ loss: Loss?) -> [(name: String, value: Double?)] {
  [
    ("mse", loss?.mse), ("rmse", loss?.rmse), ("nmse", loss?.nmse), ("sqnr_db", loss?.sqnr),
    ("max_abs_error", loss?.maxAbsoluteError), ("mean_abs_error", loss?.meanAbsoluteError),
    ("cosine", loss?.cosine), ("bias", loss?.bias),
  ]
}
