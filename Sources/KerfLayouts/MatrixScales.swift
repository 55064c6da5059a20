// Knows which planes hold what is decided for a whole matrix.
//
//     divisor   weight_global_scale                       what divides all scales
//     shared    weight_scale [1]                          the scale of all weights
//               weight_scale [⌈N/rows⌉, K/g]              or of so many rows, in each column of groups
//     nested    absmax, nested_absmax, …, the JSON        scales of scales

internal import KerfElements

/// What is decided of scales for a whole matrix, before its first weight is encoded.
///
/// Blocks have scales as any other then; planes have them once.
package enum MatrixScales: Sendable {
  /// The number that divides all scales.
  case divisor(Float)
  /// Scales that rows share, as they are stored.
  case shared([UInt8])
  /// Codes of scales, and what they stand for.
  case nested([UInt8], Plane.Nested)

  /// What a layout wants to be decided.
  package enum Kind: Sendable, Hashable {
    /// The number that divides all scales.
    case divisor
    /// Scales that rows share.
    case shared(Layout.Sharing)
    /// A scale for so many scales.
    case nested(length: Int)
  }
}

extension Arrangement {
  /// Bytes of the planes that hold what was decided, in their order.
  ///
  /// - Parameter weights: The type that the weights had.
  /// - Precondition: it is what ``matrixScales`` asks for.
  func decidedPlanes(_ scales: MatrixScales, weights: Format) -> [[UInt8]] {
    switch scales {
    case .divisor(let divisor): [littleEndian(divisor.bitPattern)]
    case .shared(let bytes): [bytes]
    case .nested(let codes, let nested):
      [
        codes, nested.absmax.flatMap { littleEndian($0.bitPattern) },
        nested.map.flatMap { littleEndian($0.bitPattern) },
        BitsAndBytes.nestedState(format, shape, type: weights, nested),
      ]
    }
  }
}
