// Knows where the groups of a matrix lie in the tensors of a layout.
//
//     blocks  [scale|offset|codes] [scale|offset|codes] …        as the engine has them
//               │      │      └──────────────┐
//     planes  scales  zero points          codes                 as a runtime loads them
//
// Nothing is computed with weights: fields move, and some change their notation.

public import KerfElements

/// How the groups of one matrix lie in several tensors, its planes.
///
/// Some layouts keep consecutive groups consecutive in every plane. Others turn the matrix, so that
/// consecutive rows are neighbours: then a ``Portion`` is of whole rows, and has many short runs.
public struct Arrangement: Sendable, Hashable {
  /// What a group is.
  public let format: GroupFormat
  /// Extents of the matrix, or of several behind one another, the last one along groups.
  public let shape: Shape
  /// The tensors, in the order in which the layout's own writer would name them.
  public let planes: [Plane]
  /// What has to be decided for the whole matrix before it can be written.
  package let matrixScales: MatrixScales.Kind?

  /// - Precondition: groups fill rows.
  package init(
    _ format: GroupFormat, _ shape: Shape, _ planes: [Plane], deciding: MatrixScales.Kind? = nil
  ) {
    precondition(shape.columns.isMultiple(of: format.length), "groups do not fill rows")
    self.format = format
    self.shape = shape
    self.planes = planes
    matrixScales = deciding
  }

  /// Rows of the matrix.
  public var rows: Int { shape.rows }
  /// Groups in a row.
  public var groupsPerRow: Int { shape.columns / format.length }
  /// Groups in the matrix.
  public var groupCount: Int { rows * groupsPerRow }
  /// Bytes of the matrix as blocks.
  public var blocksByteCount: Int { groupCount * format.byteCount }
  /// Bytes of the matrix as planes.
  public var planesByteCount: Int { planes.reduce(0) { $0 + $1.byteCount } }

  /// Whether only whole rows can be taken.
  public var isTurned: Bool { planes.contains { $0.content.isTurned } }

  /// A portion begins at a multiple of so many groups, and ends at one, or with the matrix.
  public var unit: Int {
    guard isTurned else {
      // Rows of packed zero points begin on a byte.
      return planes.contains { $0.content == .zeroPoints(.packed) } ? max(1, groupsPerRow) : 1
    }
    var rows = 8
    for plane in planes {
      // As many as fill words: 32 codes of an odd number of bits, half as many of an even one.
      if case .zeroPoints(.rowsPacked) = plane.content {
        let bits = format.codes.bits
        rows = max(rows, 32 >> min(bits.trailingZeroBitCount, 5))
      }
    }
    return rows * groupsPerRow
  }

  /// Zero points that the planes can hold.
  public var zeroPoints: ClosedRange<UInt8> {
    let largest = UInt8(truncatingIfNeeded: 1 << format.codes.bits - 1)
    for plane in planes {
      // A loader adds the bias to whole words: beyond the largest it would carry into the next one.
      if case .zeroPoints(.turned(let bias)) = plane.content { return bias...largest }
    }
    return 0...largest
  }
}

/// Some groups of a matrix, and where the planes have them.
public struct Portion: Sendable, Hashable {
  /// Parts of a plane, equally long and equally far apart.
  public struct Runs: Sendable, Hashable {
    /// The plane's index in ``Arrangement/planes``.
    public let plane: Int
    /// Where the first part begins, counted in bytes from the start of the plane.
    public let offset: Int
    /// Bytes of one part.
    public let byteCount: Int
    /// How many there are.
    public let count: Int
    /// Bytes from the start of one to the start of the next.
    public let stride: Int
    /// Where the first part lies in a buffer.
    public let bufferOffset: Int
    /// Bytes there from the start of one to the start of the next.
    public let bufferStride: Int

    /// Whether they are one stretch of the plane.
    var isWhole: Bool { count == 1 || stride == byteCount }
  }

  /// Which groups, counted row by row.
  public let groups: Range<Int>
  /// Those planes' parts that hold them; planes that are the same for all weights have none.
  public let runs: [Runs]
  /// Bytes of a buffer for all runs.
  public let byteCount: Int

  /// The same groups, where a buffer has them that is for all runs of `whole`.
  ///
  /// - Precondition: they are some of its groups.
  func placed(in whole: Portion) -> Portion {
    Portion(
      groups: groups,
      runs: zip(runs, whole.runs).map { run, all in
        Runs(
          plane: run.plane, offset: run.offset, byteCount: run.byteCount, count: run.count,
          stride: run.stride, bufferOffset: all.bufferOffset + (run.offset - all.offset),
          bufferStride: all.bufferStride)
      }, byteCount: whole.byteCount)
  }
}

extension Arrangement {
  /// Where `groups` lie.
  ///
  /// - Precondition: the range begins at a multiple of ``unit``, and ends at one or with the matrix.
  public func portion(_ groups: Range<Int>) -> Portion {
    precondition(
      groups.lowerBound >= 0 && groups.upperBound <= groupCount
        && groups.lowerBound.isMultiple(of: unit)
        && (groups.upperBound.isMultiple(of: unit) || groups.upperBound == groupCount),
      "groups \(groups) of \(groupCount) in units of \(unit)")
    var runs: [Portion.Runs] = []
    var end = 0
    for (index, plane) in planes.enumerated() {
      guard let place = place(of: groups, in: plane) else { continue }
      runs.append(
        Portion.Runs(
          plane: index, offset: place.offset, byteCount: place.byteCount, count: place.count,
          stride: place.stride, bufferOffset: end, bufferStride: place.byteCount))
      // Words of planes are read and written whole.
      end += (place.byteCount * place.count + 7) & ~7
    }
    return Portion(groups: groups, runs: runs, byteCount: end)
  }

  private typealias Place = (offset: Int, byteCount: Int, count: Int, stride: Int)

  private func place(of groups: Range<Int>, in plane: Plane) -> Place? {
    let perRow = groupsPerRow
    guard perRow > 0 else { return nil }
    let (first, last) = (groups.lowerBound / perRow, (groups.upperBound + perRow - 1) / perRow)
    let bits = format.codes.bits

    /// So many bytes for each group, row by row.
    func flat(_ width: Int) -> Place {
      (groups.lowerBound * width, groups.count * width, 1, groups.count * width)
    }
    /// Lines with so many bits for each row.
    func turned(_ count: Int, _ width: Int) -> Place {
      (first * width / 8, (last - first) * width / 8, count, rows * width / 8)
    }

    switch plane.content {
    case .constant, .decided: return nil
    case .codes(.stream), .codes(.signed), .codes(.highFirst): return flat(format.codeByteCount)
    case .codes(.turned): return turned(shape.columns * bits / 32, 32)
    case .codes(.interleaved): return turned(shape.columns, 4)
    case .scales(.rows), .biases: return flat(format.scale.byteCount)
    case .scales(.turned): return turned(perRow, 8 * format.scale.byteCount)
    case .scales(.shared(let rows)):
      let lines = first / rows..<(last + rows - 1) / rows
      let width = format.scale.byteCount * perRow
      return (lines.lowerBound * width, lines.count * width, 1, lines.count * width)
    case .scales(.divided), .scales(.nested), .zeroPoints(.signed): return flat(1)
    case .scales(.multiplied): return flat(4)
    case .zeroPoints(.packed):
      let width = (perRow * bits + 7) / 8
      return (first * width, (last - first) * width, 1, (last - first) * width)
    case .zeroPoints(.rowsPacked):
      let words = first * bits / 32..<(last * bits + 31) / 32
      return (words.lowerBound * 4 * perRow, words.count * 4 * perRow, 1, words.count * 4 * perRow)
    case .zeroPoints(.turned): return turned(perRow, bits)
    case .zeroPoints(.interleaved): return turned(perRow, 4)
    }
  }
}
