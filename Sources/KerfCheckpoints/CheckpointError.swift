public import KerfElements
public import SystemPackage

/// Why a checkpoint could not be read or written. Its description is one line that names the file.
public enum CheckpointError: Error, Sendable, Hashable {
  /// There is no such file.
  case notFound(FilePath)
  /// The directory that a file was to be written to does not exist.
  case directoryNotFound(FilePath, directory: FilePath)
  /// The file, or the directory it was to be written to, may not be used by this user.
  case permissionDenied(FilePath)
  /// There is a directory where a file was expected.
  case isDirectory(FilePath)
  /// There is something that is neither a file nor a directory: a device, a pipe.
  case notRegularFile(FilePath)
  /// The file exists, and was not to be replaced.
  case alreadyExists(FilePath)
  /// What is to be replaced by a directory of files is something else, or has `found` in it.
  case notReplaceable(FilePath, found: String)
  /// The disk, or the user's share of it, has no room for `byteCount` bytes.
  case noSpace(FilePath, byteCount: Int)
  /// The system refused `operation` for another reason.
  case system(FilePath, operation: String, Errno)
  /// The file has no bytes.
  case empty(FilePath)
  /// The file begins with `head` (at most 16 bytes), as no known container does.
  case unrecognized(FilePath, head: [UInt8])
  /// A directory that has no weight file that can be read.
  case noWeights(FilePath, found: [String])
  /// A directory that has several weight files, which nothing says to belong together.
  case severalModels(FilePath, names: [String])
  /// One of the files of a model that the others, or the index, speak of.
  case missingPart(FilePath, of: FilePath)
  /// A part of a model in several files that is not the first.
  case notFirstPart(FilePath, part: Int, of: Int)
  /// The file's contents break a rule of its container.
  case malformed(FilePath, Malformation)
  /// The container has no type for a tensor's format.
  case cannotHold(FilePath, Container, tensor: String, Format)
  /// What was to be written breaks a rule of its container.
  case unwritable(FilePath, Malformation)

  /// The file it concerns.
  public var path: FilePath {
    switch self {
    case .notFound(let path), .directoryNotFound(let path, _), .permissionDenied(let path),
      .isDirectory(let path), .notRegularFile(let path), .alreadyExists(let path),
      .noSpace(let path, _), .system(let path, _, _), .empty(let path),
      .unrecognized(let path, _), .malformed(let path, _), .cannotHold(let path, _, _, _),
      .unwritable(let path, _), .noWeights(let path, _), .severalModels(let path, _),
      .missingPart(let path, _), .notReplaceable(let path, _),
      .notFirstPart(let path, _, _):
      path
    }
  }

  /// What a refused system call means; `byteCount` is what was to be stored.
  init(_ path: FilePath, _ operation: String, _ errno: Errno, byteCount: Int = 0) {
    switch errno {
    case .noSuchFileOrDirectory: self = .notFound(path)
    case .permissionDenied, .notPermitted: self = .permissionDenied(path)
    case .isDirectory: self = .isDirectory(path)
    case .fileExists: self = .alreadyExists(path)
    case .noSpace, .diskQuotaExceeded: self = .noSpace(path, byteCount: byteCount)
    default: self = .system(path, operation: operation, errno)
    }
  }
}

extension CheckpointError: CustomStringConvertible {
  /// One line: the file, the place in it, what was expected and what was found.
  public var description: String {
    "\(path.string.printable): \(explanation)"
  }

  private var explanation: String {
    switch self {
    case .notFound: "no such file"
    case .directoryNotFound(_, let directory):
      "there is no directory \(quoted(directory.string)) to write it to"
    case .permissionDenied: "permission denied"
    case .isDirectory: "expected a file, found a directory"
    case .notRegularFile: "expected a file, found a device, pipe or socket"
    case .alreadyExists: "already exists"
    case .notReplaceable(_, let found):
      "expected a directory of a model, which may be replaced, found \(quoted(found))"
    case .noSpace(_, let byteCount):
      byteCount > 0 ? "no space left on the disk for \(byteCount) bytes" : "no space left on disk"
    case .system(_, let operation, let errno): "could not \(operation): \(errno)"
    case .empty: "expected a checkpoint, found an empty file"
    case .unrecognized(_, let head):
      "expected a safetensors, GGUF or ONNX file, found \(CheckpointError.guess(head))"
    case .noWeights(_, let found):
      "expected .safetensors, .gguf or .onnx files in the directory, found "
        + (found.isEmpty ? "none" : found.prefix(3).map(quoted).joined(separator: ", ") + " only")
    case .severalModels(_, let names):
      "expected one model in the directory, found \(names.count) weight files: name one of them: "
        + names.prefix(5).map(quoted).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    case .missingPart(_, let whole): "there is no such file, which \(quoted(whole.string)) needs"
    case .notFirstPart(_, let part, let count):
      "part \(part) of \(count): expected the first, named like "
        + quoted(PartName(stem: "model", number: 1, count: count, ending: "gguf").name(of: 1))
        + ", and the others beside it"
    case .malformed(_, let fault): fault.description
    case .cannotHold(_, let container, let tensor, let format):
      "tensor \(quoted(tensor)): \(container) cannot hold \(format), "
        + "it holds \(container.heldFormats.map(\.name).joined(separator: ", "))"
    case .unwritable(_, let fault): "cannot be written: \(fault)"
    }
  }

  /// What a file that begins with `head` probably is.
  private static func guess(_ head: [UInt8]) -> String {
    let known: [(magic: [UInt8], name: String)] = [
      (Array("PK\u{3}\u{4}".utf8), "a zip archive (a PyTorch checkpoint?)"),
      ([0x80, 0x02], "a Python pickle (a PyTorch checkpoint?)"),
      ([0x89] + Array("HDF".utf8), "an HDF5 file"),
      (Array("version https://".utf8), "a Git LFS pointer: the file itself was not downloaded"),
      (Array("ggml".utf8.reversed()), "a GGML file, which came before GGUF"),
      (Array("ggjt".utf8.reversed()), "a GGJT file, which came before GGUF"),
      (Array("{".utf8), "text that may be JSON"),
    ]
    if let match = known.first(where: { head.starts(with: $0.magic) }) { return match.name }
    return "bytes \(hexadecimal(head.prefix(8)))"
  }
}
