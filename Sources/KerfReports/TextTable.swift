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
    let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let line = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return alignments[column] == .left ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
      return "  " + String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}

extension String {
  /// At most `width` characters: the middle gives way, since names differ at their ends.
  func shortened(to width: Int) -> String {
    guard count > width else { return self }
    let tail = (width - 1) * 2 / 3
    return prefix(width - 1 - tail) + "…" + suffix(tail)
  }

  /// With one character in the place of each that could steer a terminal, so that columns line up.
  var plain: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.isPrintable ? $0 : Unicode.Scalar(0xFFFD)! }))
  }
}
