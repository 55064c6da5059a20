internal import KerfElements

/// Rows of text in columns that line up.
public struct TextTable {
  /// How a column's cells stand.
  public enum Alignment { case left, right }

  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// A table of columns; an empty title is allowed.
  public init(_ columns: [(title: String, alignment: Alignment)]) {
    alignments = columns.map(\.alignment)
    if columns.contains(where: { !$0.title.isEmpty }) { rows.append(columns.map(\.title)) }
  }

  /// Adds a row of as many cells as there are columns.
  public mutating func append(_ cells: [String]) {
    precondition(cells.count == alignments.count, "\(cells.count) cells")
    rows.append(cells)
  }

  /// The lines, each indented by two spaces.
  public var lines: [String] {
    // Counting characters is what takes the time in long tables.
    let lengths = rows.map { $0.map(\.count) }
    let widths = alignments.indices.map { column in lengths.map { $0[column] }.max() ?? 0 }
    return zip(rows, lengths).map { row, lengths in
      var line = ""
      for (column, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - lengths[column])
        line += alignments[column] == .left ? "  " + cell + padding : "  " + padding + cell
      }
      return line.withoutTrailingSpaces
    }
  }
}

extension String {
  var withoutTrailingSpaces: String {
    var text = self
    while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
    return text
  }

  /// At most `width` characters: the middle gives way, since names differ at their ends.
  func shortened(to width: Int) -> String {
    guard utf8.count > width, count > width else { return self }
    let tail = (width - 1) * 2 / 3
    return prefix(width - 1 - tail) + "…" + suffix(tail)
  }

  /// With one character in the place of each that could steer a terminal, so that columns line up.
  var plain: String {
    if utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return self }
    return String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.isPrintable ? $0 : Unicode.Scalar(0xFFFD)! }))
  }
}
