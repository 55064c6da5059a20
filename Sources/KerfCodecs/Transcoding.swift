// Whole tensors in memory, in pieces that threads take side by side.

internal import KerfDispatch
internal import KerfElements

/// Bytes of `shape` in `format`; throws what a user can be told of a shape that has none.
func byteCount(of shape: Shape, in format: Format) throws(CodecError) -> Int {
  guard shape.columns % format.elementsPerBlock == 0 else {
    throw .unalignedRow(format, columns: shape.columns)
  }
  guard let count = format.byteCount(for: shape) else { throw .tooLarge(shape, format) }
  return count
}

/// The elements of `storage` in another format.
func transcoded(
  from source: Format, to target: Format, rounding: Rounding = .optimal,
  importance: Importance? = nil, shape: Shape, _ storage: TensorStorage,
  threads: Int = Threads.defaultCount
) throws(CodecError) -> TensorStorage {
  if let importance {
    guard rounding == .optimal else { throw .importanceOfReference }
    guard importance.fits(shape) else {
      throw .importance(
        "\(importance.columns) columns of \(importance.matrices) matrices for a tensor of \(shape)")
    }
  }
  let transcoder = try Transcoder(
    from: source, to: target, rounding: rounding, table: .current())
  let bytes = try byteCount(of: shape, in: target)
  let piece = transcoder.pieceLength
  return TensorStorage(byteCount: bytes) { buffer in
    guard shape.count > 0 else { return }
    let input = Address(storage.bytes.baseAddress!)
    let output = MutableAddress(buffer.baseAddress!)
    Threads.forEach((shape.count + piece - 1) / piece, threads: threads) { index in
      let start = index * piece
      let from = input.pointer + start / source.elementsPerBlock * source.bytesPerBlock
      let to = output.pointer + start / target.elementsPerBlock * target.bytesPerBlock
      let count = min(piece, shape.count - start)
      if let importance, transcoder.takesImportance {
        // A search takes longer than writing through the caches does.
        transcoder.run(
          from, to, count: count, scratch: Transcoder.Scratch(for: transcoder),
          weights: Transcoder.Weights(importance, shape: shape, from: start), measured: nil)
      } else {
        transcoder.run(
          from, to, count: count, scratch: Transcoder.Scratch(for: transcoder),
          pastCaches: transcoder.isLarge(shape.count))
      }
    }
  }
}

/// A pointer that threads may share: they write to places of their own.
package struct MutableAddress: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
}

/// A pointer that threads may share.
package struct Address: @unchecked Sendable {
  package let pointer: UnsafeRawPointer
  package init(_ pointer: UnsafeRawPointer) { self.pointer = pointer }
}
