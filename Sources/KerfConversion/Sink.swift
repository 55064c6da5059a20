// Where the bytes of a conversion go.

internal import KerfCheckpoints
internal import KerfElements
internal import KerfLayouts

/// A file or a directory that is being written, and appears when it is complete.
protocol Sink: Sendable {
  /// Writes some of a tensor's blocks.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks.
  ///   - offset: Where they begin, counted from the tensor's first byte.
  ///   - spare: Memory of at least as many bytes and a hundred more, for whoever has to move them.
  func write(
    _ bytes: UnsafeRawBufferPointer, of tensor: Int, at offset: Int,
    spare: UnsafeMutableRawPointer
  ) throws(ConversionError)

  /// Gives the output its name.
  func commit() throws(ConversionError)
}

struct FileSink: Sink {
  let file: AtomicFile
  let placed: [TensorDescription]

  func write(
    _ bytes: UnsafeRawBufferPointer, of tensor: Int, at offset: Int,
    spare: UnsafeMutableRawPointer
  ) throws(ConversionError) {
    do { try file.write(bytes, at: placed[tensor].offset + offset) } catch {
      throw .checkpoint(error)
    }
  }

  func commit() throws(ConversionError) {
    do { try file.commit() } catch { throw .checkpoint(error) }
  }
}

struct ModelSink: Sink {
  let writer: ModelWriter

  func write(
    _ bytes: UnsafeRawBufferPointer, of tensor: Int, at offset: Int,
    spare: UnsafeMutableRawPointer
  ) throws(ConversionError) {
    try laidOut { () throws(LayoutError) in
      switch writer.plan.places[tensor] {
      case .plain:
        try writer.write(tensor, bytes, at: offset)
      case .arranged(_, let arrangement, _):
        guard let blocks = bytes.baseAddress else { return }
        let size = arrangement.format.byteCount
        try writer.write(
          tensor, groups: offset / size..<(offset + bytes.count) / size, blocks, through: spare)
      }
    }
  }

  func commit() throws(ConversionError) {
    try laidOut { () throws(LayoutError) in try writer.commit() }
  }
}

/// Runs `body`, its error made into a ``ConversionError``.
func laidOut<Result>(
  _ body: () throws(LayoutError) -> Result
) throws(ConversionError) -> Result {
  do {
    return try body()
  } catch .checkpoint(let error) {
    throw .checkpoint(error)
  } catch {
    throw .layout(error)
  }
}
