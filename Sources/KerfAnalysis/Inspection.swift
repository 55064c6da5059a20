// What is in a file, from its header alone; statistics read what they are of.

internal import KerfCheckpoints
internal import KerfCodecs
public import KerfConversion
internal import KerfElements
public import KerfPlanning
public import SystemPackage

/// A look into a weight file.
///
/// ```swift
/// let report = try Inspection("model.gguf").report()
/// print(report.parameters.total, report.parameters.active ?? 0)
/// ```
public struct Inspection: Sendable {
  /// The file.
  public var input: FilePath
  /// Formats and mixes whose size is wanted.
  public var targets: [Target] = Format.encodable.filter { $0.kind == .block || $0 == .bf16 }
    .map { .format($0) }
  /// Which tensors to list and to look into; all of them where there is no choice.
  public var names: NameExpression?
  /// Whether to read the tensors and compute their statistics.
  public var hasStatistics = false
  /// Whether statistics have a histogram.
  public var hasHistogram = false
  /// Threads to work on; the figures do not depend on it.
  public var threads: Int

  /// A look into a file.
  /// - Parameter threads: Threads to work on; all processors where there is no number.
  public init(_ input: FilePath, threads: Int? = nil) {
    self.input = input
    self.threads = threads ?? Threads.defaultCount
  }

  /// Elements of arrays that are shown.
  private static let shownElements = 8

  /// Opens the file and looks.
  ///
  /// - Parameter progress: Counts bytes of tensors as they are read; read it from another thread.
  /// - Throws: ``AnalysisError``; ``PlanError/ruleMatchesNothing(_:option:)`` within it where no
  ///   tensor has a name that was asked for.
  public func report(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> InspectionReport {
    let file: Checkpoint
    let model: ModelFacts
    do { file = try Checkpoint.model(input) } catch { throw AnalysisError(error) }
    do { model = try ModelFacts(of: file) } catch { throw .checkpoint(error) }

    let summaries = file.summaries
    let roles = TensorRole.roles(of: summaries.lazy.map(\.name))
    let chosen = file.tensors.indices.filter { names?.matches(file.tensors[$0].name) ?? true }
    if let names, chosen.isEmpty {
      throw .plan(.ruleMatchesNothing(names.pattern, option: names.option))
    }
    let parameters = ParameterCounts(of: summaries, roles: roles, model: model)
    var report = InspectionReport(
      source: input.string, container: file.container.rawValue, fileByteCount: file.fileSize,
      model: model, parameters: parameters, memory: Inspection.bare(parameters.total),
      storage: Inspection.storage(file.tensors), tensorCount: file.tensors.count,
      tensors: chosen.map { index in
        let tensor = file.tensors[index]
        return InspectionReport.Tensor(
          name: tensor.name, shape: tensor.shape, format: tensor.format,
          byteCount: tensor.storedByteCount,
          role: tensor.format.kind == .integer ? nil : ParameterRole(roles[index]))
      },
      metadata: Inspection.entries(file.metadata))
    let sizes = ConvertedSizes(of: file, tensors: summaries, roles: roles, model: model)
    for target in targets {
      guard let size = sizes.size(as: target) else { continue }
      report.memory.append(
        InspectionReport.Memory(
          name: target.description, key: target.description, isBare: false,
          byteCount: size.byteCount,
          bitsPerWeight: size.elements > 0
            ? Double(size.byteCount) * 8 / Double(size.elements) : nil,
          fallbacks: size.fallbacks))
    }
    if hasStatistics || hasHistogram {
      let found = try StatisticsReader(
        file: file, tensors: chosen.map { file.tensors[$0] }, hasHistogram: hasHistogram,
        progress: progress
      ).run(threads: threads)
      for (index, statistics) in found.enumerated() {
        report.tensors[index].statistics = statistics
      }
    }
    return report
  }

  /// What parameters would take without any scales.
  private static func bare(_ count: Int) -> [InspectionReport.Memory] {
    [("FP32", "f32", 32), ("FP16", "f16", 16), ("INT8", "int8", 8), ("INT4", "int4", 4)].map {
      (name, key, bits) in
      let (bytes, overflow) = count.multipliedReportingOverflow(by: max(bits / 8, 1))
      return InspectionReport.Memory(
        name: name, key: key, isBare: true,
        byteCount: overflow ? .max : bits < 8 ? count / 2 + count % 2 : bytes,
        bitsPerWeight: count > 0 ? Double(bits) : nil, fallbacks: 0)
    }
  }

  private static func storage(_ tensors: [TensorDescription]) -> [InspectionReport.Storage] {
    var rows: [Format: InspectionReport.Storage] = [:]
    for tensor in tensors {
      var row =
        rows[tensor.format]
        ?? InspectionReport.Storage(format: tensor.format, tensors: 0, elements: 0, byteCount: 0)
      row.tensors += 1
      row.elements = row.elements.addingClamped(tensor.shape.count)
      // Tensors lie side by side in the file, so their bytes can be counted.
      row.byteCount += tensor.storedByteCount
      rows[tensor.format] = row
    }
    return Format.ordered(rows.keys).compactMap { rows[$0] }
  }

  // MARK: Metadata

  private static func entries(_ metadata: CheckpointMetadata) -> [InspectionReport.Entry] {
    switch metadata {
    case .safetensors(let entries):
      entries.map { InspectionReport.Entry(key: $0.key, value: .text($0.value)) }
    case .gguf(let entries):
      entries.map { InspectionReport.Entry(key: $0.key, value: value($0.value)) }
    case .onnx(let model):
      model.entries.map { InspectionReport.Entry(key: $0.key, value: .text($0.value)) }
    }
  }

  private static func value(_ value: GGUFValue) -> InspectionReport.Value {
    switch value {
    case .bool(let bool): .bool(bool)
    case .string(let string): .text(string.description)
    case .array(let array):
      .list(array.elements.prefix(shownElements).map { Inspection.value($0) }, count: array.count)
    default: value.integer.map { .integer($0) } ?? .number(value.number ?? .nan)
    }
  }
}
