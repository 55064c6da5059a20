internal import KerfElements
public import KerfMetrics

extension SweepReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String { JSONText.text(of: JSONSweepReport(report: self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONSweepReport: Encodable {
  let report: SweepReport

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(kerfVersion, forKey: "kerf")
    try json.encode(report.instructionSet.rawValue, forKey: "isa")
    try json.encode(report.source, forKey: "source")
    try json.encode(report.rounding.rawValue, forKey: "rounding")
    try json.encode(report.sampledShare, forKey: "sampled_share")
    try json.encode(report.seed, forKey: "seed")
    try json.encode(report.keptByteCount, forKey: "kept_bytes")
    try json.encode(report.productShape?.dimensions, forKey: "matmul_shape")
    try json.encode(report.seconds, forKey: "seconds")
    try json.encode(
      report.formats.map { Row(report: report, row: $0) }, forKey: "formats")
  }

  struct Row: Encodable {
    let report: SweepReport
    let row: SweepReport.Row

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.name, forKey: "format")
      try json.encode(row.bitsPerWeight, forKey: "bits_per_weight")
      try json.encode(row.byteCount, forKey: "bytes")
      try json.encode(report.fileByteCount(row), forKey: "file_bytes")
      try json.encode(row.tensorCount, forKey: "tensor_count")
      try encodeFigures(row.loss, into: &json)
      try json.encode(
        row.relativeError.flatMap { error in row.loss.nmse.map { $0 * error } },
        forKey: "nmse_standard_error")
      try json.encode(row.fileLoss.nmse, forKey: "file_nmse")
      try json.encode(row.fileLoss.sqnr, forKey: "file_sqnr_db")
      try json.encode(row.sqnrError, forKey: "sqnr_db_standard_error")
      let worst = report.worstTensor(row)
      try json.encode(
        worst.map { Worst(report: report, row: row, index: $0) }, forKey: "worst_tensor")
      try json.encode(row.encodeBytesPerSecond * 1e-9, forKey: "encode_gbps")
      try json.encode(row.products.map(Product.init), forKey: "matmul")
      try json.encode(row.decibelsFromBound, forKey: "db_from_gaussian_bound")
      let taken = report.tensors.indices.filter { row.outcomes[$0] != nil }
      try json.encode(
        taken.map { Tensor(tensor: report.tensors[$0], outcome: row.outcomes[$0]!) },
        forKey: "tensors")
    }
  }

  struct Worst: Encodable {
    let report: SweepReport
    let row: SweepReport.Row
    let index: Int

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(report.tensors[index].name, forKey: "name")
      try json.encode(row.outcomes[index]?.loss.sqnr, forKey: "sqnr_db")
    }
  }

  struct Product: Encodable {
    let product: SweepReport.Product

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(product.m, forKey: "m")
      try json.encode(product.operationsPerSecond * 1e-9, forKey: "gops")
      try json.encode(product.weightBytesPerSecond * 1e-9, forKey: "weight_gbps")
    }
  }

  struct Tensor: Encodable {
    let tensor: SweepReport.Tensor
    let outcome: SweepReport.Outcome

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(tensor.name, forKey: "name")
      try json.encode(tensor.shape.dimensions, forKey: "shape")
      try json.encode(tensor.shape.count, forKey: "elements")
      try json.encode(tensor.format.name, forKey: "source_format")
      try json.encode(outcome.byteCount, forKey: "bytes")
      try encodeFigures(outcome.loss, into: &json)
      try json.encode(outcome.nmseStandardError, forKey: "nmse_standard_error")
    }
  }
}

private func encodeFigures(
  _ loss: Loss, into json: inout KeyedEncodingContainer<JSONKey>
) throws {
  for (name, figure) in figures(loss) {
    try json.encode(figure, forKey: JSONKey(stringValue: name))
  }
  if loss.weightedNMSE != nil { try json.encode(loss.weightedNMSE, forKey: "weighted_nmse") }
  try json.encode(loss.nonFinite, forKey: "non_finite")
  try json.encode(loss.overflowed, forKey: "overflowed")
}
