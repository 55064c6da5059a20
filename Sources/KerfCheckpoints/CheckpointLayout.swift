// Knows where everything goes in a file that is about to be written.
//
// Names, formats and shapes decide every offset, so a layout exists before the first tensor has
// been converted, and tensors may be written in any order, from several threads.

public import KerfElements
public import SystemPackage

/// The header of a checkpoint and the place of every tensor in it.
///
/// Bytes of the file that belong neither to the header nor to a tensor are padding, and must be
/// zero, as they are in a new ``AtomicFile``.
public struct CheckpointLayout: Sendable {
  /// The kind of file.
  public let container: Container
  /// The file's first bytes.
  public let header: [UInt8]
  /// The tensors in the order they were given in. Their offsets may be in another order.
  public let tensors: [TensorDescription]
  /// Bytes of the whole file, padding included.
  public let fileSize: Int

  init(
    container: Container, header: [UInt8], tensors: [TensorDescription], fileSize: Int
  ) {
    self.container = container
    self.header = header
    self.tensors = tensors
    self.fileSize = fileSize
  }

  /// The layout of a file of these tensors.
  ///
  /// - Parameters:
  ///   - path: Where the file is going to be, for errors; it is not touched.
  ///   - metadata: What the file says about itself; it decides the container as well. The
  ///     alignment that a GGUF file's own keys ask for is honoured.
  ///   - tensors: What it holds.
  /// - Throws: ``CheckpointError``: `.cannotHold` for a format that the container has no type for,
  ///   `.unwritable` for names, keys, shapes or an alignment that break its rules.
  public init(
    path: FilePath, metadata: CheckpointMetadata,
    tensors: [(name: String, format: Format, shape: Shape)]
  ) throws(CheckpointError) {
    let container = metadata.container
    for tensor in tensors where !container.canHold(tensor.format) {
      throw .cannotHold(path, container, tensor: tensor.name, tensor.format)
    }
    do {
      let requests = try CheckpointLayout.requests(tensors, in: container)
      self =
        switch metadata {
        case .safetensors(let entries): try .safetensors(entries, requests)
        case .gguf(let entries): try .gguf(entries, requests)
        case .onnx: try CheckpointLayout.onnx()
        }
    } catch {
      throw .unwritable(path, error)
    }
  }

  /// A tensor that is to be placed, and how many bytes it takes.
  struct Request {
    let name: String
    let format: Format
    let shape: Shape
    let byteCount: Int

    /// The tensor at `offset` from the start of the file.
    func placed(at offset: Int) -> TensorDescription {
      TensorDescription(
        name: name, format: format, shape: shape, offset: offset, byteCount: byteCount)
    }
  }

  /// The tensors and their sizes. Names must differ, in keeping with what every reader demands.
  private static func requests(
    _ tensors: [(name: String, format: Format, shape: Shape)], in container: Container
  ) throws(Malformation) -> [Request] {
    try checkNames(tensors.map(\.name)) { name in .init(tensor: name) }
    var requests: [Request] = []
    requests.reserveCapacity(tensors.count)
    for (name, format, shape) in tensors {
      guard let byteCount = container.byteCount(of: format, shape) else {
        throw Malformation(
          .shape, at: .init(tensor: name), expected: format.wholeRows,
          found: "the shape \(shape)")
      }
      requests.append(Request(name: name, format: format, shape: shape, byteCount: byteCount))
    }
    return requests
  }

  /// Checks that no name occurs twice.
  static func checkNames(
    _ names: [String], place: (String) -> Malformation.Place
  ) throws(Malformation) {
    var seen: Set<UTF8Name> = []
    for name in names where !seen.insert(UTF8Name(name)).inserted {
      throw Malformation(
        .duplicate, at: place(name), expected: "names that differ", found: "this one twice")
    }
  }

  /// The sum of two byte counts that must not overflow.
  static func sum(_ a: Int, _ b: Int, of tensor: String) throws(Malformation) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    if overflow {
      throw Malformation(
        .length, at: .init(tensor: tensor), expected: "a file of at most \(Int.max) bytes",
        found: "more")
    }
    return sum
  }
}
