// The streaming walk: pieces of tensors, taken side by side, written to places known beforehand.
//
//     read a piece ─→ transcode, tile by tile, with the loss ─→ write it at its offset

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
internal import KerfMetrics

struct Pipeline: Sendable {
  private let input: Checkpoint
  private let output: any Sink
  private let placed: [TensorDescription]
  private let passages: [Passage]
  private let importance: ModelImportance?
  private let isMeasuring: Bool
  private let progress: ConversionProgress
  /// Elements that a piece of each tensor has to be a multiple of.
  private let units: [Int]

  /// - Parameters:
  ///   - placed: Where the tensors of `input` go in `output`, in their order.
  ///   - units: Elements that a piece of each has to be a multiple of.
  ///   - passages: How each of them gets there.
  ///   - importance: How much errors count, where a tensor is quantized.
  init(
    input: Checkpoint, output: any Sink, placed: [TensorDescription], units: [Int],
    passages: [Passage], importance: ModelImportance?, isMeasuring: Bool,
    progress: ConversionProgress
  ) {
    self.units = units
    self.input = input
    self.output = output
    self.placed = placed
    self.passages = passages
    self.importance = importance
    self.isMeasuring = isMeasuring
    self.progress = progress
  }

  /// Does the work for some tensors, by their numbers; returns the loss of each that was measured, in
  /// that order.
  func run(
    _ tensors: some Collection<Int>, threads: Int
  ) throws(ConversionError) -> [LossAccumulator?] {
    let tensors = Array(tensors)
    var losses = [LossAccumulator?](repeating: nil, count: tensors.count)
    let pieces = Pieces(
      elements: tensors.map { input.tensors[$0].shape.count },
      lengths: tensors.map {
        Pieces.length(of: input.tensors[$0].format, placed[$0].format, unit: units[$0])
      })
    let longest = pieces.longest
    let tile = tensors.map { passages[$0].tileLength }.max() ?? 0
    try pieces.forEach(
      threads: threads, prepare: { Buffers(piece: longest, tile: tile) },
      work: { piece, buffers throws(ConversionError) in
        try convert(piece, of: tensors[piece.tensor], buffers)
      },
      gather: { piece, loss in
        guard let loss else { return }
        losses[piece.tensor, default: LossAccumulator()].add(loss)
      })
    return losses
  }

  /// Memory of one worker.
  private struct Buffers: ~Copyable {
    let source, target: AlignedBuffer
    let scratch: Transcoder.Scratch

    /// For pieces and tiles of so many elements.
    init(piece: Int, tile: Int) {
      // The widest element that is read or written has eight bytes.
      source = AlignedBuffer(byteCount: piece * 8 + 256)
      target = AlignedBuffer(byteCount: piece * 8)
      scratch = Transcoder.Scratch(tileLength: tile)
    }
  }

  private func convert(
    _ piece: Pieces.Piece, of index: Int, _ buffers: borrowing Buffers
  ) throws(ConversionError) -> LossAccumulator? {
    let source = input.tensors[index]
    let target = placed[index]
    let from = source.byteRange(piece)
    let to = target.byteRange(piece)

    do {
      try input.read(
        source, from,
        into: UnsafeMutableRawBufferPointer(
          start: buffers.source.baseAddress, count: from.count))
    } catch { throw .checkpoint(error) }
    var weights: Transcoder.Weights?
    if let importance, importance.counts(index, target.format) {
      weights = Transcoder.Weights(
        try importance.lend(index), shape: source.shape, from: piece.start)
    }
    var loss = isMeasuring && passages[index].isMeasurable ? LossAccumulator() : nil
    passages[index].run(
      buffers.source.baseAddress, byteCount: from.count, buffers.target.baseAddress,
      count: piece.count, from: piece.start, scratch: buffers.scratch, weights: weights,
      measured: loss == nil
        ? nil
        : { tile, weighted, length in loss?.add(tile, count: length, weighted: weighted) })
    try output.write(
      UnsafeRawBufferPointer(start: buffers.target.baseAddress, count: to.count),
      of: index, at: to.lowerBound, spare: buffers.source.baseAddress)
    progress.advance(by: from.count)
    return loss
  }
}

extension [LossAccumulator?] {
  /// The loss at `index`, which begins as `value` where there is none.
  fileprivate subscript(index: Int, default value: LossAccumulator) -> LossAccumulator {
    get { self[index] ?? value }
    set { self[index] = newValue }
  }
}
