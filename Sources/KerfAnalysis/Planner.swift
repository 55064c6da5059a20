// A plan from end to end: what there is, what it may take, what that costs, and the best of it.

internal import KerfBenchmarking
internal import KerfCheckpoints
internal import KerfCodecs
public import KerfConversion
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning
internal import SystemPackage

/// Finds a format for every tensor, so that the total loss is least within a budget.
///
/// Making one opens the input and knows all sizes; ``run(progress:)`` measures what formats cost.
///
/// ```swift
/// let plan = try Planner(PlanRequest(input: "model.gguf", budget: .memory(8 << 30))).run()
/// ```
public struct Planner: Sendable {
  /// What was asked for.
  public let request: PlanRequest

  private let input: Checkpoint
  private let table: KernelTable
  private let model: ModelFacts
  private let importance: ModelImportance?
  private let sizes: PlanSizes
  private let memory: PlanReport.Memory
  private let presets: [PresetDraft]
  private let sample: Sample?

  /// Opens the input, and finds what its tensors may take.
  /// - Throws: ``AnalysisError``.
  public init(_ request: PlanRequest) throws(AnalysisError) {
    self.request = request
    do { table = try KernelTable.current() } catch { throw .codec(error) }
    if request.importance != nil, request.rounding == .reference {
      throw .codec(.importanceOfReference)
    }
    let input: Checkpoint
    let model: ModelFacts
    let file: ImportanceFile?
    do { input = try Checkpoint.model(request.input) } catch { throw AnalysisError(error) }
    do throws(CheckpointError) {
      model = try ModelFacts(of: input)
      file = try request.importance.map { path throws(CheckpointError) in
        try ImportanceFile.open(path)
      }
    } catch { throw .checkpoint(error) }
    let summaries = input.summaries
    self.input = input
    self.model = model
    importance = file.map { ModelImportance($0, tensors: input.tensors) }

    let extent = KeyValueCache(
      context: request.context
        ?? min(PlanRequest.usualContext, max(model.contextLength ?? PlanRequest.usualContext, 1)),
      sequences: request.sequences, format: request.cacheFormat)
    var memory = PlanReport.Memory(
      weights: 0, cache: nil, unknownCache: nil, extent: extent,
      working: WorkingMemory(model, tensors: summaries, cache: extent))
    do { memory.cache = try extent.byteCount(for: model) } catch { memory.unknownCache = error }
    self.memory = memory

    do throws(ConversionError) {
      let draft = { (target: Target, rules: [FormatRule]) throws(ConversionError) in
        try Draft(
          of: input, at: request.input, in: request.container, target: target, rules: rules,
          importance: file, facts: model)
      }
      sizes = try PlanSizes(request, input: input, tensors: summaries, draft)
      presets = PresetDraft.all(input, request.container) { target in try? draft(target, []) }
    } catch { throw AnalysisError(error) }
    sample = Planner.sample(request.extent, elements: sizes.freeElementCount)
  }

  /// Measures, and chooses.
  ///
  /// - Parameter progress: Counts bytes of input as they are done; read it from another thread.
  /// - Throws: ``AnalysisError``.
  public func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> PlanReport {
    let clock = ContinuousClock()
    let start = clock.now
    let budget = sizes.budget(request.budget)
    let least = try draft(sizes.formats(sizes.smallest))
    let leastNeeded = sizes.needed(request.budget, memory, least)
    var formats = sizes.formats(sizes.smallest)
    var costs: [[Format: Trial.Outcome]] = []
    let fits = leastNeeded <= budget
    if fits {
      let nearest = nearestPresets(budget)
      costs = try measure(nearest, progress)
      let choice = sizes.choice(request.budget, memory, presets: nearest) { index, format in
        guard let cost = costs[index][format] else { return 0 }
        // What becomes infinite is no use.
        return cost.loss.overflowed > 0 ? nil : cost.error
      }
      if let choice { formats = sizes.formats(choice) }
    }
    var report = try report(formats, costs, fits: fits, budget: budget)
    report.smallestByteCount = leastNeeded
    report.presets = presets.map { row($0, budget, costs) }
    if request.isEstimatingSpeed, model.attention.kind != .encoder {
      report.speed = speed(report.losses)
    }
    report.losses.total.seconds = (clock.now - start).inSeconds
    return report
  }

  /// The presets that come nearest to the budget from either side: of those that cost no other
  /// formats to be tried, if there are any.
  private func nearestPresets(_ budget: Int) -> [PresetDraft] {
    let free = presets.filter { sizes.canChoose($0) }
    let all = free.isEmpty ? presets : free
    return PresetDraft.nearest(
      all.map { sizes.needed(request.budget, memory, $0) }, to: budget
    ).map { all[$0] }
  }

  // MARK: What formats cost

  /// What formats do to each tensor: those that it may take, and those that presets give it.
  private func measure(
    _ presets: [PresetDraft], _ progress: ConversionProgress
  ) throws(AnalysisError) -> [[Format: Trial.Outcome]] {
    let candidates = input.tensors.indices.filter { input.tensors[$0].format.isDecodable }
      .map { index in
        let wanted = sizes.options[index].map(\.format) + presets.map { $0.formats[index] }
        return (tensor: index, formats: Format.ordered(wanted).filter(\.isEncodable))
      }
    let outcomes = try Trial(
      input: input, candidates, rounding: request.rounding, importance: importance,
      sample: sample, threads: request.threads
    ).run(progress: progress)
    var costs = [[Format: Trial.Outcome]](repeating: [:], count: input.tensors.count)
    for (candidate, outcomes) in zip(candidates, outcomes) {
      for (format, outcome) in zip(candidate.formats, outcomes) {
        costs[candidate.tensor][format] = outcome
      }
    }
    return costs
  }

  private static func sample(_ extent: PlanRequest.Extent, elements: Int) -> Sample? {
    switch extent {
    case .everything: nil
    case .sample(let sample): sample
    case .automatic(let seed):
      elements <= PlanRequest.usualSample
        ? nil : Sample(.share(Double(PlanRequest.usualSample) / Double(elements)), seed: seed)
    }
  }

  // MARK: What is told

  private func draft(_ formats: [Format]) throws(AnalysisError) -> PresetDraft {
    let mix = FormatMix(
      zip(input.tensors, formats).map { .init(name: $0.name, shape: $0.shape, format: $1) })
    do {
      let draft = try Draft(
        of: input, at: request.input, in: request.container, target: .mix(mix),
        importance: importance?.file, facts: model)
      return PresetDraft(name: "", draft: draft)
    } catch { throw AnalysisError(error) }
  }

  private func report(
    _ formats: [Format], _ costs: [[Format: Trial.Outcome]], fits: Bool, budget: Int
  ) throws(AnalysisError) -> PlanReport {
    let draft = try draft(formats)
    var rows: [LossReport.Row] = []
    var measured = 0
    var looked = 0
    for (index, tensor) in input.tensors.enumerated() {
      let cost = costs.isEmpty || tensor.shape.count == 0 ? nil : costs[index][formats[index]]
      rows.append(
        LossReport.Row(
          name: tensor.name, shape: tensor.shape, sourceFormat: tensor.format,
          format: formats[index], wantedFormat: formats[index], sourceByteCount: tensor.byteCount,
          byteCount: draft.byteCounts[index], loss: cost?.loss))
      if let cost {
        looked += cost.measuredElements
        measured += tensor.shape.count
      }
    }
    var total = LossReport.Total(
      elements: rows.reduce(0) { $0 + $1.shape.count },
      bytesIn: rows.reduce(0) { $0 + $1.sourceByteCount }, bytesOut: draft.weightByteCount)
    total.loss = fits ? Loss.total(rows.compactMap(\.loss)) : nil
    var memory = memory
    memory.weights = draft.weightByteCount
    return PlanReport(
      budget: request.budget, budgetByteCount: budget, smallestByteCount: 0, fits: fits,
      container: request.container, rounding: request.rounding,
      losses: LossReport(
        source: request.input.string, target: request.container.rawValue,
        instructionSet: table.instructionSet, rows: rows, total: total,
        isWeighted: importance != nil),
      totalError: fits ? totalError(formats, costs) : nil,
      totalStandardError: sample == nil || importance != nil ? nil : standardError(formats, costs),
      measuredShare: measured > 0 ? Double(looked) / Double(measured) : 1, seed: sample?.seed,
      fileByteCount: draft.fileByteCount, memory: memory, presets: [])
  }

  private func row(
    _ preset: PresetDraft, _ budget: Int, _ costs: [[Format: Trial.Outcome]]
  ) -> PlanReport.PresetRow {
    var memory = memory
    memory.weights = preset.weightByteCount
    return PlanReport.PresetRow(
      name: preset.name, weightByteCount: preset.weightByteCount,
      fileByteCount: preset.fileByteCount, memoryByteCount: memory.total,
      fits: sizes.needed(request.budget, self.memory, preset) <= budget,
      totalError: totalError(preset.formats, costs))
  }

  /// The sum of what tensors cost; `nil` where one of them is not known.
  private func totalError(_ formats: [Format], _ costs: [[Format: Trial.Outcome]]) -> Double? {
    guard !costs.isEmpty else { return nil }
    var sum = CompensatedSum()
    for (index, format) in formats.enumerated() where input.tensors[index].format.isDecodable {
      // What stays the same need not have been looked at.
      if format == input.tensors[index].format { continue }
      guard let cost = costs[index][format] else { return nil }
      sum.add(cost.error)
    }
    return sum.value
  }

  /// How far the total may be from that of everything; tensors are drawn independently.
  private func standardError(_ formats: [Format], _ costs: [[Format: Trial.Outcome]]) -> Double? {
    guard !costs.isEmpty else { return nil }
    let variance = zip(formats, costs).reduce(0.0) { sum, element in
      guard let cost = element.1[element.0], let relative = cost.nmseStandardError else {
        return sum
      }
      let error = relative * cost.loss.squaredReference
      return sum + error * error
    }
    return variance.squareRoot()
  }

  private func speed(_ losses: LossReport) -> PlanReport.Speed? {
    let active = ActiveWeights.byteCount(
      losses.rows.map { ($0.name, $0.byteCount) }, model: model)
    // What the caches hold is not read from memory.
    guard active > ReadBandwidth.cacheByteCount else { return nil }
    return PlanReport.Speed(
      activeByteCount: active,
      readBytesPerSecond: ReadBandwidth.measured(threads: request.threads, table.yardsticks))
  }
}

extension Trial.Outcome {
  /// What is minimised.
  var error: Double { weightedSquaredError ?? loss.squaredError }
}
