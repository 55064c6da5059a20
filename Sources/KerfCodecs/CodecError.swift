public import KerfDispatch
public import KerfElements

/// What cannot be done with a tensor in memory.
public enum CodecError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The engine has no kernels for the format; it can only carry its bytes.
  case notComputed(Format)
  /// The engine can read the format but not write it.
  case notEncodable(Format)
  /// A row of `columns` elements does not end on a block of the format.
  case unalignedRow(Format, columns: Int)
  /// A buffer of `found` bytes where the shape and format take `expected`.
  case byteCount(expected: Int, found: Int)
  /// Two tensors that must agree in shape do not.
  case shapeMismatch(expected: Shape, found: Shape)
  /// A shape that cannot be a matrix operand, and what was expected of it.
  case notAMatrix(Shape, expected: String)
  /// A tensor of that shape and format has more bytes than can be counted.
  case tooLarge(Shape, Format)
  /// Weights that cannot say how much errors count, and why.
  case importance(String)
  /// Importance for the bytes that the public reference code writes, which it would change.
  case importanceOfReference
  /// The kernels that the environment asks for are not there.
  case dispatch(DispatchError)

  /// One line, for people.
  public var description: String {
    switch self {
    case .notComputed(let format):
      "\(format) can be carried but not computed with; computed are "
        + Format.decodable.map(\.name).joined(separator: ", ")
    case .notEncodable(let format):
      "writing \(format) is not possible yet; possible are "
        + Format.encodable.map(\.name).joined(separator: ", ")
    case .unalignedRow(let format, let columns):
      "rows of \(columns) elements do not fill blocks of \(format), which take "
        + "\(format.elementsPerBlock)"
    case .byteCount(let expected, let found): "expected \(expected) bytes, found \(found)"
    case .shapeMismatch(let expected, let found): "expected shape \(expected), found \(found)"
    case .notAMatrix(let shape, let expected): "shape \(shape): expected \(expected)"
    case .tooLarge(let shape, let format): "shape \(shape) in \(format) is too large to address"
    case .importance(let reason):
      "importance: \(reason); expected a weight for every column, none of them negative"
    case .importanceOfReference:
      "reference rounding takes no importance: it writes the reference code's bytes"
    case .dispatch(let error): error.description
    }
  }
}
