// A conversion from end to end: open, plan, lay out; then stream and give the file its name.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
internal import KerfLayouts
public import KerfMetrics
internal import KerfPlanning
internal import SystemPackage

/// A conversion that has been planned and can be run.
///
/// Making one opens the input and decides every tensor's format and place, so that what cannot be
/// done is known before any work.
///
/// ```swift
/// let conversion = try Conversion(ConversionRequest(input: "a.safetensors", output: "a.gguf", target: .q4_0))
/// let report = try conversion.run()
/// ```
public struct Conversion: Sendable {
  /// The request that this is the plan of.
  public private(set) var request: ConversionRequest
  /// Every tensor with its formats and sizes; losses are absent until ``run(progress:)``.
  public let plannedReport: LossReport
  /// What a user should know before the work.
  public let remarks: [Remark]

  private let input: Checkpoint
  private let output: Output
  private let passages: [Passage]
  private let importance: ModelImportance?

  /// Opens the input and plans.
  /// - Throws: ``ConversionError``.
  public init(_ request: ConversionRequest) throws(ConversionError) {
    self.request = request
    let table: KernelTable
    do { table = try KernelTable.current() } catch { throw .codec(error) }

    if request.layout == nil { _ = try Output.container(request) }
    let input = try Checkpoint.model(request.input)
    guard !Checkpoint.isFile(request.output, of: request.input) else {
      throw .outputIsInput(request.output)
    }

    let importance = try Conversion.importance(request, input)
    let output = try Output(request, of: input, importance?.file)

    var rows: [LossReport.Row] = []
    var passages: [Passage] = []
    for ((tensor, choice), placed) in zip(zip(input.tensors, output.choices), output.placed) {
      guard
        let passage = Passage(
          from: tensor.format, to: placed.format, rounding: request.rounding, table: table)
      else {
        throw .notYet(request.input, tensor: tensor.name, from: tensor.format, to: placed.format)
      }
      passages.append(passage)
      rows.append(Conversion.row(tensor, choice, placed))
    }
    var remarks: [Remark] = []
    if let importance {
      remarks = try Conversion.weigh(&rows, importance, passages)
    }
    self.input = input
    self.output = output
    self.passages = passages
    self.importance = importance
    plannedReport = LossReport(
      source: request.input.string, target: request.output.string,
      instructionSet: table.instructionSet, rows: rows,
      total: LossReport.Total(
        elements: rows.reduce(0) { $0 + $1.shape.count },
        bytesIn: rows.reduce(0) { $0 + $1.sourceByteCount },
        bytesOut: rows.reduce(0) { $0 + $1.byteCount }),
      isWeighted: importance != nil)
    self.remarks = Remark.all(rows: rows, metadata: output.metadata) + remarks

    if request.isStrict {
      let fallbacks = rows.filter(\.isFallback).map { row in
        ConversionError.Objection.fallback(
          tensor: row.name, wanted: row.wantedFormat, got: row.format, columns: row.shape.columns)
      }
      if !fallbacks.isEmpty { throw .refused(request.input, fallbacks) }
    }
  }

  /// Does the work and returns what it cost.
  ///
  /// The output appears under its name when it is whole and on the disk; if anything fails, nothing
  /// does. The input is only read.
  ///
  /// - Parameter progress: Counts bytes of input as they are done; read it from another thread.
  /// - Throws: ``ConversionError``.
  public func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(ConversionError) -> LossReport {
    let clock = ContinuousClock()
    let start = clock.now
    progress.begin(totalByteCount: plannedReport.total.bytesIn)
    let sink = try output.open(request, of: input)
    var losses: [LossAccumulator?] = []
    for batch in output.batches {
      let passages = try decided(batch, sink)
      // A strict conversion has to see every element.
      losses += try Pipeline(
        input: input, output: sink, placed: output.placed, units: output.units,
        passages: passages, importance: importance,
        isMeasuring: request.isMeasuring || request.isStrict, progress: progress
      ).run(batch, threads: request.threads)
    }

    var report = plannedReport
    if request.isStrict {
      let objections = zip(report.rows, losses).flatMap { Conversion.objections($0, $1?.loss) }
      if !objections.isEmpty { throw .refused(request.input, objections) }
    }
    try sink.commit()

    if request.isMeasuring {
      var total = LossAccumulator()
      for (index, accumulator) in losses.enumerated() {
        report.rows[index].loss = accumulator?.loss
        if let accumulator { total.add(accumulator) }
      }
      report.total.loss = total.loss
    }
    report.total.seconds = (clock.now - start).inSeconds
    return report
  }

  /// The passages, with what has been decided for whole matrices among some tensors.
  private func decided(
    _ tensors: Range<Int>, _ sink: any Sink
  ) throws(ConversionError) -> [Passage] {
    guard case .model(let draft) = output, let sink = sink as? ModelSink else { return passages }
    let kinds = draft.decided.filter { tensors.contains($0.key) }
    guard !kinds.isEmpty else { return passages }
    let table: KernelTable
    do { table = try KernelTable.current() } catch { throw .codec(error) }
    let decisions = try ScaleDecisions(
      input: input, placed: output.placed, passages: passages, importance: importance,
      rounding: request.rounding, threads: request.threads, table: table
    ).decide(kinds)
    var passages = passages
    for (index, decision) in decisions {
      passages[index] = decision.passage
      try laidOut { () throws(LayoutError) in try sink.writer.write(decision.scales, of: index) }
    }
    return passages
  }

  private static func objections(
    _ row: LossReport.Row, _ loss: Loss?
  ) -> [ConversionError.Objection] {
    guard let loss else { return [] }
    var objections: [ConversionError.Objection] = []
    if loss.nonFinite > 0 {
      objections.append(.nonFinite(tensor: row.name, count: loss.nonFinite))
    }
    if loss.overflowed > 0 {
      objections.append(.overflow(tensor: row.name, count: loss.overflowed))
    }
    return objections
  }

  private static func row(
    _ tensor: TensorDescription, _ choice: FormatChoice, _ placed: TensorDescription
  ) -> LossReport.Row {
    let format = placed.format
    var row = LossReport.Row(
      name: tensor.name, shape: tensor.shape, sourceFormat: tensor.format, format: format,
      wantedFormat: choice.isFallback ? choice.wanted : format,
      sourceByteCount: tensor.storedByteCount, byteCount: placed.storedByteCount)
    if choice.isFallback {
      row.addNote(
        "rows of \(tensor.shape.columns) do not fill blocks of \(choice.wanted): \(format) instead")
    }
    if tensor.format.kind == .block && format != tensor.format {
      row.addNote("requantized from \(tensor.format): its loss comes on top")
    }
    return row
  }

  /// The importance matrix that is asked for.
  private static func importance(
    _ request: ConversionRequest, _ input: Checkpoint
  ) throws(ConversionError) -> ModelImportance? {
    guard let path = request.importance else { return nil }
    let importance = try ModelImportance(at: path, of: input, rounding: request.rounding)
    guard !path.isSameFile(as: request.output) else { throw .outputIsImportance(request.output) }
    return importance
  }

  /// Notes what the importance matrix does not say, tensor by tensor; returns it in short.
  private static func weigh(
    _ rows: inout [LossReport.Row], _ importance: ModelImportance, _ passages: [Passage]
  ) throws(ConversionError) -> [Remark] {
    var (quantized, without, flat, unused) = (0, 0, 0, 0)
    var formats: Set<Format> = []
    for index in rows.indices
    where ModelImportance.counts(rows[index].sourceFormat, rows[index].format) {
      quantized += 1
      guard importance.hasEntry(index) else {
        without += 1
        rows[index].addNote("no importance")
        continue
      }
      let clean = try importance.importance(of: index)
      if clean.flatCount > 0 {
        flat += 1
        rows[index].addNote(
          "importance is zero or no number for \(clean.flatCount) of \(counted(clean.count, "column"))"
        )
      }
      if !passages[index].takesImportance {
        unused += 1
        formats.insert(rows[index].format)
      }
    }
    var remarks: [Remark] = []
    if without > 0 { remarks.append(.withoutImportance(count: without, of: quantized)) }
    if flat > 0 { remarks.append(.flatImportance(count: flat)) }
    if unused > 0 {
      remarks.append(
        .importanceUnused(formats: Format.ordered(formats), count: unused))
    }
    if let first = importance.unmatched.first {
      remarks.append(.importanceOfNothing(count: importance.unmatched.count, first: first))
    }
    return remarks
  }
}
