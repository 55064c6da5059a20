// Knows how a part of a matrix is fetched, and keeps the last ones: what is asked for is often less
// than what can be taken from a turned matrix, in which rows are neighbours.

internal import KerfCheckpoints
internal import KerfElements
internal import Synchronization

/// Groups of a matrix in memory.
final class Panel: Sendable {
  let arrangement: Arrangement
  let planes: [TensorDescription]
  let groups: Range<Int>
  let blocks: AlignedBuffer

  init(
    _ arrangement: Arrangement, _ planes: [TensorDescription], _ groups: Range<Int>,
    _ checkpoint: Checkpoint
  ) throws(LayoutError) {
    self.arrangement = arrangement
    self.planes = planes
    self.groups = groups
    blocks = AlignedBuffer(byteCount: groups.count * arrangement.format.byteCount)
    try Panel.gather(arrangement, planes, groups, from: checkpoint, into: blocks.baseAddress)
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
}

/// The panels that were asked for last.
final class PanelCache: Sendable {
  /// Bytes of blocks in a panel, about. Large, as each has runs of its own in every line of a turned
  /// matrix.
  static let byteCount = 16 << 20
  private static let count = 2

  private let panels = Mutex<[Panel]>([])

  /// The panel that has that group. Whoever asks while it is fetched waits for it.
  func panel(
    of group: Int, _ arrangement: Arrangement, _ planes: [TensorDescription],
    _ checkpoint: Checkpoint
  ) throws(LayoutError) -> Panel {
    try panels.withLock { panels throws(LayoutError) in
      let found = panels.firstIndex {
        // Names differ, so that the first plane tells the matrix.
        $0.groups.contains(group) && $0.planes.first?.name == planes.first?.name
      }
      if let found {
        let panel = panels.remove(at: found)
        panels.append(panel)
        return panel
      }
      let unit = arrangement.unit
      let units = max(1, PanelCache.byteCount / (unit * arrangement.format.byteCount))
      let first = group / (unit * units) * (unit * units)
      let last = min(first + unit * units, arrangement.groupCount)
      if panels.count == PanelCache.count { panels.removeFirst() }
      let panel = try Panel(arrangement, planes, first..<last, checkpoint)
      panels.append(panel)
      return panel
    }
  }
}
