internal import KerfElements
public import KerfMetrics

extension SweepReport {
  /// The report as one page that needs nothing from anywhere: loss against size, formats, where in
  /// the model each loses, and every tensor in every format.
  public var html: String {
    let map = heatMap
    var page = Page("sweep", of: [source], facts: facts, figures: pageFigures)
    page.append("Loss against size", picture(map))
    page.append("Formats", formatPageTable.html)
    if !map.views.isEmpty { page.append("By layer and role", map.html) }
    page.append("Tensors: SQNR in each format", tensorPageTable.html)
    return page.html
  }

  private var facts: [String] {
    let sampled =
      sampledShare < 1
      ? "a sample of \(Numbers.fixed(100 * sampledShare, sampledShare < 0.1 ? 1 : 0)) %"
        + (seed.map { ", seed \($0)" } ?? "") : "all elements"
    return [
      Numbers.counted(formats.count, "format"), sampled, "\(rounding.rawValue) rounding",
      instructionSet.rawValue, Numbers.duration(seconds: seconds),
    ]
  }

  private var pageFigures: [Page.Figure] {
    let weights = tensors.reduce(0) { $0 + $1.byteCount }
    var figures = [
      Page.Figure(
        "Weights to quantize", Numbers.bytes(weights),
        "\(Numbers.counted(tensors.count, "tensor")), "
          + "\(Numbers.grouped(tensors.reduce(0) { $0 + $1.shape.count })) elements"),
      Page.Figure("Kept as they are", Numbers.bytes(keptByteCount), "norms, biases and the like"),
    ]
    // What most come for: the closest in about half a byte, and the closest in about a byte.
    for bits in [4.5, 8.5] {
      guard let closest = closest(upToBits: bits) else { continue }
      figures.append(
        .init(
          "Closest up to \(Numbers.fixed(bits, 1)) bits", closest.name,
          "\(closest.loss.decibels), \(Numbers.bytes(fileByteCount(closest)))"))
    }
    return figures
  }

  /// The lossy format of so many bits per weight at most that loses least, of those for most.
  private func closest(upToBits bits: Double) -> Row? {
    formats.filter { $0.bitsPerWeight <= bits && $0.loss.sqnr != nil && isForMost($0) }
      .max { $0.loss.sqnr! < $1.loss.sqnr! }
  }

  private var heatMap: HeatMap {
    var map = HeatMap(names: tensors.map(\.name)) { _ in true }
    for row in formats {
      map.add(row.name, .decibels) { tensor in
        row.outcomes[tensor].map {
          .init(over: $0.loss.squaredError, under: $0.loss.squaredReference)
        }
      }
    }
    // Small formats differ most between tensors; it is them that people weigh.
    map.firstView =
      closest(upToBits: 4.5).flatMap { row in
        map.views.firstIndex { $0.title == row.name }
      } ?? 0
    return map
  }

  private var formatPageTable: PageTable {
    var columns: [PageTable.Column<Row>] = [
      .init("format", .words) { $0.name },
      .init("bits/weight", .least, "Scales included") { Numbers.fixed($0.bitsPerWeight, 3) },
      .init("bytes", .least, "Of all the file's tensors, those that are kept included") {
        Numbers.grouped(fileByteCount($0))
      },
      .init("SQNR, dB", .least, "Signal-to-quantization-noise ratio") {
        $0.loss.count > 0 ? $0.loss.bareDecibels : "–"
      },
    ]
    if formats.contains(where: { $0.sqnrError != nil }) {
      columns.append(
        .init("±, dB", .most, "One standard error of the estimate") { row in
          row.sqnrError.flatMap { row.loss.sqnr == nil ? nil : Numbers.fixed($0, 2) } ?? "–"
        })
    }
    if formats.contains(where: { $0.loss.weightedNMSE != nil }) {
      columns.append(
        .init("weighted, dB", .least, "SQNR with errors by the importance of their columns") {
          $0.loss.weightedNMSE.map { Numbers.bareDecibels($0, over: 1) } ?? "–"
        })
    }
    if formats.contains(where: { $0.tensorCount < tensors.count }) {
      columns += [
        .init("of elements, %", .least, "The share whose tensors can take the format") {
          Numbers.fixed(100 * coverage(of: $0), 1)
        },
        .init("of file, dB", .least, "SQNR with what the other tensors fall back to") {
          $0.fileLoss.bareDecibels
        },
      ]
    }
    columns += [
      .init("below bound, dB", .most, "What the best code of as many bits could gain") {
        $0.decibelsFromBound.map { Numbers.fixed($0, 2) } ?? "–"
      },
      .init("RMSE", .most, "Root of the mean squared error") {
        $0.loss.count > 0 ? Numbers.scientific($0.loss.rmse) : "–"
      },
      .init("worst, dB", .least, "The SQNR of the tensor that lost most") { row in
        worstTensor(row).flatMap { row.outcomes[$0]?.loss.bareDecibels } ?? "–"
      },
      .init("encode, GB/s", .least, "Bytes of the source in a second, on all threads") {
        $0.encodeBytesPerSecond > 0 ? Numbers.fixed($0.encodeBytesPerSecond * 1e-9, 2) : "–"
      },
    ]
    for m in Set(formats.flatMap { $0.products.map(\.m) }).sorted() {
      columns.append(
        .init("M = \(m), Gop/s", .least, "Speed of the product with \(m) rows of activations") {
          $0.products.first { $0.m == m }
            .map { Numbers.fixed($0.operationsPerSecond * 1e-9, 1) } ?? "–"
        })
    }
    columns.append(
      .init("worst tensor", .words) { worstTensor($0).map { tensors[$0].name } ?? "–" })
    return PageTable(
      "formats", caption: "Formats", of: "format", hasTargets: true, columns, over: formats)
  }

  private var tensorPageTable: PageTable {
    var columns: [PageTable.Column<Int>] = [
      .init("tensor", .words) { tensors[$0].name },
      .init("shape", .words, "Extents, outermost first") { tensors[$0].shape.description },
      .init("from", .words, "What the tensor is stored as") { tensors[$0].format.name },
      .init("bytes", .most, "As it is stored") { Numbers.grouped(tensors[$0].byteCount) },
    ]
    for row in formats {
      columns.append(
        .init(row.name, .least, "SQNR in dB") {
          row.outcomes[$0].map(\.loss.bareDecibels) ?? "–"
        })
    }
    return PageTable(
      "tensors", caption: "SQNR of each tensor in each format, in dB", of: "tensor", columns,
      over: tensors.indices)
  }
}
