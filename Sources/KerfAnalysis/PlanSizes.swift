// Sizes of everything that a plan may be made of, known before any data is read.

internal import KerfCheckpoints
internal import KerfConversion
internal import KerfElements
internal import KerfPlanning

/// What tensors may take, and the bytes of that.
struct PlanSizes: Sendable {
  /// One format of a tensor.
  struct Option: Sendable {
    let format: Format
    let byteCount: Int
    /// With what a file needs to align the next tensor.
    let paddedByteCount: Int
  }

  /// The formats of each tensor; one where it has no choice.
  let options: [[Option]]
  /// Elements of tensors that have a choice.
  let freeElementCount: Int
  /// Elements of all tensors.
  private let elementCount: Int
  /// Bytes of the file before its tensors, padding included.
  private let headerByteCount: Int

  init(
    _ request: PlanRequest, input: Checkpoint, tensors: [TensorSummary],
    _ draft: (Target, [FormatRule]) throws(ConversionError) -> Draft
  ) throws(ConversionError) {
    let container = request.container
    let candidates = Candidates(
      request.formats, canHold: { container.canHold($0) }, keep: request.keep,
      minima: request.minima, maxima: request.maxima)
    // Whatever is quantized here, what is kept stays the same.
    let base = try draft(container == .gguf ? .format(.q8_0) : .format(.f16), request.rules)
    var alignment = 1
    if case .gguf(let entries) = base.metadata {
      alignment = entries[key: "general.alignment"]?.integer ?? 32
    }
    var options: [[Option]] = []
    var freeElementCount = 0
    do throws(PlanError) {
      try candidates.check(against: tensors.map(\.name))
      for (index, tensor) in tensors.enumerated() {
        let stored = base.layout.tensors[index].format
        let isRuled = request.rules.contains { $0.matches(tensor.name) }
        var formats = [stored]
        if !isRuled, base.choices[index].kept == nil {
          let stays = candidates.keeps(tensor.name) || !tensor.format.isDecodable
          formats = stays ? [tensor.format] : try candidates.formats(for: tensor)
        } else if container == .safetensors, !isRuled, container.canHold(tensor.format) {
          formats = [tensor.format]
        }
        if formats.count > 1 { freeElementCount += tensor.shape.count }
        options.append(
          formats.compactMap { format in
            guard let count = container.byteCount(of: format, tensor.shape) else { return nil }
            return Option(
              format: format, byteCount: count,
              paddedByteCount: count.roundedUp(toMultipleOf: alignment) ?? .max)
          })
        if options[index].isEmpty { throw .noFormatLeft(tensor: tensor.name) }
      }
    } catch { throw .plan(error) }
    guard
      let most = BudgetSolver.largest(options.map { $0.map(\.paddedByteCount) }), most < 1 << 60
    else { throw .plan(.uncountable) }
    self.options = options
    self.freeElementCount = freeElementCount
    elementCount = tensors.reduce(0) { $0 + $1.shape.count }
    // In safetensors the header's length depends on formats: their names differ by one letter.
    let header = base.layout.tensors.map(\.offset).min() ?? base.layout.fileSize
    headerByteCount = header + (container == .gguf ? 0 : input.tensors.count + 8)
  }

  // MARK: Budgets

  /// The budget in bytes.
  func budget(_ budget: Budget) -> Int {
    switch budget {
    case .memory(let count), .fileSize(let count): count
    case .bitsPerWeight(let bits):
      Int(exactly: (bits * Double(elementCount) / 8).rounded(.down)) ?? .max
    }
  }

  /// Bytes that a budget has to hold besides tensors; `nil` where they cannot be counted.
  func fixedByteCount(_ budget: Budget, _ memory: PlanReport.Memory) -> Int? {
    switch budget {
    case .memory: checkedSum(memory.cache ?? 0, memory.working.byteCount)
    case .fileSize: headerByteCount
    case .bitsPerWeight: 0
    }
  }

  /// Bytes that a budget would have to be for a file of these sizes.
  func needed(_ budget: Budget, _ memory: PlanReport.Memory, _ draft: PresetDraft) -> Int {
    switch budget {
    case .fileSize: draft.fileByteCount
    case .memory, .bitsPerWeight:
      fixedByteCount(budget, memory).flatMap { checkedSum($0, draft.weightByteCount) } ?? .max
    }
  }

  /// Bytes that an option counts.
  private func byteCount(_ option: Option, _ budget: Budget) -> Int {
    if case .fileSize = budget { option.paddedByteCount } else { option.byteCount }
  }

  // MARK: Choices

  /// The smallest option of each tensor.
  var smallest: [Int] {
    options.map { options in
      options.indices.min {
        (options[$0].byteCount, $0) < (options[$1].byteCount, $1)
      } ?? 0
    }
  }

  /// Whether every tensor may take what a preset gives it.
  func canChoose(_ preset: PresetDraft) -> Bool {
    zip(options, preset.formats).allSatisfy { options, format in
      options.contains { $0.format == format }
    }
  }

  /// The formats of a choice.
  func formats(_ choice: [Int]) -> [Format] { zip(options, choice).map { $0[$1].format } }

  /// The choice that costs least within a budget; `nil` where nothing fits.
  ///
  /// - Parameters:
  ///   - presets: What it is to be no worse than, where they may be chosen.
  ///   - cost: What a format costs a tensor; `nil` where it is no use.
  func choice(
    _ budget: Budget, _ memory: PlanReport.Memory, presets: [PresetDraft],
    cost: (Int, Format) -> Double?
  ) -> [Int]? {
    guard let fixed = fixedByteCount(budget, memory) else { return nil }
    // Where no format will do, all do alike.
    let usable = options.indices.map { index in
      let usable = options[index].indices.filter { cost(index, options[index][$0].format) != nil }
      return usable.isEmpty ? Array(options[index].indices) : usable
    }
    let items = usable.enumerated().map { index, usable in
      usable.map { number in
        let option = options[index][number]
        return BudgetSolver.Option(
          byteCount: byteCount(option, budget), loss: cost(index, option.format) ?? 0)
      }
    }
    let (room, overflow) = self.budget(budget).subtractingReportingOverflow(fixed)
    let known = presets.compactMap { preset -> [Int]? in
      let numbers = usable.enumerated().compactMap { index, usable in
        usable.firstIndex { options[index][$0].format == preset.formats[index] }
      }
      return numbers.count == options.count ? numbers : nil
    }
    guard !overflow, let choice = BudgetSolver.choice(of: items, budget: room, known: known) else {
      return nil
    }
    return zip(usable, choice).map { $0[$1] }
  }
}
