// Knows how a JSON file is read: whole, as none that comes with a model is large.

package import SystemPackage

extension JSONValue {
  /// Longest file that is read as one value.
  private static let maximumByteCount = 100_000_000

  /// The value of a whole file, such as a config.json.
  /// - Throws: ``CheckpointError``: `.notFound`, `.malformed` with the offset of what is no JSON, or
  ///   what the system reports.
  package init(contentsOf path: FilePath) throws(CheckpointError) {
    let file = try InputFile(path)
    guard file.size <= JSONValue.maximumByteCount else {
      throw .malformed(
        path,
        Malformation(
          .length, at: .init(offset: 0), expected: "at most \(JSONValue.maximumByteCount) bytes",
          found: "\(file.size)"))
    }
    let bytes = try file.bytes(at: 0, count: file.size)
    do {
      try self.init(parsing: bytes)
    } catch {
      throw .malformed(path, error)
    }
  }
}
