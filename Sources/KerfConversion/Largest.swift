// The largest weight of a tensor, which some layouts want to know before the first one is encoded.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements

enum Largest {
  /// max |x| of tensors, by their numbers; elements that are not finite do not count.
  static func magnitudes(
    of tensors: [Int], in input: Checkpoint, threads: Int, _ table: KernelTable
  ) throws(ConversionError) -> [Int: Float] {
    var found: [Int: Float] = [:]
    let pieces = Pieces(
      elements: tensors.map { input.tensors[$0].shape.count },
      lengths: tensors.map { Pieces.length(of: input.tensors[$0].format) })
    let longest = pieces.longest
    try pieces.forEach(
      threads: threads,
      prepare: {
        Buffers(
          source: AlignedBuffer(byteCount: longest * 8),
          elements: AlignedBuffer(byteCount: longest * 4))
      },
      work: { piece, buffers throws(ConversionError) -> Float in
        let tensor = input.tensors[tensors[piece.tensor]]
        let range = tensor.byteRange(piece)
        let source = buffers.source.baseAddress
        do throws(CheckpointError) {
          try input.read(
            tensor, range, into: UnsafeMutableRawBufferPointer(start: source, count: range.count))
        } catch { throw .checkpoint(error) }
        guard let codec = table.codec(tensor.format) else {
          throw .codec(.notComputed(tensor.format))
        }
        let elements = buffers.elements.pointer(to: Float.self)
        codec.decode(source, elements, piece.count / tensor.format.elementsPerBlock)
        let moments = table.moments(elements, piece.count)
        return max(moments.minimum.magnitude, moments.maximum.magnitude)
      },
      gather: { piece, magnitude in
        found[tensors[piece.tensor]] = max(found[tensors[piece.tensor]] ?? 0, magnitude)
      })
    return found
  }

  private struct Buffers: ~Copyable {
    let source: AlignedBuffer
    let elements: AlignedBuffer
  }
}
