// Knows what a JSON text says, without losing what headers of weight files depend on: the order of
// members, integers of 64 bits, and where each member stands.

/// A JSON value.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  /// An integer without a sign that fits 64 bits, exactly.
  case unsigned(UInt64)
  /// An integer with a minus sign that fits 64 bits, exactly. Never zero.
  case negative(Int64)
  /// Every other number.
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// The members of a JSON object in the order of the text, their names all different.
package struct JSONObject: Sendable, Hashable {
  package struct Member: Sendable, Hashable {
    package let name: String
    package let value: JSONValue
    /// Where the name begins, in bytes from the start of the text.
    package let offset: Int
  }

  package let members: [Member]

  /// An object of these members, whose names differ.
  package init(members: [Member]) { self.members = members }

  /// The value of the member of that name, compared byte by byte. Takes time in proportion to
  /// the number of members.
  package subscript(name: String) -> JSONValue? {
    members.first { $0.name.hasSameBytes(as: name) }?.value
  }
}

extension JSONValue {
  /// The value as an object, array, string or truth value, or `nil` where it is something else.
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The value as an integer, or `nil` where it is none or does not fit. `1.0` is no integer.
  package var integer: Int? {
    switch self {
    case .unsigned(let value): Int(exactly: value)
    case .negative(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The value as a number, rounded where it has more than 53 bits, or `nil` where it is none.
  package var number: Double? {
    switch self {
    case .unsigned(let value): Double(value)
    case .negative(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }

  /// What kind of value it is, for messages.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .unsigned(let value): String(value)
    case .negative(let value): String(value)
    case .double(let value): "the number \(value)"
    case .string(let value): "the string \(quoted(value))"
    case .array(let elements): "an array of \(elements.count)"
    case .object(let object): "an object of \(object.members.count)"
    }
  }
}

extension [UInt8] {
  /// Appends `text` as a JSON string in quotation marks, escaped as little as JSON allows.
  mutating func appendJSON(_ text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append(contentsOf: #"\""#.utf8)
      case UInt8(ascii: "\\"): append(contentsOf: #"\\"#.utf8)
      case 0x08: append(contentsOf: #"\b"#.utf8)
      case 0x09: append(contentsOf: #"\t"#.utf8)
      case 0x0A: append(contentsOf: #"\n"#.utf8)
      case 0x0C: append(contentsOf: #"\f"#.utf8)
      case 0x0D: append(contentsOf: #"\r"#.utf8)
      case 0..<0x20:
        append(contentsOf: (byte < 0x10 ? #"\u000"# : #"\u00"#).utf8)
        append(contentsOf: String(byte, radix: 16).utf8)
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }
}
