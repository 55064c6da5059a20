// Scales that only a whole tensor, or a band of its rows, can decide.
//
// Both take two passes over a tensor. The first one encodes it with reference rounding and keeps the
// scales alone, or finds its largest element. The second one encodes it with what was decided:
// `CodecKernels.encodeGiven`, or kernels of `KernelTable.dividedCodec`.

package import KerfElements

/// The scales of groups where `rowsPerScale` rows share theirs: the largest of them, which is the scale
/// that the public code would take for all their elements.
///
/// A square of 128 × 128 elements is a group of 128 in each of 128 rows; a tensor with one scale is
/// groups as long as rows, all of which share it.
///
/// - Parameters:
///   - scales: Scales of reference rounding, row after row.
///   - groupsPerRow: How many groups a row has.
package func sharedScales(_ scales: [Float], groupsPerRow: Int, rowsPerScale: Int) -> [Float] {
  precondition(groupsPerRow > 0 && rowsPerScale > 0 && scales.count.isMultiple(of: groupsPerRow))
  var shared = scales
  let rows = scales.count / groupsPerRow
  for first in stride(from: 0, to: rows, by: rowsPerScale) {
    let band = first..<min(first + rowsPerScale, rows)
    for group in 0..<groupsPerRow {
      let largest = band.reduce(0) { max($0, scales[$1 * groupsPerRow + group]) }
      for row in band { shared[row * groupsPerRow + group] = largest }
    }
  }
  return shared
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
