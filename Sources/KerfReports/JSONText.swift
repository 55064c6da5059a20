// How values become JSON: one way for every report and list.
//
// There is one JSON value in the house, which headers and configs are read as. A report is a tree of
// those, and what a reader calls an object is `JSONMembers` here.

package import KerfCheckpoints

/// Texts of JSON.
package enum JSONText {
  /// The text of `value`, a member or element a line.
  package static func text(of value: some JSONRepresentable) -> String {
    String(decoding: value.jsonValue.text.dropLast(), as: UTF8.self)
  }

  /// The same in as few bytes as it takes, for programs alone.
  package static func compact(_ value: some JSONRepresentable) -> String {
    String(decoding: value.jsonValue.compactText, as: UTF8.self)
  }
}

/// What JSON can hold. What is absent, or is no finite number, is null.
package protocol JSONRepresentable {
  var jsonValue: JSONValue { get }
}

/// The members of an object. They are written in the order of their names, each once.
package struct JSONMembers: JSONRepresentable, ExpressibleByDictionaryLiteral {
  private var members: [(name: String, value: JSONValue)]

  package init(dictionaryLiteral members: (String, any JSONRepresentable)...) {
    self.members = members.map { ($0, $1.jsonValue) }
  }

  /// Adds a member; of two with the same name the first one stays.
  package mutating func add(_ name: String, _ value: some JSONRepresentable) {
    members.append((name, value.jsonValue))
  }

  /// Adds members.
  package mutating func add(_ more: some Sequence<(name: String, value: some JSONRepresentable)>) {
    members += more.map { ($0.name, $0.value.jsonValue) }
  }

  package mutating func add(_ more: JSONMembers) { members += more.members }

  package var jsonValue: JSONValue {
    // Sorting is stable.
    var sorted: [JSONObject.Member] = []
    sorted.reserveCapacity(members.count)
    for member in members.sorted(by: { $0.name < $1.name })
    where sorted.last?.name != member.name {
      sorted.append(JSONObject.member(member.name, member.value))
    }
    return .object(JSONObject(members: sorted))
  }
}

extension JSONValue: JSONRepresentable {
  package var jsonValue: JSONValue { self }
}

extension String: JSONRepresentable {
  package var jsonValue: JSONValue { .string(self) }
}

extension Bool: JSONRepresentable {
  package var jsonValue: JSONValue { .bool(self) }
}

extension Int: JSONRepresentable {
  package var jsonValue: JSONValue { JSONValue(self) }
}

extension UInt64: JSONRepresentable {
  package var jsonValue: JSONValue { .unsigned(self) }
}

extension Double: JSONRepresentable {
  package var jsonValue: JSONValue { isFinite ? .double(self) : .null }
}

extension Optional: JSONRepresentable where Wrapped: JSONRepresentable {
  package var jsonValue: JSONValue { self?.jsonValue ?? .null }
}

extension Array: JSONRepresentable where Element: JSONRepresentable {
  package var jsonValue: JSONValue { .array(map { $0.jsonValue }) }
}
