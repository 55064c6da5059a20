// Knows what is in the files of a model, and lends their bytes.
//
// Opening a file reads its header and holds it against every rule of its container. From then on
// each tensor is a byte range that is known to lie within the file, and reading is only copying.

public import SystemPackage

/// The tensors of a model in one file or several, open for reading.
///
/// It may be used from several threads at once. Files stay open as long as the object lives.
public final class Checkpoint: Sendable {
  /// What kind of files it is made of, judged by their first bytes.
  public let container: Container
  /// What the files say about the model; of several, what the first one says.
  public let metadata: CheckpointMetadata
  /// The tensors in the order in which their bytes lie in the files.
  public let tensors: [TensorDescription]
  /// The file or directory, as it was named when it was opened.
  public let path: FilePath

  fileprivate let files: [InputFile]
  private let source: (any CheckpointSource)?
  private let indices: [UTF8Name: Int]

  /// The weight files, in order; an ONNX model before those with its data.
  public var parts: [FilePath] { files.map(\.path) }
  /// Bytes in the weight files when they were opened.
  public var fileSize: Int { files.reduce(0) { $0 + $1.size } }
  /// The directory that the weight files are in, and what else belongs to the model.
  public var directory: FilePath { files[0].path.containingDirectory }

  /// Opens a model and checks its headers.
  ///
  /// - Parameter path: A weight file; the first one or the index of several; or a directory with
  ///   one model in it.
  /// - Throws: ``CheckpointError``: where a file is missing or may not be read, is no checkpoint, or
  ///   breaks a rule of its container; where files do not make one model.
  public static func open(_ path: FilePath) throws(CheckpointError) -> Checkpoint {
    let found = try ModelFiles.find(path)
    let parts = try found.parts.map { part throws(CheckpointError) in try Part(part) }
    return try Checkpoint(path, parts, found.index)
  }

  private init(
    _ path: FilePath, _ parts: [Part], _ index: ShardIndex?
  ) throws(CheckpointError) {
    var tensors: [TensorDescription] = []
    var indices: [UTF8Name: Int] = [:]
    let count = parts.reduce(0) { $0 + $1.tensors.count }
    tensors.reserveCapacity(count)
    indices.reserveCapacity(count)
    let files = parts.flatMap { [$0.file] + $0.others }
    var number = 0
    for part in parts {
      guard part.container == parts[0].container else {
        throw .unrecognized(part.file.path, head: part.head)
      }
      for var tensor in part.tensors {
        if let other = indices.updateValue(tensors.count, forKey: UTF8Name(tensor.name)) {
          throw .malformed(
            part.file.path,
            Malformation(
              .duplicate, at: .init(tensor: tensor.name),
              expected: "a name that the model has once",
              found: "it in \(quoted(files[tensors[other].part].path.string)) as well"))
        }
        tensor.part += number
        tensors.append(tensor)
      }
      number += 1 + part.others.count
    }
    if let index {
      try index.check { name in indices[UTF8Name(name)].map { tensors[$0].part } }
    }
    self.path = path
    self.tensors = tensors
    self.indices = indices
    self.files = files
    source = nil
    metadata = try Checkpoint.metadata(of: parts)
    container = metadata.container
  }

  /// Another view of a model: tensors of it as they are, and others that `source` makes of several.
  package init(_ model: Checkpoint, tensors: [TensorDescription], source: any CheckpointSource) {
    path = model.path
    files = model.files
    container = model.container
    metadata = model.metadata
    self.tensors = tensors
    self.source = source
    indices = Dictionary(
      tensors.enumerated().map { (UTF8Name($1.name), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// What the first part says, without what it says of its being one.
  private static func metadata(of parts: [Part]) throws(CheckpointError) -> CheckpointMetadata {
    guard case .gguf(let entries) = parts[0].metadata else { return parts[0].metadata }
    if let count = entries[key: "split.count"]?.integer, count != parts.count, count > 1 {
      throw .notFirstPart(
        parts[0].file.path, part: (entries[key: "split.no"]?.integer ?? 0) &+ 1, of: count)
    }
    return .gguf(entries.filter { !$0.key.hasPrefix("split.") })
  }

  /// One file.
  private struct Part {
    let file: InputFile
    /// Files that have the bytes of some of its tensors.
    let others: [InputFile]
    let head: [UInt8]
    let metadata: CheckpointMetadata
    let tensors: [TensorDescription]
    var container: Container { metadata.container }

    init(_ path: FilePath) throws(CheckpointError) {
      file = try InputFile(path)
      guard file.size > 0 else { throw .empty(path) }
      head = try file.bytes(at: 0, count: min(file.size, 16))
      // A damaged file is no longer recognised by its contents: its name decides which rules it
      // is held against, so that the error says what is wrong with it.
      switch Container(head: head) ?? path.extension.flatMap(Container.init(pathExtension:)) {
      case .safetensors:
        let header = try SafetensorsHeader(reading: file)
        (metadata, tensors, others) = (.safetensors(header.metadata), header.tensors, [])
      case .gguf:
        let header = try GGUFHeader(reading: file)
        (metadata, tensors, others) = (.gguf(header.metadata), header.tensors, [])
      case .onnx:
        let onnx = try ONNXFile(reading: file)
        (metadata, tensors, others) = (.onnx(onnx.model), onnx.tensors, onnx.others)
      case nil:
        throw .unrecognized(path, head: head)
      }
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
    if let source, tensor.part < 0 {
      return try unsafe source.read(-1 - tensor.part, range, into: buffer)
    }
    do {
      try unsafe files[tensor.part].read(at: tensor.offset + range.lowerBound, into: buffer)
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

extension Checkpoint {
  /// Bytes of one of the ``parts``, be they a tensor's or not.
  package func bytes(ofPart part: Int, at offset: Int, count: Int) throws(CheckpointError)
    -> [UInt8]
  {
    try files[part].bytes(at: offset, count: count)
  }
}

/// Who has the bytes of tensors that are in no file as the engine sees them.
package protocol CheckpointSource: AnyObject, Sendable {
  /// Copies bytes of the tensor of that number, as ``Checkpoint/read(_:_:into:)`` does.
  func read(
    _ tensor: Int, _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError)
}
