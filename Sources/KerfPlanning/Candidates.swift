package import KerfElements

/// The formats that a tensor may take in a plan.
package struct Candidates: Sendable {
  /// What was asked for; `nil` for the usual ones, and what the tensor is.
  private let wanted: [Format]?
  private let canHold: @Sendable (Format) -> Bool
  private let keep: [NameExpression]
  private let minima: [FormatRule]
  private let maxima: [FormatRule]

  /// - Parameters:
  ///   - wanted: What tensors may take; `nil` for the usual formats, and what they are.
  ///   - canHold: Whether the output has a type for a format.
  ///   - keep: Tensors that stay what they are.
  ///   - minima: Tensors that take at least a format's bits.
  ///   - maxima: Tensors that take at most a format's bits.
  package init(
    _ wanted: [Format]?, canHold: @escaping @Sendable (Format) -> Bool,
    keep: [NameExpression] = [], minima: [FormatRule] = [], maxima: [FormatRule] = []
  ) {
    self.wanted = wanted
    self.canHold = canHold
    self.keep = keep
    self.minima = minima
    self.maxima = maxima
  }

  /// Where rows fill blocks of 256; each is the closest of its size, or nearly.
  private static let wide: [Format] = [
    .f16, .bf16, .q8_0, .q6_K, .q5_K, .q4_K, .iq4_xs, .q3_K, .q2_K,
  ]
  /// Where they fill smaller ones only.
  private static let narrow: [Format] = [.f16, .bf16, .q8_0, .q5_1, .q5_0, .q4_1, .iq4_nl, .q4_0]

  /// Whether a tensor of that name stays what it is.
  package func keeps(_ name: String) -> Bool { keep.contains { $0.matches(name) } }

  /// The formats that `tensor` may take, the largest first.
  /// - Throws: ``PlanError/noFormatLeft(tensor:)``.
  package func formats(for tensor: TensorSummary) throws(PlanError) -> [Format] {
    let columns = tensor.shape.columns
    let usual = columns.isMultiple(of: 256) ? Candidates.wide : Candidates.narrow
    var formats = (wanted ?? usual).map { $0.fitting(tensor.shape) }
    if wanted == nil, canHold(tensor.format) {
      // What stays as it is loses nothing, so what is larger is no use.
      let bits = tensor.format.bitsPerWeight
      formats = formats.filter { $0.bitsPerWeight < bits }
      formats.append(tensor.format)
    }
    let least = bits(minima, tensor) ?? 0
    let most = bits(maxima, tensor) ?? .infinity
    let allowed = Set(
      formats.filter { canHold($0) && (least...max(least, most)) ~= $0.bitsPerWeight })
    guard !allowed.isEmpty, least <= most else { throw .noFormatLeft(tensor: tensor.name) }
    return Format.ordered(allowed)
      .sorted { ($1.bitsPerWeight) < ($0.bitsPerWeight) }
  }

  /// The bits of the format that the first of `bounds` has for a tensor.
  private func bits(_ bounds: [FormatRule], _ tensor: TensorSummary) -> Double? {
    bounds.first { $0.matches(tensor.name) }?.format(for: tensor.shape).bitsPerWeight
  }

  /// - Throws: ``PlanError/ruleMatchesNothing(_:option:)`` for an expression that fits no name.
  package func check(against names: [String]) throws(PlanError) {
    let expressions =
      keep.map { ($0.pattern, $0.option, $0.matches) }
      + (minima + maxima).map { ($0.pattern, $0.option, $0.matches) }
    for (pattern, option, matches) in expressions where !names.contains(where: matches) {
      throw .ruleMatchesNothing(pattern, option: option)
    }
  }
}
