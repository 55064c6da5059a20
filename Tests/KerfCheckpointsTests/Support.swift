// What the tests share: files that come and go, bytes put together by hand, and the one thing that
// is asked of every message.

import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A directory that is removed with everything in it.
final class TemporaryDirectory {
  let path: FilePath

  init() {
    let template = (getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp") + "/kerf-test-XXXXXX"
    var name = Array(template.utf8CString)
    precondition(mkdtemp(&name) != nil, "no temporary directory")
    path = FilePath(platformString: name)
  }

  deinit {
    for name in contents { unlink(path.appending(name).string) }
    rmdir(path.string)
  }

  /// The names of what is in it, hidden files too, in order.
  var contents: [String] { TemporaryDirectory.contents(of: path.string) }

  static func contents(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// A file of these bytes.
  @discardableResult
  func file(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let file = path.appending(name)
    let descriptor = try FileDescriptor.open(
      file, .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
    try descriptor.closeAfter { _ = try descriptor.writeAll(bytes) }
    return file
  }
}

/// The error that opening a file of these bytes ends in, or `nil` where it opens.
func errorOpening(_ bytes: [UInt8], as name: String) throws -> CheckpointError? {
  let directory = TemporaryDirectory()
  return errorOpening(try directory.file(name, bytes))
}

/// The error that opening the file ends in, one line that names it, or `nil` where it opens.
func errorOpening(_ path: FilePath) -> CheckpointError? {
  do {
    _ = try Checkpoint.open(path)
    return nil
  } catch {
    expectOneLine(error, naming: path)
    return error
  }
}

/// Checks that the bytes are refused, for this reason, in one line that names the file.
func expectRefusal(
  _ bytes: [UInt8], as name: String, _ reason: Malformation.Reason, _ what: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let error = try errorOpening(bytes, as: name)
  guard case .malformed(_, let fault) = error else {
    Issue.record(
      "\(what): \(String(describing: error)) is not .malformed", sourceLocation: sourceLocation)
    return
  }
  #expect(fault.reason == reason, "\(what): \(fault)", sourceLocation: sourceLocation)
}

/// Checks that the message is one line, and names the file.
func expectOneLine(
  _ error: CheckpointError, naming path: FilePath,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let message = "\(error)"
  #expect(error.path == path, sourceLocation: sourceLocation)
  #expect(message.hasPrefix("\(path): "), sourceLocation: sourceLocation)
  #expect(!message.contains { $0.isNewline }, "\(message)", sourceLocation: sourceLocation)
  #expect(message.utf8.count < 2000, sourceLocation: sourceLocation)
}

/// Writes a checkpoint whose tensors hold bytes that differ from one to the next.
func write(
  _ path: FilePath, _ metadata: CheckpointMetadata,
  _ tensors: [(name: String, format: Format, shape: Shape)]
) throws -> CheckpointLayout {
  let layout = try CheckpointLayout(path: path, metadata: metadata, tensors: tensors)
  let file = try AtomicFile(at: path, byteCount: layout.fileSize, replacing: false)
  try file.write(layout.header, at: 0)
  for (index, tensor) in layout.tensors.enumerated() {
    try file.write(sampleBytes(index, tensor.byteCount), at: tensor.offset)
  }
  try file.commit()
  return layout
}

/// The bytes that ``write(_:_:_:)`` gives to the tensor of that index.
func sampleBytes(_ index: Int, _ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index &* 31 &+ 1) }
}

/// Numbers that are the same in every run (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// An integer as files have it.
func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
