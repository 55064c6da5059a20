// Knows how a value is written as people lay JSON out: a member or element a line, two spaces in.

extension JSONValue {
  /// The value as text, ending in a line break.
  package var text: [UInt8] {
    var text: [UInt8] = []
    append(to: &text, indentation: 0)
    text.append(UInt8(ascii: "\n"))
    return text
  }

  /// The value as text without any white space.
  package var compactText: [UInt8] {
    var text: [UInt8] = []
    append(to: &text, indentation: nil)
    return text
  }

  /// - Parameter indentation: Spaces before each line; `nil` for none, and no lines.
  private func append(to text: inout [UInt8], indentation: Int?) {
    switch self {
    case .null: text += "null".utf8
    case .bool(let value): text += (value ? "true" : "false").utf8
    case .unsigned(let value): text += String(value).utf8
    case .negative(let value): text += String(value).utf8
    case .double(let value): text += String(value).utf8
    case .string(let value): text.appendJSON(value)
    case .array(let elements):
      JSONValue.append(elements, "[", "]", to: &text, indentation) { element, text, indentation in
        element.append(to: &text, indentation: indentation)
      }
    case .object(let object):
      JSONValue.append(object.members, "{", "}", to: &text, indentation) {
        member, text, indentation in
        text.appendJSON(member.name)
        text.append(UInt8(ascii: ":"))
        if indentation != nil { text.append(UInt8(ascii: " ")) }
        member.value.append(to: &text, indentation: indentation)
      }
    }
  }

  private static func append<Element>(
    _ elements: [Element], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar,
    to text: inout [UInt8], _ indentation: Int?, _ append: (Element, inout [UInt8], Int?) -> Void
  ) {
    func line(_ indentation: Int?) {
      guard let indentation else { return }
      text.append(UInt8(ascii: "\n"))
      for _ in 0..<indentation { text.append(UInt8(ascii: " ")) }
    }
    let inner = indentation.map { $0 + 2 }
    text.append(UInt8(ascii: opening))
    for (index, element) in elements.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      line(inner)
      append(element, &text, inner)
    }
    if !elements.isEmpty { line(indentation) }
    text.append(UInt8(ascii: closing))
  }
}

extension JSONObject {
  /// A member that stands in no text.
  package static func member(_ name: String, _ value: JSONValue) -> Member {
    Member(name: name, value: value, offset: 0)
  }

  /// The object with `value` under `name`, in the place of what it has there, or at the end;
  /// without the name where there is no value.
  package func setting(_ name: String, _ value: JSONValue?) -> JSONObject {
    var members = members
    let index = members.firstIndex { $0.name.hasSameBytes(as: name) }
    switch (index, value) {
    case (let index?, let value?):
      members[index] = Member(name: name, value: value, offset: members[index].offset)
    case (let index?, nil): members.remove(at: index)
    case (nil, let value?): members.append(Member(name: name, value: value, offset: 0))
    case (nil, nil): break
    }
    return JSONObject(members: members)
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self.init(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }

  package init(_ value: Int) {
    self = value < 0 ? .negative(Int64(value)) : .unsigned(UInt64(value))
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral members: (String, JSONValue)...) {
    self.init(members: members.map { JSONObject.member($0, $1) })
  }
}
