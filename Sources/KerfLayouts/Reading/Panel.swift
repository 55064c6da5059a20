// Knows how a part of a matrix is fetched, and keeps the last ones: what is asked for is often less
// than what can be taken from a turned matrix, in which rows are neighbours.

internal import KerfCheckpoints
internal import KerfElements
internal import Synchronization

/// Bytes of a tensor in memory, as the engine sees it.
final class Panel: Sendable {
  let tensor: String
  let range: Range<Int>
  private let memory: Memory

  /// Where the bytes are.
  var baseAddress: UnsafeMutableRawPointer { memory.buffer.baseAddress }

  private final class Memory: Sendable {
    let buffer: AlignedBuffer
    init(byteCount: Int) { buffer = AlignedBuffer(byteCount: byteCount) }
  }

  /// - Parameter old: A panel that nobody uses any more. Its memory goes on, as allocators are slow to
  ///   give so much back.
  init(
    _ tensor: ModelTensor, _ range: Range<Int>, _ checkpoint: Checkpoint, replacing old: Panel?
  ) throws(LayoutError) {
    self.tensor = tensor.name
    self.range = range
    if let old, old.memory.buffer.byteCount >= range.count {
      memory = old.memory
    } else {
      memory = Memory(byteCount: max(range.count, PanelCache.byteCount))
    }
    switch tensor.source {
    case .stored: preconditionFailure("a tensor as it is needs no panel")
    case .arranged(let arrangement, let planes):
      let size = arrangement.format.byteCount
      try Panel.gather(
        arrangement, planes, range.lowerBound / size..<range.upperBound / size, from: checkpoint,
        into: baseAddress)
    case .turned(let stored):
      let size = tensor.byteCount / tensor.shape.rows
      try Panel.turn(
        stored, range.lowerBound / size..<range.upperBound / size, from: checkpoint,
        into: baseAddress)
    }
  }

  /// Reads what planes have of `groups`, and makes blocks of it.
  static func gather(
    _ arrangement: Arrangement, _ planes: [TensorDescription], _ groups: Range<Int>,
    from checkpoint: Checkpoint, into blocks: UnsafeMutableRawPointer
  ) throws(LayoutError) {
    let portion = arrangement.portion(groups)
    let buffer = AlignedBuffer(byteCount: portion.byteCount)
    do {
      for run in portion.runs {
        let (count, byteCount) =
          run.isWhole ? (1, run.count * run.byteCount) : (run.count, run.byteCount)
        for i in 0..<count {
          let offset = run.offset + i * run.stride
          try checkpoint.read(
            planes[run.plane], offset..<offset + byteCount,
            into: UnsafeMutableRawBufferPointer(
              start: buffer.baseAddress + run.bufferOffset + i * run.byteCount, count: byteCount))
        }
      }
    } catch { throw .checkpoint(error) }
    arrangement.gather(buffer.baseAddress, portion, into: blocks)
  }

  /// Stored rows that are turned at a time.
  private static let bandHeight = 64

  /// Reads some columns of a stored matrix of plain elements, and makes rows of them.
  private static func turn(
    _ stored: TensorDescription, _ columns: Range<Int>, from checkpoint: Checkpoint,
    into rows: UnsafeMutableRawPointer
  ) throws(LayoutError) {
    let size = stored.format.bytesPerBlock
    let (height, width) = (stored.shape.rows, columns.count)
    // A little longer than they need be: at a distance of a power of two, lines of the cache that are
    // below one another would push each other out.
    let pitch = width + 64 / size
    let band = AlignedBuffer(byteCount: bandHeight * pitch * size)
    for first in stride(from: 0, to: height, by: bandHeight) {
      let count = min(bandHeight, height - first)
      do {
        for line in 0..<count {
          let offset = ((first + line) * stored.shape.columns + columns.lowerBound) * size
          try checkpoint.read(
            stored, offset..<offset + width * size,
            into: UnsafeMutableRawBufferPointer(
              start: band.baseAddress + line * pitch * size, count: width * size))
        }
      } catch { throw .checkpoint(error) }
      let target = rows + first * size
      switch size {
      case 1: turn(band.baseAddress, count, width, pitch, target, height, UInt8.self)
      case 2: turn(band.baseAddress, count, width, pitch, target, height, UInt16.self)
      case 4: turn(band.baseAddress, count, width, pitch, target, height, UInt32.self)
      default: turn(band.baseAddress, count, width, pitch, target, height, UInt64.self)
      }
    }
  }

  /// Columns of `count` rows of `width` words, `pitch` apart, to rows that are `stride` words apart; a
  /// square of sixteen after another, so that lines of the cache are filled.
  @inline(__always)
  private static func turn<Word: BitwiseCopyable>(
    _ source: UnsafeRawPointer, _ count: Int, _ width: Int, _ pitch: Int,
    _ target: UnsafeMutableRawPointer, _ stride: Int, _ word: Word.Type
  ) {
    let source = source.assumingMemoryBound(to: word)
    let target = target.assumingMemoryBound(to: word)
    var left = 0
    while left < width {
      let right = min(left &+ 16, width)
      var top = 0
      while top < count {
        let bottom = min(top &+ 16, count)
        var column = left
        while column < right {
          var row = top
          while row < bottom {
            target[column &* stride &+ row] = source[row &* pitch &+ column]
            row &+= 1
          }
          column &+= 1
        }
        top = bottom
      }
      left = right
    }
  }
}

/// The panels that were asked for last.
final class PanelCache: Sendable {
  /// Bytes of a panel, about. Large, as each has runs of its own in every line of a turned matrix.
  static let byteCount = 16 << 20
  private static let count = 2

  private let panels = Mutex<[Panel]>([])

  /// The panel that has the byte at `place`. Whoever asks while it is fetched waits for it.
  func panel(
    of tensor: ModelTensor, at place: Int, _ checkpoint: Checkpoint
  ) throws(LayoutError) -> Panel {
    try panels.withLock { panels throws(LayoutError) in
      let found = panels.firstIndex { $0.range.contains(place) && $0.tensor == tensor.name }
      if let found {
        let panel = panels.remove(at: found)
        panels.append(panel)
        return panel
      }
      let length = max(1, PanelCache.byteCount / tensor.unit) * tensor.unit
      let first = place / length * length
      var old = panels.count == PanelCache.count ? panels.removeFirst() : nil
      if old != nil, !isKnownUniquelyReferenced(&old) { old = nil }
      let panel = try Panel(
        tensor, first..<min(first + length, tensor.byteCount), checkpoint, replacing: old)
      panels.append(panel)
      return panel
    }
  }
}
