// Two weight files, tensor by tensor: open both, match their tensors, then read them side by side.

internal import KerfCheckpoints
internal import KerfCodecs
public import KerfConversion
internal import KerfElements
public import KerfMetrics
internal import KerfPlanning
internal import SystemPackage

/// A comparison of two weight files that has been planned and can be run.
///
/// Making one opens both files and finds which of their tensors are the same, so that what cannot be
/// compared is known before any work. Neither file is written to.
///
/// ```swift
/// let request = MeasureRequest(reference: "model.safetensors", candidate: "model-q4_0.gguf")
/// let report = try Measurement(request).run()
/// ```
public struct Measurement: Sendable {
  /// The request that this is the plan of.
  public let request: MeasureRequest
  /// Every pair with its formats and sizes; losses are absent until ``run(progress:)``.
  public let plannedReport: LossReport

  private let parts: [ComparedPart]
  private let table: KernelTable

  /// Opens both files and matches their tensors.
  /// - Throws: ``AnalysisError``.
  public init(_ request: MeasureRequest) throws(AnalysisError) {
    self.request = request
    do { table = try KernelTable.current() } catch { throw .codec(error) }
    let filter = request.tensors
    let reference = try ModelFile(request.reference)
    let candidate = try ModelFile(request.candidate)
    let matching: TensorMatching
    do throws(ShapeConflict) {
      matching = try TensorMatching(
        reference: reference.summaries, referenceFacts: reference.facts,
        candidate: candidate.summaries, candidateFacts: candidate.facts,
        isIncluded: { name in filter?.matches(name) ?? true })
    } catch {
      throw .shapesDiffer(
        request.reference, tensor: error.reference.name, shape: error.reference.shape,
        other: request.candidate, counterpart: error.candidate.name, found: error.candidate.shape)
    }
    var unmatched = LossReport.Unmatched(
      reference: matching.unmatchedReference.map { reference.summaries[$0].name },
      candidate: matching.unmatchedCandidate.map { candidate.summaries[$0].name })
    let names = Set(unmatched.reference + unmatched.candidate)
    unmatched.reasons = matching.reasons.filter { names.contains($0.key) }
    guard !matching.matches.isEmpty else {
      if let filter, unmatched.isEmpty {
        throw .plan(.ruleMatchesNothing(filter.pattern, option: filter.option))
      }
      let reasons = unmatched.reference.lazy.compactMap { unmatched.reasons[$0] }
      throw .nothingInCommon(request.reference, request.candidate, reason: reasons.first)
    }

    var rows: [LossReport.Row] = []
    var parts: [ComparedPart] = []
    for match in matching.matches {
      let pair = MatchedPair(
        match, row: rows.count, reference: reference.checkpoint, candidate: candidate.checkpoint,
        isMeasuringProducts: request.isMeasuringProducts)
      rows.append(pair.report)
      parts += pair.parts
    }
    self.parts = parts
    var report = LossReport(
      source: request.reference.string, target: request.candidate.string,
      instructionSet: table.instructionSet, rows: rows,
      total: LossReport.Total(
        elements: rows.reduce(0) { $0 + $1.shape.count },
        bytesIn: rows.reduce(0) { $0 + $1.sourceByteCount },
        bytesOut: rows.reduce(0) { $0 + $1.byteCount }))
    report.isComparison = true
    report.unmatched = unmatched
    plannedReport = report
  }

  /// Reads both files and returns what the candidate lost.
  ///
  /// - Parameter progress: Counts bytes of both files as they are done; read it from another thread.
  /// - Throws: ``AnalysisError``.
  public func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> LossReport {
    let clock = ContinuousClock()
    let start = clock.now
    progress.begin(totalByteCount: parts.reduce(0) { $0 + $1.byteCount })
    let columns = parts.lazy.compactMap(\.columns).max()
    let activations = columns.map { Activations(columns: $0) }
    let tile = parts.lazy.map(\.tileLength).max() ?? 0
    let room = parts.lazy.map(\.pieceLength).max() ?? 0

    var losses = [LossAccumulator?](repeating: nil, count: plannedReport.rows.count)
    var products = [ProductSums?](repeating: nil, count: losses.count)
    var isEqual = [Bool?](repeating: nil, count: losses.count)
    try Pieces(elements: parts.map(\.countedElements)).forEach(
      threads: request.threads, prepare: { ComparedPart.Buffers(elements: room, tile: tile) },
      work: { piece, buffers throws(AnalysisError) in
        let part = parts[piece.tensor]
        let number = piece.start / Pieces.length
        let outcome = try part.compare(number, buffers, activations, table)
        progress.advance(by: part.byteCount(ofPiece: number))
        return outcome
      },
      gather: { piece, outcome in
        let part = parts[piece.tensor]
        switch part.way {
        case .numbers:
          losses[part.row, default: LossAccumulator()].add(outcome.loss)
          if let sums = outcome.products {
            products[part.row, default: ProductSums(beginsRow: true)].add(sums)
          }
        case .bytes:
          isEqual[part.row] = isEqual[part.row] ?? true && outcome.isEqual
        }
      })

    var report = plannedReport
    var total = LossAccumulator()
    // A tensor without elements has nothing to lose.
    for part in parts where part.way == .numbers && part.count == 0 {
      losses[part.row] = losses[part.row] ?? LossAccumulator()
    }
    for index in report.rows.indices {
      report.rows[index].loss = losses[index]?.loss
      report.rows[index].productErrors = products[index]?.errors
      if let loss = losses[index] { total.add(loss) }
      if let isEqual = isEqual[index] {
        let format = report.rows[index].format
        report.rows[index].addNote("bytes of \(format) that \(isEqual ? "are the same" : "differ")")
      }
    }
    report.total.loss = total.loss
    report.total.seconds = (clock.now - start).inSeconds
    return report
  }
}

/// A weight file and what it says of its model.
private struct ModelFile {
  let checkpoint: Checkpoint
  let summaries: [TensorSummary]
  let facts: ModelFacts

  init(_ path: FilePath) throws(AnalysisError) {
    do { checkpoint = try Checkpoint.model(path) } catch { throw AnalysisError(error) }
    do {
      facts = try ModelFacts(of: checkpoint)
    } catch { throw .checkpoint(error) }
    summaries = checkpoint.summaries
  }
}

extension Array {
  /// The element at `index`, which begins as `value` where there is none.
  fileprivate subscript<Value>(
    index: Int, default value: @autoclosure () -> Value
  ) -> Value where Element == Value? {
    get { self[index] ?? value() }
    set { self[index] = newValue }
  }
}
