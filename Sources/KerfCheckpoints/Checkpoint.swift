// Knows what is in a file of tensors, and lends its bytes.
//
// Opening a file reads its header and holds it against every rule of its container. From then on
// each tensor is a byte range that is known to lie within the file, and reading is only copying.

public import SystemPackage

/// A file of tensors, open for reading.
///
/// It may be used from several threads at once. The file stays open as long as the object lives.
public final class Checkpoint: Sendable {
  /// What kind of file it is, judged by its first bytes.
  public let container: Container
  /// What the file says about itself.
  public let metadata: CheckpointMetadata
  /// The tensors in the order in which their bytes lie in the file.
  public let tensors: [TensorDescription]
  /// Bytes in the file when it was opened.
  public var fileSize: Int { file.size }
  /// The file, as it was named when it was opened.
  public var path: FilePath { file.path }

  private let file: InputFile
  private let indices: [UTF8Name: Int]

  private init(_ file: InputFile, _ metadata: CheckpointMetadata, _ tensors: [TensorDescription]) {
    self.file = file
    self.metadata = metadata
    self.tensors = tensors
    container = metadata.container
    indices = Dictionary(
      uniqueKeysWithValues: tensors.enumerated().map { (UTF8Name($1.name), $0) })
  }

  /// Opens the file at `path` and checks its header.
  ///
  /// - Throws: ``CheckpointError``: where the file is missing or may not be read, is no
  ///   checkpoint, or breaks a rule of its container.
  public static func open(_ path: FilePath) throws(CheckpointError) -> Checkpoint {
    let file = try InputFile(path)
    guard file.size > 0 else { throw .empty(path) }
    let head = try file.bytes(at: 0, count: min(file.size, 16))
    // A damaged file is no longer recognised by its contents: its name decides which rules it
    // is held against, so that the error says what is wrong with it.
    let container = Container(head: head) ?? path.extension.flatMap(Container.init(pathExtension:))
    switch container {
    case .safetensors:
      let header = try SafetensorsHeader(reading: file)
      return Checkpoint(file, .safetensors(header.metadata), header.tensors)
    case .gguf:
      let header = try GGUFHeader(reading: file)
      return Checkpoint(file, .gguf(header.metadata), header.tensors)
    case nil:
      throw .unrecognized(path, head: head)
    }
  }

  /// The tensor of that name, compared byte by byte, or `nil` where there is none.
  public func tensor(named name: String) -> TensorDescription? {
    indices[UTF8Name(name)].map { tensors[$0] }
  }

  /// Copies bytes of a tensor.
  ///
  /// - Parameters:
  ///   - tensor: One of this checkpoint's ``tensors``.
  ///   - range: Which of its bytes, counted from the tensor's first.
  ///   - buffer: Where they go.
  /// - Precondition: `range` lies within the tensor, and `buffer` is as long as `range`.
  /// - Throws: ``CheckpointError``: `.malformed` with reason `truncated` where the file has become
  ///   shorter since it was opened, or what the system reports.
  public func read(
    _ tensor: TensorDescription, _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= tensor.byteCount,
      "bytes \(range) of a tensor of \(tensor.byteCount) bytes")
    precondition(
      range.count == buffer.count, "\(range.count) bytes into a buffer of \(buffer.count)")
    do {
      try unsafe file.read(at: tensor.offset + range.lowerBound, into: buffer)
    } catch .malformed(let path, var fault) {
      fault.place.tensor = tensor.name
      throw .malformed(path, fault)
    }
  }

  /// The bytes of a tensor, or those of them in `range`.
  ///
  /// - Precondition: `range` lies within the tensor.
  /// - Throws: ``CheckpointError``, as ``read(_:_:into:)`` does.
  public func bytes(
    of tensor: TensorDescription, _ range: Range<Int>? = nil
  ) throws(CheckpointError) -> [UInt8] {
    let range = range ?? 0..<tensor.byteCount
    var result = [UInt8](repeating: 0, count: range.count)
    var span = result.mutableSpan
    try unsafe span.withUnsafeMutableBytes { buffer throws(CheckpointError) in
      try unsafe read(tensor, range, into: buffer)
    }
    return result
  }
}
