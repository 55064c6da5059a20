import ArgumentParser
import Kerf
import SystemPackage

/// Where `--report` goes, and as what.
struct ReportFile {
  enum Kind {
    case json, csv, html

    /// The kind that the ending of `path` names.
    init(path: String) throws {
      switch FilePath(path).extension?.lowercased() {
      case "json": self = .json
      case "csv": self = .csv
      case "html": self = .html
      default: throw ValidationError("--report \(path): expected a file ending in .json or .csv")
      }
    }
  }

  private let path: FilePath
  private let kind: Kind

  init(_ path: String, input: String, output: String) throws {
    self.path = FilePath(path)
    kind = try Kind(path: path)
    if case .html = kind {
      throw Terminal.failure("--report \(path): reports as HTML are not possible yet")
    }
    let others = [FilePath(input), FilePath(output)]
    guard !others.contains(where: { $0 == self.path || $0.isSameFile(as: self.path) }) else {
      throw Terminal.failure("--report \(path): is the input or the output")
    }
    // A place that cannot be written to is found out now, not after the work.
    do {
      try AtomicFile(at: self.path, byteCount: 0, replacing: true).discard()
    } catch {
      throw Terminal.failure(error)
    }
  }

  /// Writes the report, replacing an earlier one.
  func write(_ report: LossReport) throws {
    let bytes = Array((kind == .csv ? report.csv : report.json + "\n").utf8)
    do {
      let file = try AtomicFile(at: path, byteCount: bytes.count, replacing: true)
      try file.write(bytes, at: 0)
      try file.commit(isLasting: false)
    } catch {
      throw Terminal.failure(error)
    }
  }
}
