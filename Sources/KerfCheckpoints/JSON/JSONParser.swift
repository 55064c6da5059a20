// Knows JSON's grammar (RFC 8259) and nothing else.
//
// One pass over the bytes, one function a production. Strict: what the grammar does not allow is
// refused, and so are duplicate names, unpaired surrogates, text that is not UTF-8, numbers out of
// a double's range and values nested deeper than `maximumDepth`. A fault says at which byte.

extension JSONValue {
  /// The value that `text` says, all of it.
  ///
  /// - Throws: ``Malformation`` for text that is not strict JSON, its offset counted from the
  ///   start of `text`.
  package init(parsing text: [UInt8]) throws(Malformation) {
    var parser = JSONParser(text)
    self = try parser.document()
  }
}

struct JSONParser {
  /// Arrays and objects inside one another; as many as the readers in common use allow.
  static let maximumDepth = 127

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// A value, surrounded by nothing but white space.
  mutating func document() throws(Malformation) -> JSONValue {
    let result = try value(depth: 0)
    skipWhiteSpace()
    guard position == bytes.count else { throw fault("nothing but spaces after the JSON value") }
    return result
  }

  private mutating func value(depth: Int) throws(Malformation) -> JSONValue {
    skipWhiteSpace()
    guard let byte = next else { throw fault("a JSON value") }
    switch byte {
    case UInt8(ascii: "{"):
      try checkDepth(depth)
      return .object(try object(depth: depth + 1))
    case UInt8(ascii: "["):
      try checkDepth(depth)
      return .array(try array(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: throw fault("a JSON value")
    }
  }

  private func checkDepth(_ depth: Int) throws(Malformation) {
    guard depth < JSONParser.maximumDepth else {
      throw fault("at most \(JSONParser.maximumDepth) values inside one another", found: "more")
    }
  }

  // MARK: Arrays and objects

  private mutating func array(depth: Int) throws(Malformation) -> [JSONValue] {
    position += 1
    var elements: [JSONValue] = []
    if takes("]") { return elements }
    while true {
      elements.append(try value(depth: depth))
      if takes("]") { return elements }
      guard takes(",") else { throw fault("\",\" or \"]\"") }
    }
  }

  private mutating func object(depth: Int) throws(Malformation) -> JSONObject {
    position += 1
    var members: [JSONObject.Member] = []
    var names: Set<UTF8Name> = []
    if takes("}") { return JSONObject(members: members) }
    while true {
      skipWhiteSpace()
      guard next == UInt8(ascii: "\"") else { throw fault("a member's name in quotation marks") }
      let offset = position
      let name = try string()
      guard isNew(name, among: members, &names) else {
        throw Malformation(
          .duplicate, at: .init(offset: offset), expected: "a name that the object has once",
          found: "\(quoted(name)) again")
      }
      guard takes(":") else { throw fault("\":\"") }
      members.append(.init(name: name, value: try value(depth: depth), offset: offset))
      if takes("}") { return JSONObject(members: members) }
      guard takes(",") else { throw fault("\",\" or \"}\"") }
    }
  }

  /// Compares with each name while they are few, by hash when they are many: a tensor's
  /// description has three members, a header may have a hundred thousand.
  private func isNew(
    _ name: String, among members: [JSONObject.Member], _ names: inout Set<UTF8Name>
  ) -> Bool {
    let few = 8
    if members.count < few { return !members.contains { $0.name.hasSameBytes(as: name) } }
    if names.isEmpty { names = Set(members.map { UTF8Name($0.name) }) }
    return names.insert(UTF8Name(name)).inserted
  }

  // MARK: Strings

  private mutating func string() throws(Malformation) -> String {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
    }
    if next == UInt8(ascii: "\"") {
      defer { position += 1 }
      return try text(bytes[start..<position], at: start)
    }

    // An escape: the rest is unescaped into bytes of its own.
    var unescaped = Array(bytes[start..<position])
    while let byte = next, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\\") {
        try escape(into: &unescaped)
      } else if byte >= 0x20 {
        unescaped.append(byte)
        position += 1
      } else {
        throw fault("control characters to be escaped")
      }
    }
    guard next != nil else { throw fault("a closing quotation mark") }
    position += 1
    return try text(unescaped[...], at: start)
  }

  private func text(_ slice: ArraySlice<UInt8>, at start: Int) throws(Malformation) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw Malformation(
        .encoding, at: .init(offset: start), expected: "UTF-8 text", found: "other bytes")
    }
    return text
  }

  private mutating func escape(into result: inout [UInt8]) throws(Malformation) {
    position += 1
    let letter = next
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(letter!)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"): result.append(contentsOf: try unicodeEscape().utf8)
    default:
      position -= 1
      throw fault("an escape that JSON knows")
    }
  }

  /// `XXXX`, or `XXXX\uXXXX` where the first is the high half of a surrogate pair.
  private mutating func unicodeEscape() throws(Malformation) -> String {
    let high = try hexadecimal()
    if let scalar = Unicode.Scalar(high) { return String(scalar) }
    guard high < 0xDC00, next == UInt8(ascii: "\\") else { throw unpaired }
    position += 1
    guard next == UInt8(ascii: "u") else { throw unpaired }
    position += 1
    let low = try hexadecimal()
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw unpaired }
    return String(scalar)
  }

  private var unpaired: Malformation { fault("surrogates in pairs", found: "one alone") }

  private mutating func hexadecimal() throws(Malformation) -> UInt32 {
    var result: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault("four hexadecimal digits")
      }
      result = result << 4 | UInt32(digit)
      position += 1
    }
    return result
  }

  // MARK: Numbers and words

  private mutating func number() throws(Malformation) -> JSONValue {
    let start = position
    let isNegative = takesHere("-")
    let firstDigit = next
    var magnitude: UInt64? = 0
    let digits = takeDigits { digit in
      magnitude = magnitude.flatMap {
        let (tens, overflow) = $0.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tens.addingReportingOverflow(digit)
        return overflow || carry ? nil : sum
      }
    }
    guard digits > 0 else { throw fault("a digit") }
    guard digits == 1 || firstDigit != UInt8(ascii: "0") else {
      throw fault("a number without leading zeros", found: "more digits")
    }
    var isInteger = true
    if takesHere(".") {
      isInteger = false
      guard takeDigits({ _ in }) > 0 else { throw fault("a digit") }
    }
    if takesHere("e") || takesHere("E") {
      isInteger = false
      _ = takesHere("+") || takesHere("-")
      guard takeDigits({ _ in }) > 0 else { throw fault("a digit") }
    }
    if isInteger, let magnitude {
      if !isNegative { return .unsigned(magnitude) }
      if magnitude != 0, let value = Int64(exactly: 0 - Int128(magnitude)) {
        return .negative(value)
      }
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value.isFinite else {
      throw Malformation(
        .syntax, at: .init(offset: start), expected: "a number that a double can hold",
        found: quoted(text))
    }
    return .double(value)
  }

  /// Steps over decimal digits and returns how many there were.
  private mutating func takeDigits(_ body: (UInt64) -> Void) -> Int {
    let start = position
    while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      body(UInt64(byte - UInt8(ascii: "0")))
      position += 1
    }
    return position - start
  }

  private mutating func literal(
    _ word: String, _ value: JSONValue
  ) throws(Malformation) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw fault("a JSON value") }
    position += word.utf8.count
    return value
  }

  // MARK: Bytes

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipWhiteSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  /// Steps over `character` if it stands here.
  private mutating func takesHere(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Steps over `character` if it is the next one but for white space.
  private mutating func takes(_ character: Unicode.Scalar) -> Bool {
    skipWhiteSpace()
    return takesHere(character)
  }

  private func fault(_ expected: String, found: String? = nil) -> Malformation {
    let here = next.map { byte in
      byte < 0x80 ? quoted(String(Unicode.Scalar(byte))) : "byte 0x\(String(byte, radix: 16))"
    }
    return Malformation(
      .syntax, at: .init(offset: position), expected: expected,
      found: found ?? here ?? "the end of the text")
  }
}
