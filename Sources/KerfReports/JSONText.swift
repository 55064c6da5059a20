#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// How values become JSON: one way for every report and list.
package enum JSONText {
  /// The text of `value`: indented, keys sorted, slashes as they are.
  ///
  /// - Precondition: `value` encodes strings, integers, truth values and finite doubles only.
  package static func text(of value: some Encodable) -> String {
    text(of: value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
  }

  /// The same in as few bytes as it takes, for programs alone.
  package static func compact(_ value: some Encodable) -> String {
    text(of: value, [.sortedKeys, .withoutEscapingSlashes])
  }

  private static func text(
    of value: some Encodable, _ formatting: JSONEncoder.OutputFormatting
  ) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      preconditionFailure("a value that JSON cannot hold: \(error)")
    }
  }
}

/// A key by its name.
package struct JSONKey: CodingKey, ExpressibleByStringLiteral {
  package let stringValue: String
  package var intValue: Int? { nil }
  package init(stringValue: String) { self.stringValue = stringValue }
  package init?(intValue: Int) { nil }
  package init(stringLiteral: String) { stringValue = stringLiteral }
}
