/// The floating-point types that weights come in and go back to.
public enum ElementType: String, Sendable, Hashable, CaseIterable, Codable {
  /// IEEE single precision.
  case float32
  /// IEEE half precision.
  case float16
  /// The upper half of a single: its range, with eight bits of precision.
  case bfloat16

  /// The storage format of this type.
  public var format: Format {
    switch self {
    case .float32: .f32
    case .float16: .f16
    case .bfloat16: .bf16
    }
  }
}
