public import KerfCodecs
public import KerfElements

/// What cannot be multiplied.
public enum MatmulError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A shape that cannot be an operand, and what was expected of it.
  case notAMatrix(Shape, expected: String)
  /// A bias or a target of another shape than the product wants.
  case shapeMismatch(expected: Shape, found: Shape)
  /// A bias or a target of another element type than f32.
  case notFloat32(ElementType)
  /// The integer core does not take weights of the format.
  case notPacked(Format)
  /// This build has no OpenBLAS core.
  case openBLASAbsent
  /// The system has no OpenBLAS.
  case openBLASNotFound
  /// Weights that the engine cannot compute with, or too large a product.
  case codec(CodecError)

  /// One line, for people.
  public var description: String {
    switch self {
    case .notAMatrix(let shape, let expected): "shape \(shape): expected \(expected)"
    case .shapeMismatch(let expected, let found): "expected shape \(expected), found \(found)"
    case .notFloat32(let type): "expected f32, found \(type.format)"
    case .notPacked(let format): "the integer core does not take weights of \(format)"
    case .openBLASAbsent: "this build has no OpenBLAS core: the trait OpenBLAS is off"
    case .openBLASNotFound: "OpenBLAS is not installed: no libopenblas was found"
    case .codec(let error): error.description
    }
  }
}
