public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

extension InspectionReport {
  /// The tensors as CSV (RFC 4180): a line per tensor, the same names as in the JSON; statistics
  /// where they were asked for, empty where they are absent.
  public var csv: String {
    let hasStatistics = tensors.contains { $0.statistics != nil }
    func cells(_ statistics: TensorStatistics?) -> [String] {
      guard hasStatistics else { return [] }
      return statisticFigures(statistics).map { CSVText.number($0.value) }
        + statisticCounts(statistics).map { CSVText.number($0.value) }
    }
    let head =
      ["name", "shape", "elements", "format", "bytes", "role"]
      + (hasStatistics ? statisticFigures(nil).map(\.name) + statisticCounts(nil).map(\.name) : [])
    return CSVText.text(
      [head]
        + tensors.map { tensor in
          [
            tensor.name, tensor.shape.dimensions.map(String.init).joined(separator: "x"),
            String(tensor.shape.count), tensor.format.name, String(tensor.byteCount),
            tensor.role?.rawValue ?? "",
          ] + cells(tensor.statistics)
        })
  }
}
