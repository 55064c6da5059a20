public import KerfElements

/// `REGEX=FORMAT`: tensors whose name matches take that format.
public struct FormatRule: Sendable {
  /// What the tensors take, as users call it.
  public let name: FormatName
  private let expression: NameExpression

  /// The expression as it was written.
  public var pattern: String { expression.pattern }
  /// The option that it was given with, for messages.
  public var option: String { expression.option }

  /// A rule from `REGEX=FORMAT`; the last `=` divides.
  /// - Parameter option: The option it was given with, for messages.
  /// - Throws: ``PlanError/badRule(_:reason:option:)``.
  public init(_ text: String, option: String = "--tensor") throws(PlanError) {
    func bad(_ reason: String) -> PlanError { .badRule(text, reason: reason, option: option) }
    guard let divider = text.lastIndex(of: "="), divider != text.startIndex else {
      throw bad("expected REGEX=FORMAT")
    }
    let name = text[text.index(after: divider)...]
    guard let format = FormatName(name) else { throw bad("there is no format “\(name)”") }
    expression = try NameExpression(String(text[..<divider]), option: option)
    self.name = format
  }

  /// Whether the expression matches anywhere in `name`; case matters.
  public func matches(_ name: String) -> Bool { expression.matches(name) }

  /// What a tensor of `shape` is to take; f16 where groups cannot be as long as its rows.
  package func format(for shape: Shape) -> Format { name.format(columns: shape.columns) ?? .f16 }
}

/// A regular expression over names of tensors.
public struct NameExpression: @unchecked Sendable {
  /// The expression as it was written.
  public let pattern: String
  /// The option that it was given with, for messages.
  public let option: String
  // A compiled expression is immutable, but not marked so.
  private let regex: Regex<AnyRegexOutput>

  /// The expression `pattern`.
  /// - Parameter option: The option it was given with, for messages.
  /// - Throws: ``PlanError/badRule(_:reason:option:)``.
  public init(_ pattern: String, option: String) throws(PlanError) {
    do {
      regex = try Regex(pattern)
    } catch {
      throw .badRule(pattern, reason: "it is not a regular expression", option: option)
    }
    self.pattern = pattern
    self.option = option
  }

  /// Whether the expression matches anywhere in `name`; case matters.
  public func matches(_ name: String) -> Bool { name.firstMatch(of: regex) != nil }
}

/// What cannot be planned.
public enum PlanError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A rule that cannot be read.
  case badRule(String, reason: String, option: String = "--tensor")
  /// A rule that matches no tensor of the input.
  case ruleMatchesNothing(String, option: String = "--tensor")
  /// A mix that was made for other tensors; the words say where they differ.
  case otherTensors(String)
  /// A tensor for which bounds, or the output's container, leave no format.
  case noFormatLeft(tensor: String)
  /// More bytes than can be counted.
  case uncountable

  /// One line, for people.
  public var description: String {
    switch self {
    case .badRule(let rule, let reason, let option): "\(option) '\(rule)': \(reason)"
    case .ruleMatchesNothing(let pattern, let option): "\(option): no tensor matches “\(pattern)”"
    case .otherTensors(let difference): "the plan is of another file: \(difference)"
    case .noFormatLeft(let tensor):
      "tensor “\(tensor)”: no format is left that it may take; --formats, --min and --max choose "
        + "among those that the output's container holds"
    case .uncountable: "its tensors have more bytes than can be counted"
    }
  }
}
