internal import KerfElements
public import KerfMetrics

extension LossReport {
  /// The report as CSV (RFC 4180): a line per tensor, the same names as in the JSON; figures that
  /// are absent are empty.
  public var csv: String {
    let head =
      ["name", "shape", "elements", "source_format", "format", "wanted_format", "bytes"]
      + ["source_bytes", "bits_per_weight"] + figures(nil).map(\.name)
      + ["non_finite", "overflowed", "note"] + (isWeighted ? ["weighted_nmse"] : [])
    let lines = rows.map { row in
      let figures = figures(row.loss).map { $0.value.map(String.init(describing:)) ?? "" }
      let cells =
        [
          row.name, row.shape.dimensions.map(String.init).joined(separator: "x"),
          String(row.shape.count), row.sourceFormat.name, row.format.name, row.wantedFormat.name,
          String(row.byteCount), String(row.sourceByteCount),
          row.bitsPerWeight.map(String.init(describing:)) ?? "",
        ] + figures
        + [
          row.loss.map { String($0.nonFinite) } ?? "", row.loss.map { String($0.overflowed) } ?? "",
          row.note ?? "",
        ]
        + (isWeighted ? [row.loss?.weightedNMSE.map(String.init(describing:)) ?? ""] : [])
      return cells.map(field).joined(separator: ",")
    }
    return ([head.joined(separator: ",")] + lines).map { $0 + "\r\n" }.joined()
  }

  private func field(_ text: String) -> String {
    let special: [UInt8] = Array(",\"\r\n".utf8)
    guard text.utf8.contains(where: special.contains) else { return text }
    return "\""
      + text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
