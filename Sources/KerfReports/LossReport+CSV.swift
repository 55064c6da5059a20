internal import KerfElements
public import KerfMetrics

extension LossReport {
  /// The report as CSV (RFC 4180): a line per tensor, the same names as in the JSON; figures that
  /// are absent are empty.
  public var csv: String {
    // Asked once: it looks through all rows.
    let hasProducts = hasProductErrors
    let head =
      ["name", "shape", "elements", "source_format", "format", "wanted_format", "bytes"]
      + ["source_bytes", "bits_per_weight"] + figures(nil).map(\.name)
      + ["non_finite", "overflowed", "note"] + (isWeighted ? ["weighted_nmse"] : [])
      + (hasProducts ? ["matmul_error", "matmul_error_outliers"] : [])
      + (isComparison ? ["candidate_name"] : [])
    let lines = rows.map { row in
      [
        row.name, row.shape.dimensions.map(String.init).joined(separator: "x"),
        String(row.shape.count), row.sourceFormat.name, row.format.name, row.wantedFormat.name,
        String(row.byteCount), String(row.sourceByteCount), CSVText.number(row.bitsPerWeight),
      ] + figures(row.loss).map { CSVText.number($0.value) }
        + [
          CSVText.number(row.loss?.nonFinite), CSVText.number(row.loss?.overflowed),
          row.note ?? "",
        ]
        + (isWeighted ? [CSVText.number(row.loss?.weightedNMSE)] : [])
        + (hasProducts
          ? [
            CSVText.number(row.productErrors?.random), CSVText.number(row.productErrors?.outliers),
          ] : [])
        + (isComparison ? [row.candidateName ?? row.name] : [])
    }
    return CSVText.text([head] + lines)
  }
}
