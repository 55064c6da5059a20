public import KerfElements

/// A tensor in a file: what it is called, what its elements are and where its bytes lie.
public struct TensorDescription: Sendable, Hashable {
  /// The name, as the file spells it.
  public let name: String
  /// How the elements are stored.
  public let format: Format
  /// Extents in row-major order, the last dimension contiguous, whatever the container says.
  public let shape: Shape
  /// Where the tensor's first byte lies, counted in bytes from the start of its file.
  public let offset: Int
  /// Bytes that the tensor occupies, padding not included.
  public let byteCount: Int
  /// Which of the files of a model has the tensor, from 0; less where it is in several tensors of
  /// theirs.
  public internal(set) var part = 0
  /// Bytes that it takes in files, which may pack what the engine does not.
  public internal(set) var storedByteCount: Int

  /// A description of these properties.
  public init(name: String, format: Format, shape: Shape, offset: Int, byteCount: Int) {
    self.name = name
    self.format = format
    self.shape = shape
    self.offset = offset
    self.byteCount = byteCount
    storedByteCount = byteCount
  }

  /// The same tensor under another name.
  package func named(_ name: String) -> TensorDescription {
    var result = TensorDescription(
      name: name, format: format, shape: shape, offset: offset, byteCount: byteCount)
    (result.part, result.storedByteCount) = (part, storedByteCount)
    return result
  }

  /// A description of the tensor of that number of a ``CheckpointSource``.
  package init(
    name: String, format: Format, shape: Shape, byteCount: Int, storedByteCount: Int, number: Int
  ) {
    self.init(name: name, format: format, shape: shape, offset: 0, byteCount: byteCount)
    self.storedByteCount = storedByteCount
    part = -1 - number
  }
}
