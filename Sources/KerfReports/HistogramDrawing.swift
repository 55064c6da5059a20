internal import KerfMetrics

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A histogram in characters: a column for one bin or a few, in eighths of a line.
enum HistogramDrawing {
  /// Lines of the tallest column.
  private static let height = 6
  /// Columns at most.
  private static let width = 60
  /// An eighth of a line to a whole one.
  private static let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// The drawing: columns, then the axis with where it begins and ends. Bins without elements at
  /// either end are left out; one with elements shows, however few they are.
  static func lines(
    _ histogram: TensorStatistics.Histogram, isLogarithmic: Bool
  ) -> [String] {
    let counts = histogram.counts
    guard let first = counts.firstIndex(where: { $0 > 0 }),
      let last = counts.lastIndex(where: { $0 > 0 })
    else { return [] }
    // Bins that share a column, counted from the first.
    let merged = (last - first + width) / width
    let columns = stride(from: first, through: last, by: merged).map { start in
      counts[start..<min(start + merged, counts.count)].reduce(0, +)
    }
    let heights = columns.map { isLogarithmic ? log2(Double($0) + 1) : Double($0) }
    let tallest = heights.max() ?? 1
    let eighths = zip(columns, heights).map { count, height in
      count == 0 ? 0 : max(1, Int((height / tallest * Double(Self.height * 8)).rounded()))
    }
    let most = Numbers.grouped(columns.max() ?? 0)
    let margin = String(repeating: " ", count: most.count + 2)
    var lines = (0..<Self.height).map { row in
      let floor = (Self.height - 1 - row) * 8
      let bars = String(eighths.map { blocks[min(max($0 - floor, 0), 8)] })
      return ((row == 0 ? "  " + most : margin) + " │" + bars).withoutTrailingSpaces
    }
    let binWidth = (histogram.range.upperBound - histogram.range.lowerBound) / Double(counts.count)
    let low = Numbers.scientific(histogram.range.lowerBound + binWidth * Double(first))
    let high = Numbers.scientific(
      histogram.range.lowerBound + binWidth * Double(first + merged * columns.count))
    lines.append(margin + " └" + String(repeating: "─", count: columns.count))
    let gap = String(repeating: " ", count: max(columns.count - low.count - high.count, 2))
    lines.append(
      margin + "  " + low + gap + high + (isLogarithmic ? "  counts to the logarithm" : ""))
    if histogram.below + histogram.above > 0 {
      lines.append(
        margin + "  past 6σ: \(Numbers.grouped(histogram.below)) below, "
          + "\(Numbers.grouped(histogram.above)) above")
    }
    return lines
  }
}
