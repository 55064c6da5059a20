// Knows how planes of turned matrices get long lines.
//
//     rows 0…63      64…127            4095
//     ┌───────────┬───────────┬ ┄ ┄ ┄ ┐   line 0
//     ├───────────┼───────────┼ ┄ ┄ ┄ ┤   line 1
//     └ ┄ ┄ ┄ ┄ ┄ ┴ ┄ ┄ ┄ ┄ ┄ ┴ ┄ ┄ ┄ ┘   …
//
// Rows are neighbours there: what some rows have is a few bytes in each of thousands of lines. So
// lines gather in memory, of all rows where that is not too much, else of a band of rows, and are
// written when they are complete.

internal import KerfElements
internal import Synchronization

/// What planes have of some rows of a turned matrix, in memory until it is complete.
///
/// Threads that take portions in their order work on as many bands as there are threads, at most.
final class Band: Sendable {
  /// All groups of the band, and where they lie in ``memory``.
  let portion: Portion
  fileprivate let memory: BandMemory
  private let missing: Atomic<Int>

  /// Where the runs of ``portion`` are.
  var buffer: UnsafeMutableRawPointer { memory.buffer.baseAddress }

  fileprivate init(_ portion: Portion, in memory: BandMemory) {
    self.portion = portion
    self.memory = memory
    missing = Atomic(portion.groups.count)
  }

  /// Puts groups where they belong, each once; whether those were the last.
  func fill(_ groups: Range<Int>, _ blocks: UnsafeRawPointer, of arrangement: Arrangement) -> Bool {
    arrangement.scatter(
      blocks, arrangement.portion(groups).placed(in: portion), into: buffer)
    return missing.wrappingSubtract(groups.count, ordering: .acquiringAndReleasing).newValue == 0
  }
}

/// Memory of one band after another. What is given back to the allocator, it may keep.
private final class BandMemory: Sendable {
  let buffer: AlignedBuffer
  init(byteCount: Int) { buffer = AlignedBuffer(byteCount: byteCount) }
}

/// The bands of matrices that are being written.
final class Bands: Sendable {
  private struct Key: Hashable {
    let tensor: Int
    let first: Int
  }

  private struct State {
    var bands: [Key: Band] = [:]
    var idle: [BandMemory] = []

    /// Memory that nobody uses, or new one in the place of what is too small.
    mutating func memory(byteCount: Int) -> BandMemory {
      if let index = idle.firstIndex(where: { $0.buffer.byteCount >= byteCount }) {
        return idle.remove(at: index)
      }
      idle = []
      return BandMemory(byteCount: byteCount)
    }
  }

  private let state = Mutex(State())
  private let byteCount: Int

  /// - Parameter byteCount: Bytes that a band has at most, but for what whole lines need.
  init(byteCount: Int) { self.byteCount = byteCount }

  /// Puts groups where they belong; hands each band that is complete to `write`.
  func fill<Failure: Error>(
    _ tensor: Int, _ groups: Range<Int>, _ blocks: UnsafeRawPointer, of arrangement: Arrangement,
    write: (Band) throws(Failure) -> Void
  ) throws(Failure) {
    let length = groupCount(of: arrangement)
    var first = groups.lowerBound
    while first < groups.upperBound {
      let start = first / length * length
      let end = min(start + length, arrangement.groupCount)
      let part = first..<min(end, groups.upperBound)
      let key = Key(tensor: tensor, first: start)
      let band = state.withLock { state in
        if let band = state.bands[key] { return band }
        let portion = arrangement.portion(start..<end)
        let band = Band(portion, in: state.memory(byteCount: portion.byteCount))
        state.bands[key] = band
        return band
      }
      let from = blocks + (first - groups.lowerBound) * arrangement.format.byteCount
      if band.fill(part, from, of: arrangement) {
        state.withLock { $0.bands[key] = nil }
        try write(band)
        state.withLock { $0.idle.append(band.memory) }
      }
      first = part.upperBound
    }
  }

  /// Groups of a band: all of a matrix, or equal parts of whole cache lines of rows.
  private func groupCount(of arrangement: Arrangement) -> Int {
    let count = (arrangement.planesByteCount + byteCount - 1) / byteCount
    let rows = (arrangement.rows + count - 1) / max(count, 1)
    // Rows of a cache line of nibbles; units are parts of that.
    return (rows + 127) / 128 * 128 * arrangement.groupsPerRow
  }
}
