internal import KerfElements
public import KerfMetrics

extension SweepReport: WritableReport {
  /// The report as CSV (RFC 4180): a line per format, the same names as in the JSON; figures that
  /// are absent are empty.
  public var csv: String {
    let rowsOfX = formats.map { $0.products.map(\.m) }.max { $0.count < $1.count } ?? []
    let isWeighted = formats.contains { $0.loss.weightedNMSE != nil }
    let head =
      ["format", "bits_per_weight", "bytes", "file_bytes", "tensor_count"]
      + figures(nil).map(\.name) + (isWeighted ? ["weighted_nmse"] : [])
      + ["file_nmse", "file_sqnr_db"]
      + ["nmse_standard_error", "sqnr_db_standard_error", "worst_tensor", "worst_tensor_sqnr_db"]
      + ["encode_gbps"] + rowsOfX.flatMap { ["matmul_\($0)_gops", "matmul_\($0)_weight_gbps"] }
      + ["db_from_gaussian_bound"]
    return CSVText.text([head] + formats.map { cells($0, rowsOfX, isWeighted) })
  }

  private func cells(_ row: Row, _ rowsOfX: [Int], _ isWeighted: Bool) -> [String] {
    let worst = worstTensor(row)
    let error = row.relativeError.flatMap { error in row.loss.nmse.map { $0 * error } }
    let speeds = rowsOfX.flatMap { m -> [Double?] in
      let product = row.products.first { $0.m == m }
      return [
        product.map { $0.operationsPerSecond * 1e-9 },
        product.map { $0.weightBytesPerSecond * 1e-9 },
      ]
    }
    return [
      row.name, CSVText.number(row.bitsPerWeight), String(row.byteCount),
      String(fileByteCount(row)), String(row.tensorCount),
    ] + figures(row.loss).map { CSVText.number($0.value) }
      + (isWeighted ? [CSVText.number(row.loss.weightedNMSE)] : [])
      + [
        CSVText.number(row.fileLoss.nmse), CSVText.number(row.fileLoss.sqnr),
        CSVText.number(error), CSVText.number(row.sqnrError),
        worst.map { tensors[$0].name } ?? "",
        CSVText.number(worst.flatMap { row.outcomes[$0]?.loss.sqnr }),
        CSVText.number(row.encodeBytesPerSecond * 1e-9),
      ] + speeds.map(CSVText.number) + [CSVText.number(row.decibelsFromBound)]
  }
}
