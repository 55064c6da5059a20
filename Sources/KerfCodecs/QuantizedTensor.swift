public import KerfElements

/// A tensor whose rows are stored in blocks of a format.
public struct QuantizedTensor: Sendable {
  /// How the elements are stored.
  public let format: Format
  /// Extents in elements, outermost first.
  public let shape: Shape
  package let storage: TensorStorage

  package init(format: Format, shape: Shape, storage: TensorStorage) {
    self.format = format
    self.shape = shape
    self.storage = storage
  }

  /// A tensor that owns a copy of `bytes`, blocks row after row as files hold them.
  /// - Throws: ``CodecError/unalignedRow(_:columns:)``, ``CodecError/byteCount(expected:found:)``.
  public init(format: Format, shape: Shape, bytes: UnsafeRawBufferPointer) throws(CodecError) {
    let expected = try KerfCodecs.byteCount(of: shape, in: format)
    guard expected == bytes.count else {
      throw .byteCount(expected: expected, found: bytes.count)
    }
    self.init(
      format: format, shape: shape,
      storage: TensorStorage(byteCount: bytes.count) { $0.copyMemory(from: bytes) })
  }

  /// Bytes that the blocks occupy.
  public var byteCount: Int { storage.bytes.count }

  /// The blocks, row after row as files hold them, lent for the duration of `body`.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(storage.bytes)
  }

  /// The elements that the blocks stand for.
  /// - Throws: ``CodecError/notComputed(_:)`` for a format without kernels.
  public func dequantized(
    as elementType: ElementType = .float32, threads: Int? = nil
  ) throws(CodecError) -> Tensor {
    let bytes = try transcoded(
      from: format, to: elementType.format, shape: shape, storage,
      threads: threads ?? Threads.defaultCount)
    return Tensor(shape: shape, elementType: elementType, storage: bytes)
  }

  /// The same tensor in another format, straight from these blocks. What the first quantization
  /// took does not come back.
  /// - Throws: As ``Tensor/quantized(as:rounding:importance:threads:)``.
  public func requantized(
    as format: Format, rounding: Rounding = .optimal, importance: Importance? = nil,
    threads: Int? = nil
  ) throws(CodecError) -> QuantizedTensor {
    let bytes = try transcoded(
      from: self.format, to: format, rounding: rounding, importance: importance, shape: shape,
      storage, threads: threads ?? Threads.defaultCount)
    return QuantizedTensor(format: format, shape: shape, storage: bytes)
  }
}
