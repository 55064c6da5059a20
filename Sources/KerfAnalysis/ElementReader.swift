// Elements of a tensor in the order in which those of another file come.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
internal import KerfPlanning

/// Reads the bytes of elements, in an order that may not be that of the file.
struct ElementReader: Sendable {
  let checkpoint: Checkpoint
  let tensor: TensorDescription
  /// The first element that is read.
  let first: Int
  let order: Order

  enum Order: Sendable {
    case asStored
    /// Row by row; see ``Arrangement/rotaryPairs(heads:)``.
    case rows(RotaryRows, columns: Int)
    /// Column by column of matrices that have so many rows and columns: what comes is f32.
    case columns(rows: Int, columns: Int)
  }

  /// Which row of the other file's order a row is.
  struct RotaryRows: Sendable {
    /// Rows of a head.
    let perHead: Int
    /// Whether rows are asked for in GGUF's order and lie in the hub's.
    let isAskedAsGGUF: Bool

    func stored(_ row: Int) -> Int {
      let (head, place) = row.quotientAndRemainder(dividingBy: perHead)
      let half = perHead / 2
      return head * perHead
        + (isAskedAsGGUF ? place % 2 * half + place / 2 : place % half * 2 + place / half)
    }
  }

  /// What the elements that are read are stored as.
  var format: Format {
    if case .columns = order { .f32 } else { tensor.format }
  }

  /// Bytes that `count` elements of the tensor have in its file.
  func byteCount(_ count: Int) -> Int {
    count == tensor.shape.count
      ? tensor.byteCount : count / tensor.format.elementsPerBlock * tensor.format.bytesPerBlock
  }

  /// Copies `count` elements from `start` on, whole blocks, to `target`; returns their bytes.
  ///
  /// - Parameter scratch: Twelve bytes for every element, for columns that become rows.
  func read(
    _ start: Int, _ count: Int, into target: UnsafeMutableRawPointer,
    scratch: UnsafeMutableRawPointer, _ table: KernelTable
  ) throws(AnalysisError) -> Int {
    switch order {
    case .asStored:
      return try copy(first + start, count, to: target)
    case .rows(let rows, let columns):
      var done = 0
      var bytes = 0
      while done < count {
        let (row, column) = (start + done).quotientAndRemainder(dividingBy: columns)
        let length = min(columns - column, count - done)
        bytes += try copy(
          first + rows.stored(row) * columns + column, length, to: target + bytes)
        done += length
      }
      return bytes
    case .columns(let rows, let columns):
      try turn(start, count, rows, columns, target, scratch, table)
      return count * 4
    }
  }

  /// Copies whole columns, each as a row of f32.
  private func turn(
    _ start: Int, _ count: Int, _ rows: Int, _ columns: Int, _ target: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutableRawPointer, _ table: KernelTable
  ) throws(AnalysisError) {
    guard let codec = table.codec(tensor.format) else {
      preconditionFailure("\(tensor.format) cannot be decoded")
    }
    let turned = target.assumingMemoryBound(to: Float.self)
    let width = count / rows
    // Sixteen rows at a time, which fill a line of the cache for each column.
    let group = min(16, rows)
    let lines = (scratch + width * 8).assumingMemoryBound(to: Float.self)
    for first in stride(from: 0, to: rows, by: group) {
      let height = min(group, rows - first)
      for line in 0..<height {
        _ = try copy((first + line) * columns + start / rows, width, to: scratch)
        codec.decode(
          UnsafeRawPointer(scratch), lines + line * width,
          width / tensor.format.elementsPerBlock)
      }
      for column in 0..<width {
        let row = turned + column * rows + first
        for line in 0..<height { row[line] = lines[line * width + column] }
      }
    }
  }

  private func copy(
    _ start: Int, _ count: Int, to target: UnsafeMutableRawPointer
  ) throws(AnalysisError) -> Int {
    let (elements, bytes) = (tensor.format.elementsPerBlock, tensor.format.bytesPerBlock)
    let end = start + count
    let lower = start / elements * bytes
    let upper = end == tensor.shape.count ? tensor.byteCount : end / elements * bytes
    do {
      try checkpoint.read(
        tensor, lower..<upper,
        into: UnsafeMutableRawBufferPointer(start: target, count: upper - lower))
    } catch { throw .checkpoint(error) }
    return upper - lower
  }
}
