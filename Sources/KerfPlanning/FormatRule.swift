public import KerfElements

/// `REGEX=FORMAT`: tensors whose name matches take that format.
public struct FormatRule: @unchecked Sendable {
  /// The expression as it was written.
  public let pattern: String
  /// What the tensors take.
  public let format: Format
  // A compiled expression is immutable, but not marked so.
  private let regex: Regex<AnyRegexOutput>

  /// A rule from `REGEX=FORMAT`; the last `=` divides.
  /// - Throws: ``PlanError/badRule(_:reason:)``.
  public init(_ text: String) throws(PlanError) {
    guard let divider = text.lastIndex(of: "="), divider != text.startIndex else {
      throw .badRule(text, reason: "expected REGEX=FORMAT")
    }
    let name = text[text.index(after: divider)...]
    guard let format = Format(name: name) else {
      throw .badRule(text, reason: "there is no format “\(name)”")
    }
    let pattern = String(text[..<divider])
    do {
      regex = try Regex(pattern)
    } catch {
      throw .badRule(text, reason: "“\(pattern)” is not a regular expression")
    }
    self.pattern = pattern
    self.format = format
  }

  /// Whether the expression matches anywhere in `name`; case matters.
  public func matches(_ name: String) -> Bool { name.firstMatch(of: regex) != nil }
}

/// What cannot be planned.
public enum PlanError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A rule that cannot be read.
  case badRule(String, reason: String)
  /// A rule that matches no tensor of the input.
  case ruleMatchesNothing(String)

  /// One line, for people.
  public var description: String {
    switch self {
    case .badRule(let rule, let reason): "--tensor '\(rule)': \(reason)"
    case .ruleMatchesNothing(let pattern): "--tensor: no tensor matches “\(pattern)”"
    }
  }
}
