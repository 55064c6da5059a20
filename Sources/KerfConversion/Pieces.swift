// The elements of many tensors, cut into pieces that threads take side by side.
//
// Memory is bounded by threads × piece, whatever the size of the model or of one tensor. What comes
// of pieces is gathered in their order, so that no sum depends on which thread took which.

package import KerfCheckpoints
internal import KerfCodecs
package import KerfElements
internal import Synchronization

/// The pieces of tensors, numbered through: those of the first tensor, then those of the second.
package struct Pieces: Sendable {
  /// Elements of a piece: a multiple of a tile, and so of every block but long or odd groups.
  package static let length = 64 * Transcoder.tile

  /// Elements of a piece of a tensor that is cut only where blocks of each of `formats` end.
  ///
  /// - Parameter unit: Elements that it has to be a multiple of, too.
  package static func length(of formats: Format..., unit: Int = 1) -> Int {
    let length = Format.length(about: length, of: formats)
    // A unit is whole rows, and so whole blocks. More of them, since each piece goes to every line of
    // a turned matrix.
    return unit <= 1 ? length : max(1, 4 * Pieces.length / unit) * unit
  }

  /// Tensors by their numbers, in batches of so many elements that they stay in memory when they are
  /// read twice; a larger tensor is alone.
  ///
  /// - Parameter elements: How many each tensor has.
  package static func batches(of elements: [Int], limit: Int = 1 << 26) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var (first, sum) = (0, 0)
    for (index, count) in elements.enumerated() {
      if index > first, sum + count > limit {
        batches.append(first..<index)
        (first, sum) = (index, 0)
      }
      sum += count
    }
    return batches + [first..<elements.count]
  }

  /// Some of a tensor's elements, in a row.
  package struct Piece: Sendable {
    /// The number of the tensor.
    package let tensor: Int
    /// The first element.
    package let start: Int
    /// How many there are.
    package let count: Int
  }

  private let elements: [Int]
  /// Elements of a piece of each tensor.
  private let lengths: [Int]
  /// The number of the first piece of each tensor, and the number of all pieces at the end.
  private let firsts: [Int]

  /// The pieces of tensors that have so many elements each.
  ///
  /// - Parameter lengths: Elements of a piece of each tensor, where they are not all ``length``.
  package init(elements: [Int], lengths: [Int]? = nil) {
    self.elements = elements
    let lengths = lengths ?? elements.map { _ in Pieces.length }
    self.lengths = lengths
    firsts = zip(elements, lengths).reduce(into: [0]) { firsts, tensor in
      let (whole, rest) = tensor.0.quotientAndRemainder(dividingBy: tensor.1)
      firsts.append(firsts[firsts.count - 1] + whole + (rest > 0 ? 1 : 0))
    }
  }

  /// Elements of the largest piece there may be.
  package var longest: Int { lengths.max() ?? 0 }

  /// How many there are.
  package var count: Int { firsts[firsts.count - 1] }

  /// The piece of that number.
  package subscript(number: Int) -> Piece {
    let tensor = firsts.partitioningIndex { $0 > number } - 1
    let start = (number - firsts[tensor]) * lengths[tensor]
    return Piece(
      tensor: tensor, start: start, count: min(lengths[tensor], elements[tensor] - start))
  }

  /// Calls `work` once for each piece, on at most `threads` threads with what `prepare` made for
  /// each, and `gather` with what came of it, in the order of pieces and one at a time. The first
  /// error ends the work.
  package func forEach<Memory: ~Copyable, Outcome: Sendable, Failure: Error>(
    threads: Int, prepare: @Sendable () -> Memory,
    work: @Sendable (Piece, borrowing Memory) throws(Failure) -> Outcome,
    gather: (Piece, Outcome) -> Void
  ) throws(Failure) {
    let failure = Mutex<Failure?>(nil)
    try withoutActuallyEscaping(gather) { gather throws(Failure) in
      let ordered = Mutex(Ordered(gather: Gathering(gather)))
      Threads.forEachWorker(min(threads, max(count, 1)), pieces: count) { next in
        let memory = prepare()
        while let number = next() {
          guard failure.withLock({ $0 == nil }) else { return }
          let piece = self[number]
          do throws(Failure) {
            let outcome = try work(piece, memory)
            ordered.withLock { $0.add(number, piece, outcome) }
          } catch {
            failure.withLock { $0 = $0 ?? error }
            return
          }
        }
      }
      if let error = failure.withLock({ $0 }) { throw error }
    }
  }
}

/// Only ever called under a lock, while the caller waits.
private struct Gathering<Outcome>: @unchecked Sendable {
  let call: (Pieces.Piece, Outcome) -> Void
  init(_ call: @escaping (Pieces.Piece, Outcome) -> Void) { self.call = call }
}

/// Outcomes of pieces that come in any order, handed on in theirs.
private struct Ordered<Outcome> {
  let gather: Gathering<Outcome>
  private var next = 0
  private var waiting: [Int: (Pieces.Piece, Outcome)] = [:]

  init(gather: Gathering<Outcome>) { self.gather = gather }

  mutating func add(_ number: Int, _ piece: Pieces.Piece, _ outcome: Outcome) {
    waiting[number] = (piece, outcome)
    while let (piece, outcome) = waiting.removeValue(forKey: next) {
      next += 1
      gather.call(piece, outcome)
    }
  }
}

extension TensorDescription {
  /// Where elements lie within the tensor's bytes. A piece ends on a block, but for the last one of
  /// a tensor, which ends with it.
  package func byteRange(_ piece: Pieces.Piece) -> Range<Int> {
    byteRange(of: piece.start..<piece.start + piece.count)
  }

  /// The same for any elements that begin on a block, and end on one or with the tensor.
  package func byteRange(of elements: Range<Int>) -> Range<Int> {
    let end = elements.upperBound
    let lower = elements.lowerBound / format.elementsPerBlock * format.bytesPerBlock
    let upper =
      end == shape.count ? byteCount : end / format.elementsPerBlock * format.bytesPerBlock
    return lower..<upper
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
