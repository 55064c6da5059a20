// Every format on every tensor of a file: what it would cost, before anything is converted.

internal import KerfBenchmarking
internal import KerfCheckpoints
internal import KerfCodecs
public import KerfConversion
public import KerfElements
internal import KerfMatmul
public import KerfMetrics
public import KerfPlanning
public import SystemPackage

/// What is to be tried on a file.
public struct SweepRequest: Sendable {
  /// A weight file.
  public var input: FilePath
  /// The formats to try.
  public var formats = Format.encodable.map(FormatName.format)
  /// How codes and scales are chosen.
  public var rounding = Rounding.optimal
  /// A file of activations that says how much errors count, column by column.
  public var importance: FilePath?
  /// Which tensors are tried, of those that a conversion would quantize; all where it is `nil`.
  public var tensors: NameExpression?
  /// What is looked at of every tensor; everything where it is `nil`.
  public var sample: Sample?
  /// Rows of activations that products are measured with; none to measure no products.
  public var productRows = [1, 512]
  /// Threads to work on; losses do not depend on it, speeds do.
  public var threads: Int

  /// A request with defaults for all but the input.
  public init(input: FilePath, threads: Int? = nil) {
    self.input = input
    self.threads = threads ?? Threads.defaultCount
  }
}

/// Many formats tried on one file.
///
/// ```swift
/// let report = try Sweep(SweepRequest(input: "model.safetensors")).run()
/// ```
public struct Sweep: Sendable {
  /// The request that this is of.
  public let request: SweepRequest
  /// What a user should know of the file and its importance matrix.
  public let remarks: [Remark]

  private let input: Checkpoint
  private let importance: ModelImportance?
  private let formats: [FormatName]
  /// The numbers of the tensors that are tried.
  private let tried: [Int]
  private let keptByteCount: Int
  private let bitsPerWeight: [FormatName: Double]
  private let instructionSet: InstructionSet

  /// Opens the input and decides what is tried.
  /// - Throws: ``AnalysisError``.
  public init(_ request: SweepRequest) throws(AnalysisError) {
    self.request = request
    do { instructionSet = try KernelTable.current().instructionSet } catch { throw .codec(error) }
    let input: Checkpoint
    do { input = try Checkpoint.model(request.input) } catch { throw AnalysisError(error) }
    let draft: Draft
    do {
      importance = try request.importance.map { path throws(ConversionError) in
        try ModelImportance(at: path, of: input, rounding: request.rounding)
      }
      var output = request.input
      output.extension = Container.gguf.pathExtension
      draft = try Draft(
        of: input, at: output, in: .gguf, target: .format(.f32), facts: ModelFacts())
    } catch { throw AnalysisError(error) }
    self.input = input

    let pattern = request.tensors
    if let pattern, !input.tensors.contains(where: { pattern.matches($0.name) }) {
      throw .plan(.ruleMatchesNothing(pattern.pattern, option: pattern.option))
    }
    var tried: [Int] = []
    var keptByteCount = 0
    for (index, tensor) in input.tensors.enumerated() {
      if draft.choices[index].kept != nil {
        keptByteCount += draft.layout.tensors[index].byteCount
      } else if pattern?.matches(tensor.name) == false {
        keptByteCount += tensor.byteCount
      } else {
        tried.append(index)
      }
    }
    guard !tried.isEmpty else {
      throw .nothingToQuantize(request.input, pattern: pattern?.pattern)
    }
    // Most bits first; formats of as many bits stay in their order.
    let bits = Dictionary(
      request.formats.map { name in
        (name, Sweep.bitsPerWeight(name, tried.map { input.tensors[$0].shape }))
      }, uniquingKeysWith: { first, _ in first })
    formats = FormatName.ordered(bits.keys).sorted { bits[$0]! > bits[$1]! }
    bitsPerWeight = bits
    self.tried = tried
    self.keptByteCount = keptByteCount
    remarks = Sweep.remarks(tried, of: input, importance)
  }

  /// What a format takes per element, over the tensors where that depends on the length of rows.
  private static func bitsPerWeight(_ name: FormatName, _ shapes: [Shape]) -> Double {
    if case .format(let format) = name { return format.bitsPerWeight }
    var bits = 0.0
    var elements = 0.0
    for shape in shapes {
      guard let format = name.format(columns: shape.columns) else { continue }
      bits += format.bitsPerWeight * Double(shape.count)
      elements += Double(shape.count)
    }
    return elements > 0 ? bits / elements : 0
  }

  private static func remarks(
    _ tried: [Int], of input: Checkpoint, _ importance: ModelImportance?
  ) -> [Remark] {
    var remarks: [Remark] = []
    let requantized = tried.count { input.tensors[$0].format.kind == .block }
    if requantized > 0 { remarks.append(.requantized(count: requantized)) }
    guard let importance else { return remarks }
    let without = tried.count { !importance.hasEntry($0) }
    if without > 0 { remarks.append(.withoutImportance(count: without, of: tried.count)) }
    if let first = importance.unmatched.first {
      remarks.append(.importanceOfNothing(count: importance.unmatched.count, first: first))
    }
    return remarks
  }

  /// Does the work.
  ///
  /// - Parameter progress: Counts bytes of input as they are done; read it from another thread.
  /// - Throws: ``AnalysisError``.
  public func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> SweepReport {
    let start = ContinuousClock.now
    // What tensors fall back to is measured as well, so that the loss of the file is known.
    let candidates = tried.map { index in
      (
        tensor: index,
        formats: Format.ordered(formats.map { $0.fitting(input.tensors[index].shape) })
      )
    }
    let found = try Trial(
      input: input, candidates, rounding: request.rounding, importance: importance,
      sample: request.sample, threads: request.threads
    ).run(progress: progress)
    let outcomes = zip(candidates, found).map { candidate, found in
      Dictionary(uniqueKeysWithValues: zip(candidate.formats, found))
    }
    let layer = MatmulBenchmark.Layer(like: tried.map { input.tensors[$0].shape })
    let speeds: ProductSpeeds?
    do {
      speeds =
        request.productRows.isEmpty
        ? nil
        : try ProductSpeeds(
          Format.ordered(formats.compactMap { $0.format(columns: layer.k) }), layer: layer,
          rows: request.productRows, threads: request.threads)
    } catch { throw .matmul(error) }

    let pieces = tried.reduce(0) { $0 + input.tensors[$1].shape.count / Pieces.length + 1 }
    let rows = formats.map {
      row($0, outcomes, threads: min(request.threads, pieces), speeds)
    }
    let isSample = request.sample != nil
    return SweepReport(
      source: request.input.string, instructionSet: instructionSet, rounding: request.rounding,
      sampledShare: isSample ? sampledShare(outcomes) : 1,
      seed: isSample ? request.sample?.seed : nil,
      tensors: tried.map {
        let tensor = input.tensors[$0]
        return SweepReport.Tensor(
          name: tensor.name, shape: tensor.shape, format: tensor.format,
          byteCount: tensor.byteCount)
      },
      formats: rows, keptByteCount: keptByteCount, seconds: (ContinuousClock.now - start).inSeconds,
      productShape: speeds.map { Shape([$0.layer.n, $0.layer.k])! })
  }

  /// The share of the elements that was looked at, of tensors that any format took.
  private func sampledShare(_ outcomes: [[Format: Trial.Outcome?]]) -> Double {
    var measured = 0.0
    var all = 0.0
    for (index, outcomes) in zip(tried, outcomes) {
      guard let outcome = outcomes.values.lazy.compactMap({ $0 }).first else { continue }
      measured += Double(outcome.measuredElements)
      all += Double(input.tensors[index].shape.count)
    }
    return all > 0 ? measured / all : 1
  }

  private func row(
    _ name: FormatName, _ found: [[Format: Trial.Outcome?]], threads: Int,
    _ speeds: ProductSpeeds?
  ) -> SweepReport.Row {
    var outcomes: [Trial.Outcome?] = []
    var losses = LossAccumulator()
    var ofFile = LossAccumulator()
    var byteCount = 0
    var encoded = 0.0
    var encodeSeconds = 0.0
    for (index, found) in zip(tried, found) {
      let tensor = input.tensors[index]
      let stored = name.fitting(tensor.shape)
      // The draft counted the tensor's bytes as f32, and no format takes more.
      byteCount += stored.byteCount(for: tensor.shape)!
      let outcome = found[stored] ?? nil
      if let outcome { ofFile.add(outcome.losses) }
      let isFallback = stored != name.format(columns: tensor.shape.columns)
      outcomes.append(isFallback ? nil : outcome)
      guard let outcome, !isFallback else { continue }
      losses.add(outcome.losses)
      guard tensor.format != stored else { continue }
      encoded += Double(outcome.measuredElements) * tensor.format.bitsPerWeight / 8
      encodeSeconds += outcome.encodeSeconds
    }
    let loss = losses.loss
    return SweepReport.Row(
      name: name.description, bitsPerWeight: bitsPerWeight[name]!,
      outcomes: outcomes.map { outcome in
        outcome.map {
          SweepReport.Outcome(
            byteCount: $0.byteCount, loss: $0.loss, nmseStandardError: $0.nmseStandardError)
        }
      },
      byteCount: byteCount, loss: loss, fileLoss: ofFile.loss,
      relativeError: relativeError(outcomes, loss),
      encodeBytesPerSecond: encodeSeconds > 0 ? encoded / encodeSeconds * Double(threads) : 0,
      products: products(name, speeds))
  }

  /// The standard error of the total nmse relative to it; `nil` where it is no estimate.
  private func relativeError(_ outcomes: [Trial.Outcome?], _ loss: Loss) -> Double? {
    let outcomes = outcomes.compactMap { $0 }
    guard outcomes.contains(where: { $0.spread.runs > 0 }) else { return nil }
    guard let nmse = loss.nmse, nmse > 0 else { return 0 }
    let variance = outcomes.reduce(0.0) { $0 + $1.spread.variance(ratio: nmse, share: $1.share) }
    return variance.squareRoot() / loss.squaredError
  }

  private func products(
    _ name: FormatName, _ speeds: ProductSpeeds?
  ) -> [SweepReport.Product] {
    guard let speeds, let format = name.format(columns: speeds.layer.k),
      let seconds = speeds.seconds[format]
    else { return [] }
    let weights = Double(speeds.layer.n) * Double(speeds.layer.k)
    return zip(speeds.rows, seconds).map { m, seconds in
      SweepReport.Product(
        m: m, operationsPerSecond: 2 * Double(m) * weights / seconds,
        weightBytesPerSecond: weights * format.bitsPerWeight / 8 / seconds)
    }
  }
}
