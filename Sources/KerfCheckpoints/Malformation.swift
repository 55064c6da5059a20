import KerfElements

/// What is wrong in the contents of a file, and where.
public struct Malformation: Error, Sendable, Hashable {
  /// The rule that is broken.
  public enum Reason: String, Sendable, Hashable, CaseIterable {
    /// The file ends before something that it declares.
    case truncated
    /// The file goes on after everything that it declares.
    case trailingData
    /// The first bytes are not the container's.
    case magic
    /// The version is unknown, or the bytes are in the other order.
    case version
    /// A header, or a count or length in it, is larger than it can be.
    case length
    /// Text is not UTF-8.
    case encoding
    /// Text is not JSON.
    case syntax
    /// A field is missing, or of another kind than it has to be.
    case structure
    /// A name or key occurs twice.
    case duplicate
    /// A name or key is empty, too long or reserved.
    case name
    /// A type of values or tensors is unknown.
    case type
    /// A shape has too many dimensions, a negative one, rows that end inside a block, or more
    /// elements than can be counted.
    case shape
    /// A tensor's byte range and its shape disagree.
    case size
    /// Tensors overlap, leave a hole or lie outside the file.
    case offset
    /// The alignment is of the wrong type or not a power of two.
    case alignment
  }

  /// Where in the file.
  public struct Place: Sendable, Hashable {
    /// The tensor it concerns.
    public var tensor: String?
    /// The metadata key it concerns.
    public var key: String?
    /// Bytes from the start of the file.
    public var offset: Int?

    /// A place; each part may be unknown.
    public init(tensor: String? = nil, key: String? = nil, offset: Int? = nil) {
      self.tensor = tensor
      self.key = key
      self.offset = offset
    }
  }

  /// The rule that is broken.
  public let reason: Reason
  /// Where it is broken.
  public var place: Place
  /// What the rule asks for.
  public let expected: String
  /// What the file has instead.
  public let found: String

  /// A fault at `place`.
  public init(_ reason: Reason, at place: Place, expected: String, found: String) {
    self.reason = reason
    self.place = place
    self.expected = brief(expected)
    self.found = brief(found)
  }
}

extension Malformation: CustomStringConvertible {
  /// `tensor "a.weight", byte 1234: expected …, found …`
  public var description: String {
    var parts: [String] = []
    if let tensor = place.tensor { parts.append("tensor \(quoted(tensor))") }
    if let key = place.key { parts.append("key \(quoted(key))") }
    if let offset = place.offset { parts.append("byte \(offset)") }
    let lead = parts.isEmpty ? "" : parts.joined(separator: ", ") + ": "
    return "\(lead)expected \(expected), found \(found)"
  }
}

/// `text`, cut where it would be too long for a line.
private func brief(_ text: String) -> String {
  let limit = 300
  return text.utf8.count <= limit ? text : String(text.unicodeScalars.prefix(limit)) + "…"
}

/// `text` in quotation marks, on one line and not endless, whatever a file put into it.
func quoted(_ text: String) -> String {
  let limit = 100
  var result = "\""
  result += String(text.unicodeScalars.prefix(limit)).printable
  return result + (text.unicodeScalars.count > limit ? "…\"" : "\"")
}

/// Two digits for each byte, spaces between them.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 0x10 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}
