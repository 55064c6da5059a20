public import KerfCodecs
internal import KerfDispatch
public import KerfElements

/// How fast weights become blocks, and what they lose: formats × roundings, on one thread.
///
/// A pass goes from elements in memory to scales and codes in memory. All contestants take turns on
/// the same weights.
public struct QuantizeBenchmark: Sendable {
  /// What is measured by default: groups of four and eight bits as runtimes have them.
  public static let usualFormats: [Format] = [
    "int8_g128", "int4_g32", "int4_g64", "int4_g128", "int4_g32_zp", "int4_g64_zp", "int4_g128_zp",
    "int4_g32_bias", "int4_g64_bias", "int4_g128_bias", "nf4_g64", "fp4_g64", "e2m1_g32",
    "e2m1_g16_e4m3",
  ].compactMap { Format(name: $0) }

  /// What weights become.
  public var formats = QuantizeBenchmark.usualFormats
  /// How scales are chosen.
  public var roundings = Rounding.allCases
  /// The weights.
  public var weights: Tensor
  /// How long each figure is measured, in seconds; at least three turns.
  public var seconds = 0.5

  /// A measurement of those weights.
  public init(weights: Tensor) { self.weights = weights }

  /// A measurement of Gaussian numbers, rounded to a type.
  /// - Throws: ``CodecError/notEncodable(_:)``, never for the types that tensors have.
  public init(
    shape: MatmulBenchmark.Layer, elementType: ElementType
  ) throws(CodecError) {
    let floats = Sample.matrix(rows: shape.n, columns: shape.k, deviation: Operands.deviation)
    self.init(weights: elementType == .float32 ? floats : try floats.rounded(to: elementType))
  }

  /// Measures.
  ///
  /// - Parameter progress: Told of each format before it starts: its number, how many there are, and
  ///   its name.
  /// - Throws: ``CodecError``: a format that cannot be written, or whose blocks rows do not fill.
  public func run(
    progress: (_ done: Int, _ of: Int, _ name: String) -> Void = { _, _, _ in }
  ) throws(CodecError) -> QuantizeReport {
    var rows: [QuantizeReport.Row] = []
    for (done, format) in formats.enumerated() {
      progress(done, formats.count, format.name)
      rows += try contest(format)
    }
    return QuantizeReport(
      processor: MatmulBenchmark.processorName,
      instructionSet: try KernelTable.current().instructionSet, shape: weights.shape,
      elementType: weights.elementType, rows: rows)
  }

  private func contest(_ format: Format) throws(CodecError) -> [QuantizeReport.Row] {
    guard weights.shape.columns.isMultiple(of: format.elementsPerBlock) else {
      throw .unalignedRow(format, columns: weights.shape.columns)
    }
    let source = weights.elementType.format
    let count = weights.shape.count
    let transcoders = try roundings.map { rounding throws(CodecError) in
      try Transcoder(from: source, to: format, rounding: rounding)
    }
    guard let first = transcoders.first else { return [] }
    let scratch = Transcoder.Scratch(for: first)
    let target = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count / format.elementsPerBlock * format.bytesPerBlock), alignment: 4096)
    defer { target.deallocate() }
    return weights.withUnsafeBytes { bytes in
      let elements = bytes.baseAddress!
      let contest = Contest(
        transcoders.count, stopwatch: Stopwatch(threads: 1), seconds: seconds
      ) { index in transcoders[index].run(elements, target, count: count, scratch: scratch) }
      return transcoders.indices.map { index in
        var error = 0.0
        var norm = 0.0
        transcoders[index].run(elements, target, count: count, scratch: scratch) { loss, _, _ in
          error += loss.squaredError
          norm += loss.squaredReference
        }
        let rms = (error / norm).squareRoot()
        return QuantizeReport.Row(
          format: format, rounding: roundings[index], seconds: contest.best[index],
          weightsPerSecond: Double(count) / contest.best[index],
          relativeRMS: rms.isFinite ? rms : nil, turns: contest.turns)
      }
    }
  }
}

extension Tensor {
  /// The same numbers, each the nearest of another type.
  fileprivate func rounded(to elementType: ElementType) throws(CodecError) -> Tensor {
    let rounded = try quantized(as: elementType.format, rounding: .reference)
    return Tensor(shape: shape, elementType: elementType, storage: rounded.storage)
  }
}
