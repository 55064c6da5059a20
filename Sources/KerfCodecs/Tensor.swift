internal import KerfDispatch
public import KerfElements

/// Weights or activations in memory: f32, f16 or bf16, row-major, the last dimension contiguous.
///
/// ```swift
/// let tensor = try Tensor(shape: [4096, 4096], float16: pointer)
/// let quantized = try tensor.quantized(as: .q4_0)
/// ```
public struct Tensor: Sendable {
  /// Extents, outermost first.
  public let shape: Shape
  /// What each element is.
  public let elementType: ElementType
  package private(set) var storage: TensorStorage

  package init(shape: Shape, elementType: ElementType, storage: TensorStorage) {
    self.shape = shape
    self.elementType = elementType
    self.storage = storage
  }

  /// A tensor that owns a copy of `values`, row-major.
  /// - Throws: ``CodecError/byteCount(expected:found:)`` where there are more or fewer values than
  ///   the shape has elements.
  public init(shape: Shape, _ values: [Float]) throws(CodecError) {
    guard values.count == shape.count else {
      throw .byteCount(expected: shape.count * 4, found: values.count * 4)
    }
    self.init(
      shape: shape, elementType: .float32,
      storage: TensorStorage(byteCount: values.count * 4) { target in
        values.withUnsafeBytes { target.copyMemory(from: $0) }
      })
  }

  /// A tensor over the caller's memory, which must hold `shape.count` IEEE halves and stay unchanged
  /// while the tensor or a copy of it lives.
  public init(shape: Shape, float16 pointer: UnsafeRawPointer) throws(CodecError) {
    try self.init(shape: shape, elementType: .float16, borrowing: pointer)
  }

  /// A tensor over the caller's memory, which must hold `shape.count` bfloat16 numbers and stay
  /// unchanged while the tensor or a copy of it lives.
  public init(shape: Shape, bfloat16 pointer: UnsafeRawPointer) throws(CodecError) {
    try self.init(shape: shape, elementType: .bfloat16, borrowing: pointer)
  }

  /// A tensor over the caller's memory, which must hold `shape.count` floats and stay unchanged
  /// while the tensor or a copy of it lives.
  public init(shape: Shape, float32 pointer: UnsafePointer<Float>) throws(CodecError) {
    try self.init(shape: shape, elementType: .float32, borrowing: pointer)
  }

  private init(
    shape: Shape, elementType: ElementType, borrowing pointer: UnsafeRawPointer
  ) throws(CodecError) {
    guard let byteCount = elementType.format.byteCount(for: shape) else {
      throw .tooLarge(shape, elementType.format)
    }
    self.init(
      shape: shape, elementType: elementType,
      storage: TensorStorage(
        borrowing: UnsafeRawBufferPointer(start: pointer, count: byteCount)))
  }

  /// The elements as floats, row-major.
  public func floats() throws(CodecError) -> [Float] {
    let restored = try transcoded(from: elementType.format, to: .f32, shape: shape, storage)
    return [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: restored.bytes)
      count = shape.count
    }
  }

  /// The raw elements, lent for the duration of `body`.
  public func withUnsafeBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(storage.bytes)
  }

  /// Lends the raw elements to be changed. Memory that others hold as well is replaced first; with
  /// `keeping`, by a copy.
  package mutating func withOwnBytes<Failure: Error>(
    keeping: Bool, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    if !isKnownUniquelyReferenced(&storage) || storage.ownBytes == nil {
      let old = storage.bytes
      storage = TensorStorage(byteCount: old.count) { if keeping { $0.copyMemory(from: old) } }
    }
    try body(storage.ownBytes!)
  }

  /// This tensor in blocks of `format`.
  ///
  /// - Parameters:
  ///   - format: A format that the engine computes with; its blocks run along the last dimension.
  ///   - rounding: Least squared error, or the bytes that the public reference code writes.
  ///   - importance: How much errors count, column by column; all alike where it is absent. Scalars,
  ///     and formats without a search of that kind, are made without it.
  ///   - threads: Threads to work on; the result does not depend on it.
  /// - Throws: ``CodecError/unalignedRow(_:columns:)`` where rows do not end on a block,
  ///   ``CodecError/notComputed(_:)`` for a format without kernels,
  ///   ``CodecError/notEncodable(_:)`` for one that can only be read,
  ///   ``CodecError/importance(_:)`` for importance of another shape,
  ///   ``CodecError/importanceOfReference`` for importance with reference rounding.
  public func quantized(
    as format: Format, rounding: Rounding = .optimal, importance: Importance? = nil,
    threads: Int? = nil
  ) throws(CodecError) -> QuantizedTensor {
    let bytes = try transcoded(
      from: elementType.format, to: format, rounding: rounding, importance: importance,
      shape: shape, storage, threads: threads ?? Threads.defaultCount)
    return QuantizedTensor(format: format, shape: shape, storage: bytes)
  }
}
