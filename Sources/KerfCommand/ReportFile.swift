import ArgumentParser
import Kerf
import SystemPackage

/// A file that a report goes to, and as what.
struct ReportFile {
  enum Kind: String {
    case json, csv, html

    /// The kind that the ending of `path` names.
    init(path: String) throws {
      guard
        let kind = FilePath(path).extension.flatMap({ Kind(rawValue: $0.lowercased()) })
      else {
        throw ValidationError(
          "--report \(path): expected a file ending in .json, .csv or .html")
      }
      self = kind
    }
  }

  private let path: FilePath
  private let kind: Kind

  /// A file at `path`, of the kind that its ending names where `kind` is `nil`.
  ///
  /// - Parameters:
  ///   - option: The option that the user named it with.
  ///   - others: Models and files that the command reads or makes, which it must not be, nor a file
  ///     of theirs.
  init(
    _ path: String, as kind: Kind? = nil, option: String = "--report", apartFrom others: [String]
  ) throws {
    self.path = FilePath(path)
    self.kind = try kind ?? Kind(path: path)
    for other in others.map({ FilePath($0) }) {
      if other == self.path || other.isSameFile(as: self.path) {
        throw Terminal.failure("\(option) \(path): is the input or the output")
      }
      if Checkpoint.isFile(self.path, of: other) {
        throw Terminal.failure(
          "\(option) \(path): is a file of \(other); expected a place outside of it")
      }
    }
    // A place that cannot be written to is found out now, not after the work.
    do {
      try AtomicFile(at: self.path, byteCount: 0, replacing: true).discard()
    } catch {
      throw Terminal.failure(error)
    }
  }

  /// Writes the report, replacing an earlier one.
  func write(_ report: some WritableReport) throws {
    let text =
      switch kind {
      case .json: report.json + "\n"
      case .csv: report.csv
      case .html: report.html
      }
    try write(text: text)
  }

  /// Writes what is text already, replacing an earlier file.
  func write(text: String) throws {
    let bytes = Array(text.utf8)
    do {
      let file = try AtomicFile(at: path, byteCount: bytes.count, replacing: true)
      try file.write(bytes, at: 0)
      try file.commit(isLasting: false)
    } catch {
      throw Terminal.failure(error)
    }
  }
}
