// Knows the values that GGUF metadata can have.

/// A typed value of GGUF metadata.
public enum GGUFValue: Sendable, Hashable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  case string(GGUFString)
  case array(GGUFArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  /// The types of values, by the numbers that files carry.
  public enum Kind: UInt32, Sendable, Hashable, CaseIterable {
    case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
    case uint64, int64, float64

    /// Bytes that a value takes, or `nil` where that depends on the value.
    public var byteCount: Int? {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16: 2
      case .uint32, .int32, .float32: 4
      case .uint64, .int64, .float64: 8
      case .string, .array: nil
      }
    }
  }

  /// The value's type.
  public var kind: Kind {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }
}

extension GGUFValue {
  /// The value as an integer, whatever its width, or `nil` where it is none or does not fit.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The value as a floating-point number, rounded where it is an integer of more than 53 bits,
  /// or `nil` where it is no number.
  public var number: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    case .uint64(let value): Double(value)
    default: integer.map(Double.init)
    }
  }

  /// The value as text, or `nil` where it is no string or not UTF-8.
  public var text: String? {
    if case .string(let string) = self { string.text } else { nil }
  }

  /// A string value.
  public static func string(_ text: String) -> GGUFValue { .string(GGUFString(text)) }
}

/// A string as GGUF has it: bytes, which are UTF-8 by convention only, so that a file's strings
/// survive a copy whatever they are.
public struct GGUFString: Sendable, Hashable, ExpressibleByStringLiteral {
  /// The bytes, without a terminating zero.
  public let bytes: [UInt8]

  /// A string of these bytes.
  public init(bytes: [UInt8]) { self.bytes = bytes }

  /// The UTF-8 bytes of `text`.
  public init(_ text: String) { bytes = Array(text.utf8) }

  /// The UTF-8 bytes of a literal.
  public init(stringLiteral text: String) { self.init(text) }

  /// The text, or `nil` where the bytes are not UTF-8.
  public var text: String? { String(validating: bytes, as: UTF8.self) }
}

extension GGUFString: CustomStringConvertible {
  /// The text, with U+FFFD where the bytes are not UTF-8.
  public var description: String { String(decoding: bytes, as: UTF8.self) }
}
