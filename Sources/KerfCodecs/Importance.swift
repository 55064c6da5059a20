public import KerfElements

/// How much the error of a weight counts, column by column: the mean square of the activations that
/// the column is multiplied with.
///
/// A tensor of more than two dimensions is a stack of matrices, one for each expert; they may have
/// importances of their own.
public struct Importance: Sendable, Hashable {
  /// Columns of each matrix.
  public let columns: Int
  /// Matrices; 1 where all matrices of a stack have the same importance.
  public let matrices: Int
  /// A weight for each column of each matrix.
  private let weights: [Float]

  /// The importance of each column, of one matrix after another.
  ///
  /// Only their ratios matter.
  ///
  /// - Parameters:
  ///   - weights: As many as there are columns, or as many times that as there are matrices.
  ///   - matrices: How many matrices the weights are of.
  /// - Throws: ``CodecError/importance(_:)`` where a weight is negative or not finite, or the
  ///   weights do not divide into matrices.
  public init(_ weights: [Float], matrices: Int = 1) throws(CodecError) {
    guard matrices > 0, weights.count.isMultiple(of: matrices) else {
      throw .importance("\(weights.count) weights for \(matrices) matrices")
    }
    if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .importance("weight \(index) is \(weights[index])")
    }
    self.init(usable: weights, matrices: matrices)
  }

  /// The same of weights that are known to be usable.
  package init(usable weights: [Float], matrices: Int) {
    self.weights = weights
    self.matrices = matrices
    columns = weights.count / matrices
  }

  /// How a tensor divides into matrices: their number, and the rows of each.
  package static func matrices(of shape: Shape) -> (count: Int, rows: Int) {
    let rows = shape.dimensions.dropLast().last ?? 1
    return (rows > 0 ? shape.rows / rows : 1, rows)
  }

  /// Whether it says something about every element of a tensor of that shape.
  public func fits(_ shape: Shape) -> Bool {
    columns == shape.columns
      && (matrices == 1 || matrices == Importance.matrices(of: shape).count)
  }

  /// Writes the weights of `count` elements of a tensor, from the element `first` on, which is
  /// counted row after row through all matrices.
  /// - Precondition: `fits(shape)`.
  package func copy(
    from first: Int, count: Int, of shape: Shape, to target: UnsafeMutablePointer<Float>
  ) {
    let rowsPerMatrix = matrices == 1 ? Int.max : Importance.matrices(of: shape).rows
    weights.withUnsafeBufferPointer { weights in
      guard let source = weights.baseAddress else { return }
      var done = 0
      while done < count {
        let (row, column) = (first + done).quotientAndRemainder(dividingBy: columns)
        let length = min(columns - column, count - done)
        (target + done).update(
          from: source + row / rowsPerMatrix * columns + column, count: length)
        done += length
      }
    }
  }
}
