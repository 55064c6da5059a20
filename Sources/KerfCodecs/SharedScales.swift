// Scales that are decided before weights are encoded, for a whole tensor or a band of its rows.
//
// It takes two passes over a tensor. The first one encodes it and keeps the scales alone, or finds its
// largest element. The second one encodes it with what was decided: `CodecKernels.encodeGiven`, or
// kernels of `KernelTable.dividedCodec`.

package import KerfElements

/// Scales of a tensor's groups, of which those below one another in so many rows may be one.
///
/// A tile of 128 × 128 elements is a group of 128 in each of 128 rows; a tensor with one scale is
/// groups as long as rows, all of which share it.
package struct SharedScales: Sendable, Equatable {
  /// A scale for each group of a row, one band of rows after another.
  package private(set) var values: [Float]
  /// Groups of a row.
  package let groupsPerRow: Int
  /// Rows of a band.
  package let rowsPerScale: Int

  /// Zeros for a tensor of so many rows.
  package init(rows: Int, groupsPerRow: Int, rowsPerScale: Int) {
    precondition(groupsPerRow > 0 && rowsPerScale > 0)
    self.groupsPerRow = groupsPerRow
    self.rowsPerScale = rowsPerScale
    values = [Float](
      repeating: 0, count: (rows + rowsPerScale - 1) / rowsPerScale * groupsPerRow)
  }

  /// A scale for every group.
  package init(_ values: [Float]) {
    self.values = values
    (groupsPerRow, rowsPerScale) = (1, 1)
  }

  private func index(of group: Int) -> Int {
    guard rowsPerScale > 1 else { return group }
    let (row, column) = group.quotientAndRemainder(dividingBy: groupsPerRow)
    return row / rowsPerScale * groupsPerRow + column
  }

  /// Takes scales of reference rounding, of groups from `first` on. Where rows share a scale it is the
  /// largest of them, which is the one that the public code would take for all their elements.
  package mutating func take(_ scales: UnsafeBufferPointer<Float>, from first: Int) {
    for (number, scale) in scales.enumerated() {
      let index = index(of: first + number)
      values[index] = rowsPerScale > 1 ? max(values[index], scale) : scale
    }
  }

  /// Writes the scales of `count` groups from `first` on.
  package func copy(from first: Int, count: Int, to target: UnsafeMutablePointer<Float>) {
    values.withUnsafeBufferPointer { values in
      for number in 0..<count { target[number] = values[index(of: first + number)] }
    }
  }
}

extension GroupFormat {
  /// What divides all e4m3 scales of a tensor, so that the largest of them is 448, the largest there
  /// is: compressed-tensors' `weight_global_scale`. 1 for a tensor of zeros, and where scales are no
  /// such numbers.
  ///
  /// - Parameter largest: max |x| of the tensor.
  package func scaleDivisor(largest: Float) -> Float {
    guard scale == .e4m3, largest > 0, largest.isFinite else { return 1 }
    let number: Float =
      switch codes {
      case .e2m1: 6
      case .e4m3: 448
      default: 1
      }
    return max(min(448 * number / largest, .greatestFiniteMagnitude), .leastNormalMagnitude)
  }
}
