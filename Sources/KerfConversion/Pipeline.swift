// The streaming walk: pieces of tensors, taken side by side, written to places known beforehand.
//
//     read a piece ─→ transcode, tile by tile, with the loss ─→ write it at its offset
//
// Memory is bounded by threads × piece, whatever the size of the model or of one tensor. Which
// thread takes a piece changes neither bytes nor sums: losses are added in the order of pieces.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
internal import KerfMetrics
internal import Synchronization

struct Pipeline: Sendable {
  private let input: Checkpoint
  private let output: AtomicFile
  private let placed: [TensorDescription]
  private let passages: [Passage]
  private let importance: ModelImportance?
  private let isMeasuring: Bool
  private let progress: ConversionProgress
  /// The number of the first piece of each tensor, and the number of all pieces at the end.
  private let firstPieces: [Int]

  /// Elements of a piece: a multiple of a tile, and so of every block.
  private static let piece = 64 * Transcoder.tile

  /// - Parameters:
  ///   - placed: Where the tensors of `input` go in `output`, in their order.
  ///   - passages: How each of them gets there.
  ///   - importance: How much errors count, where a tensor is quantized.
  init(
    input: Checkpoint, output: AtomicFile, placed: [TensorDescription], passages: [Passage],
    importance: ModelImportance?, isMeasuring: Bool, progress: ConversionProgress
  ) {
    self.input = input
    self.output = output
    self.placed = placed
    self.passages = passages
    self.importance = importance
    self.isMeasuring = isMeasuring
    self.progress = progress
    firstPieces = input.tensors.reduce(into: [0]) { numbers, tensor in
      let pieces = (tensor.shape.count + Pipeline.piece - 1) / Pipeline.piece
      numbers.append(numbers[numbers.count - 1] + pieces)
    }
  }

  /// Does the work; returns the loss of each tensor that was measured.
  func run(threads: Int) throws(ConversionError) -> [LossAccumulator?] {
    let pieces = firstPieces[firstPieces.count - 1]
    let failure = Mutex<ConversionError?>(nil)
    let losses = Mutex(OrderedLosses(tensors: placed.count))
    Threads.forEachWorker(min(threads, max(pieces, 1)), pieces: pieces) { next in
      let buffers = Buffers()
      while let piece = next() {
        guard failure.withLock({ $0 == nil }) else { return }
        do throws(ConversionError) {
          let (tensor, loss) = try convert(piece, buffers)
          losses.withLock { $0.add(piece, tensor, loss) }
        } catch {
          failure.withLock { $0 = $0 ?? error }
          return
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return losses.withLock { $0.tensors }
  }

  /// Memory of one worker.
  private struct Buffers: ~Copyable {
    // The widest element that is read or written has eight bytes.
    let source = AlignedBuffer(byteCount: Pipeline.piece * 8)
    let target = AlignedBuffer(byteCount: Pipeline.piece * 8)
    let scratch = Transcoder.Scratch()
  }

  private func convert(
    _ piece: Int, _ buffers: borrowing Buffers
  ) throws(ConversionError) -> (tensor: Int, LossAccumulator?) {
    let index = firstPieces.partitioningIndex { $0 > piece } - 1
    let source = input.tensors[index]
    let target = placed[index]
    let start = (piece - firstPieces[index]) * Pipeline.piece
    let count = min(Pipeline.piece, source.shape.count - start)
    let from = byteRange(source, start, count)
    let to = byteRange(target, start, count)

    do {
      try input.read(
        source, from,
        into: UnsafeMutableRawBufferPointer(
          start: buffers.source.baseAddress, count: from.count))
    } catch { throw .checkpoint(error) }
    var weights: Transcoder.Weights?
    if let importance, importance.counts(index, target.format) {
      weights = Transcoder.Weights(
        try importance.lend(index), shape: source.shape, from: start)
    }
    var loss = isMeasuring && passages[index].isMeasurable ? LossAccumulator() : nil
    passages[index].run(
      buffers.source.baseAddress, byteCount: from.count, buffers.target.baseAddress, count: count,
      scratch: buffers.scratch, weights: weights,
      measured: loss == nil
        ? nil
        : { tile, weighted, length in loss?.add(tile, count: length, weighted: weighted) })
    do {
      try output.write(
        UnsafeRawBufferPointer(start: buffers.target.baseAddress, count: to.count),
        at: target.offset + to.lowerBound)
    } catch { throw .checkpoint(error) }
    progress.advance(by: from.count)
    return (index, loss)
  }

  /// Where `count` elements from `start` lie within a tensor. A piece ends on a block, but for the
  /// last one of a tensor, which ends with it.
  private func byteRange(_ tensor: TensorDescription, _ start: Int, _ count: Int) -> Range<Int> {
    let format = tensor.format
    let lower = start / format.elementsPerBlock * format.bytesPerBlock
    let upper =
      start + count == tensor.shape.count
      ? tensor.byteCount
      : (start + count) / format.elementsPerBlock * format.bytesPerBlock
    return lower..<upper
  }
}

/// Losses of pieces that come in any order, added up in theirs.
private struct OrderedLosses {
  var tensors: [LossAccumulator?]
  private var next = 0
  private var waiting: [Int: (tensor: Int, loss: LossAccumulator?)] = [:]

  init(tensors count: Int) { tensors = Array(repeating: nil, count: count) }

  mutating func add(_ piece: Int, _ tensor: Int, _ loss: LossAccumulator?) {
    waiting[piece] = (tensor, loss)
    while let (tensor, loss) = waiting.removeValue(forKey: next) {
      next += 1
      guard let loss else { continue }
      if tensors[tensor] == nil { tensors[tensor] = LossAccumulator() }
      tensors[tensor]?.add(loss)
    }
  }
}

extension [Int] {
  /// The first index whose element satisfies `predicate`, which all later ones do as well.
  fileprivate func partitioningIndex(where predicate: (Int) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
