public import KerfCodecs
internal import KerfDispatch
internal import KerfElements
internal import Synchronization

extension QuantizedTensor {
  /// What these blocks lost against the tensor they were made of.
  ///
  /// - Parameters:
  ///   - original: The tensor before quantization, of the same shape.
  ///   - threads: Threads to work on; the figures do not depend on it.
  /// - Throws: ``CodecError/shapeMismatch(expected:found:)``; ``CodecError/notComputed(_:)`` for a
  ///   format without kernels.
  public func loss(against original: Tensor, threads: Int? = nil) throws(CodecError) -> Loss {
    guard original.shape == shape else {
      throw .shapeMismatch(expected: original.shape, found: shape)
    }
    let table = try KernelTable.current()
    guard let reference = table.codec(original.elementType.format) else {
      throw .notComputed(original.elementType.format)
    }
    guard let candidate = table.codec(format) else { throw .notComputed(format) }

    let tile = Format.length(about: Transcoder.tile, of: [format])
    let piece = max(1, 16 * Transcoder.tile / tile) * tile
    let count = shape.count
    let referenceFormat = original.elementType.format
    let pieces = (count + piece - 1) / piece
    let partial = Mutex([LossAccumulator](repeating: LossAccumulator(), count: pieces))
    original.withUnsafeBytes { x in
      withUnsafeBytes { y in
        guard count > 0 else { return }
        let xs = Address(x.baseAddress!)
        let ys = Address(y.baseAddress!)
        Threads.forEach(pieces, threads: threads ?? Threads.defaultCount) { index in
          let a = AlignedBuffer(byteCount: tile * 4)
          let b = AlignedBuffer(byteCount: tile * 4)
          var losses = LossAccumulator()
          var start = index * piece
          let end = min(start + piece, count)
          while start < end {
            let length = min(tile, end - start)
            reference.decode(
              xs.pointer + start * referenceFormat.bytesPerBlock, a.pointer(to: Float.self), length)
            candidate.decode(
              ys.pointer + start / format.elementsPerBlock * format.bytesPerBlock,
              b.pointer(to: Float.self), length / format.elementsPerBlock)
            let sums = table.loss(a.pointer(to: Float.self), b.pointer(to: Float.self), length)
            losses.add(sums, count: length)
            start += length
          }
          partial.withLock { $0[index] = losses }
        }
      }
    }
    return partial.withLock { pieces in
      var total = LossAccumulator()
      for piece in pieces { total.add(piece) }
      return total.loss
    }
  }
}
