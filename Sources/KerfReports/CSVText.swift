/// How rows become CSV (RFC 4180): one way for every report.
enum CSVText {
  /// The text of rows of cells, the names of the columns first.
  static func text(_ rows: [[String]]) -> String {
    rows.map { $0.map(field).joined(separator: ",") + "\r\n" }.joined()
  }

  /// The number as it is, or nothing where there is none.
  static func number<Number: CustomStringConvertible>(_ number: Number?) -> String {
    number.map(\.description) ?? ""
  }

  private static func field(_ text: String) -> String {
    let special: [UInt8] = Array(",\"\r\n".utf8)
    guard text.utf8.contains(where: special.contains) else { return text }
    return "\""
      + text.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
