internal import KerfElements
internal import KerfMetrics

extension SweepReport {
  /// The widest format that is drawn where there are narrower ones: f16 and f32 would push all the
  /// others together.
  private static let widestDrawn = 9.0

  func picture(_ map: HeatMap) -> HTML {
    let lossy = formats.filter { $0.loss.sqnr?.isFinite == true }
    let narrow = lossy.filter { $0.bitsPerWeight <= SweepReport.widestDrawn }
    let drawn = narrow.isEmpty ? lossy : narrow
    let front = front(of: drawn)
    let plot = Plot(
      points: drawn.map { point($0, front, map) },
      bound: .init(slope: SweepReport.decibelsPerBit, name: "Gaussian bound, 6.02 dB per bit"),
      xTitle: "bits per weight", yTitle: "SQNR, dB",
      summary: "SQNR against bits per weight of \(Numbers.counted(drawn.count, "format")); "
        + "the table below has the figures")
    let others = formats.filter { row in !drawn.contains { $0.name == row.name } }
      .map { "\($0.name) (\($0.loss.count > 0 ? $0.loss.decibels : "no tensor takes it"))" }
    let beyond: HTML =
      others.isEmpty
      ? "" : "<p class=\"soft\">Not drawn: \(others.joined(separator: ", ")).</p>\n"
    let spread: HTML =
      drawn.contains { $0.relativeError != nil }
      ? "<span class=\"bars\">one standard error of the sample</span>" : ""
    let part: HTML =
      drawn.allSatisfy(isForMost)
      ? "" : "<span class=\"part\">many tensors cannot take it: not to be compared</span>"
    return """
      <div class="plots"><div class="large">\(plot.svg(1180, 520))</div>\
      <div class="small">\(plot.svg(358, 430))</div></div>
      <p class="key"><span class="best">no other format is smaller and closer</span>\
      <span>another is</span><span class="dash">the best any code could do with Gaussian weights\
      </span>\(part)\(spread)</p>
      \(beyond)
      """
  }

  private func point(_ row: Row, _ front: Set<String>, _ map: HeatMap) -> Plot.Point {
    let sqnr = row.loss.sqnr ?? 0
    return Plot.Point(
      x: row.bitsPerWeight, y: sqnr, spread: row.spread, name: row.name,
      words: "\(row.loss.decibels) in \(Numbers.fixed(row.bitsPerWeight, 3)) bits/weight, "
        + Numbers.bytes(fileByteCount(row))
        + (isForMost(row)
          ? "" : "; for \(Numbers.fixed(100 * coverage(of: row), 0)) % of the elements"),
      standing: !isForMost(row) ? .partial : front.contains(row.name) ? .best : .beaten,
      target: "formats-\(row.name)",
      view: map.views.firstIndex { $0.title == row.name })
  }

  /// Formats that no other beats in both bits and loss, among those that most elements can take.
  func front(of rows: [Row]) -> Set<String> {
    var front: Set<String> = []
    var closest = -Double.infinity
    let order = rows.filter(isForMost).sorted {
      ($0.bitsPerWeight, -($0.loss.sqnr ?? 0)) < (
        $1.bitsPerWeight, -($1.loss.sqnr ?? 0)
      )
    }
    for row in order {
      guard let sqnr = row.loss.sqnr, sqnr > closest else { continue }
      closest = sqnr
      front.insert(row.name)
    }
    return front
  }
}

extension SweepReport {
  /// The share of the elements whose tensors can take the format.
  func coverage(of row: Row) -> Double {
    let all = tensors.reduce(0.0) { $0 + Double($1.shape.count) }
    let taken = zip(tensors, row.outcomes).reduce(0.0) {
      $1.1 == nil ? $0 : $0 + Double($1.0.shape.count)
    }
    return all > 0 ? taken / all : 0
  }

  /// Whether what the format loses can be compared with what others do.
  func isForMost(_ row: Row) -> Bool { coverage(of: row) >= 0.9 }
}

extension SweepReport.Row {
  /// Where the SQNR may as well be: one standard error of the sample to either side.
  var spread: ClosedRange<Double>? {
    guard let relativeError, relativeError > 0 else { return nil }
    func sqnr(_ factor: Double) -> Double? {
      Loss.sqnr(
        squaredError: loss.squaredError * factor, squaredReference: loss.squaredReference)
    }
    guard let low = sqnr(1 + relativeError), let high = sqnr(max(1 - relativeError, 0.01)),
      low.isFinite, high.isFinite
    else { return nil }
    return low...high
  }
}
