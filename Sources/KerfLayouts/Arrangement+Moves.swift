// Blocks to planes and back: which field goes through which shuffle.

internal import KerfElements

extension Arrangement {
  /// Moves the fields of groups to where planes have them.
  ///
  /// - Parameters:
  ///   - blocks: The groups of `portion`, one after another.
  ///   - buffer: The runs of `portion`, each at its place.
  /// - Precondition: the arrangement can be written: it has no scales that are composed of others.
  public func scatter(
    _ blocks: UnsafeRawPointer, _ portion: Portion, into buffer: UnsafeMutableRawPointer
  ) {
    let fields = Fields(
      UnsafeMutableRawPointer(mutating: blocks), portion, format, groupsPerRow: groupsPerRow)
    for run in portion.runs {
      let plane = buffer + run.bufferOffset
      switch planes[run.plane].content {
      case .constant, .decided: break
      case .codes(let order): fields.scatter(codes: order, to: plane, line: run.bufferStride)
      case .scales(let order): fields.scatter(scales: order, to: plane, line: run.bufferStride)
      case .biases: fields.scatter(biases: plane)
      case .zeroPoints(let order):
        fields.scatter(zeroPoints: order, to: plane, line: run.bufferStride)
      }
    }
  }

  /// Moves the fields of groups from where planes have them.
  ///
  /// - Parameters:
  ///   - buffer: The runs of `portion`, each at its place.
  ///   - blocks: The groups of `portion`, one after another.
  public func gather(
    _ buffer: UnsafeRawPointer, _ portion: Portion, into blocks: UnsafeMutableRawPointer
  ) {
    let fields = Fields(blocks, portion, format, groupsPerRow: groupsPerRow)
    for run in portion.runs {
      let plane = UnsafeMutableRawPointer(mutating: buffer + run.bufferOffset)
      switch planes[run.plane].content {
      case .constant, .decided: break
      case .codes(let order): fields.gather(codes: order, from: plane, line: run.bufferStride)
      case .scales(let order): fields.gather(scales: order, from: plane, line: run.bufferStride)
      case .biases: fields.gather(biases: plane)
      case .zeroPoints(let order):
        fields.gather(zeroPoints: order, from: plane, line: run.bufferStride)
      }
    }
  }
}

/// The fields of consecutive blocks in memory.
///
/// Planes of turned matrices have lines, so many bytes apart.
struct Fields {
  let blocks: UnsafeMutableRawPointer
  /// Blocks in all, in a row, and rows; the last one is of interest only where rows are whole.
  let count: Int
  let perRow: Int
  let rows: Int
  /// The first block's number in its matrix.
  let first: Int
  /// Bytes of a block, and where its fields lie.
  let stride: Int
  let scaleByteCount: Int
  let codes: Int
  let codeByteCount: Int
  let bits: Int

  init(
    _ blocks: UnsafeMutableRawPointer, _ portion: Portion, _ format: GroupFormat, groupsPerRow: Int
  ) {
    self.blocks = blocks
    count = portion.groups.count
    perRow = groupsPerRow
    rows = groupsPerRow == 0 ? 0 : portion.groups.count / groupsPerRow
    first = portion.groups.lowerBound
    stride = format.byteCount
    scaleByteCount = format.scale.byteCount
    codes = format.byteCount - format.codeByteCount
    codeByteCount = format.codeByteCount
    bits = format.codes.bits
  }
}
