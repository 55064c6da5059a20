// Knows the older form of importance matrices, which has neither magic nor version.
//
//   i32 entries
//   per entry    i32 length, name, i32 calls, i32 values, f32 for each of them
//   at the end   i32 chunks, i32 length, name of the text; older files lack one or both
//
// All is little-endian. Values are sums over calls.

struct LegacyImportance {
  private(set) var entries: [ImportanceFile.Entry] = []
  private(set) var chunkCount: Int?
  private(set) var dataset: String?

  /// Longest name of a tensor or of a text, in bytes.
  private static let longestName = 4096
  /// What an entry takes at least: three numbers, a letter and a value.
  private static let leastEntry = 17

  init(reading file: InputFile) throws(CheckpointError) {
    // Sums of many experts may take gigabytes, but are only passed over.
    var cursor = HeaderCursor(file, maximumLength: .max)
    let count = try Self.number(&cursor, "number of entries", 1, cursor.remaining / Self.leastEntry)
    var names: Set<UTF8Name> = []
    for _ in 0..<count {
      cursor.place.tensor = nil
      let start = cursor.offset
      let name = try Self.text(&cursor, "name", atLeast: 1)
      cursor.place.tensor = name
      guard names.insert(UTF8Name(name)).inserted else {
        throw cursor.fault(
          .duplicate, at: start, expected: "a name that the file has once", found: "it again")
      }
      let calls = try cursor.integer("number of calls", as: Int32.self)
      let values = try Self.number(&cursor, "number of values", 1, cursor.remaining / 4)
      entries.append(
        ImportanceFile.Entry(
          name: name, valueCount: values, countCount: 1, values: .file(offset: cursor.offset),
          // Files without calls have means already.
          counts: .known(Float(max(calls, 1)))))
      try cursor.skip(values * 4, "values")
    }
    cursor.place.tensor = nil
    if cursor.remaining > 0 {
      let chunks = try cursor.integer("number of chunks", as: Int32.self)
      chunkCount = chunks > 0 ? Int(chunks) : nil
    }
    if cursor.remaining > 0 {
      let text = try Self.text(&cursor, "name of the text", atLeast: 0)
      dataset = text.isEmpty ? nil : text
    }
    guard cursor.remaining == 0 else {
      throw cursor.fault(
        .trailingData, expected: "the end of an importance matrix",
        found: "\(cursor.remaining) more bytes")
    }
  }

  private static func number(
    _ cursor: inout HeaderCursor, _ what: StaticString, _ least: Int, _ most: Int
  ) throws(CheckpointError) -> Int {
    let start = cursor.offset
    let number = Int(try cursor.integer(what, as: Int32.self))
    guard number >= least, number <= most else {
      throw cursor.fault(
        .length, at: start,
        expected:
          "an importance matrix, whose \(what) is from \(least) to \(max(least, most)) here",
        found: "\(number)")
    }
    return number
  }

  private static func text(
    _ cursor: inout HeaderCursor, _ what: StaticString, atLeast least: Int
  ) throws(CheckpointError) -> String {
    let start = cursor.offset
    let length = try number(&cursor, what, least, min(longestName, cursor.remaining))
    guard let text = String(validating: try cursor.bytes(length, what), as: UTF8.self) else {
      throw cursor.fault(
        .encoding, at: start, expected: "a \(what) in UTF-8", found: "other bytes")
    }
    return text
  }
}
