import KerfBenchmarking
import KerfCodecs
import KerfElements
import Testing

@Suite struct QuantizeBenchmarkTests {
  /// A tiny measurement. Nothing here is held against a clock.
  private func report(
    _ formats: [String], _ elementType: ElementType = .bfloat16
  ) throws -> QuantizeReport {
    var benchmark = try QuantizeBenchmark(shape: .init(n: 5, k: 192), elementType: elementType)
    benchmark.formats = formats.compactMap { Format(name: $0) }
    benchmark.seconds = 1e-6
    return try benchmark.run()
  }

  @Test("every format has a row for each rounding, and figures follow from seconds")
  func rows() throws {
    let report = try report(["int4_g64", "q4_0", "int8_g192"])
    #expect(
      report.rows.map(\.format.name) == ["int4_g64", "q4_0", "int8_g192"].flatMap { [$0, $0] })
    #expect(report.rows.map(\.rounding) == (0..<3).flatMap { _ in Rounding.allCases })
    #expect(report.shape == [5, 192] && report.elementType == .bfloat16)
    for row in report.rows {
      #expect(row.seconds > 0 && row.weightsPerSecond == 5 * 192 / row.seconds)
    }
  }

  @Test("errors are those of the conversion", arguments: ElementType.allCases)
  func errors(elementType: ElementType) throws {
    let report = try report(["int4_g64"], elementType)
    let errors = try report.rows.map { try #require($0.relativeRMS) }
    #expect(errors[0] > 0.05 && errors[0] < errors[1] && errors[1] < 0.13)
  }

  @Test("rows that blocks do not fill, and formats that are not written, are errors")
  func refusals() throws {
    #expect(throws: CodecError.self) { try report(["int4_g128"]) }
    #expect(throws: CodecError.self) { try report(["iq1_s"]) }
  }

  @Test("zeros have no relative error")
  func zeros() throws {
    var benchmark = QuantizeBenchmark(
      weights: try Tensor(shape: [2, 64], [Float](repeating: 0, count: 128)))
    benchmark.formats = [.q8_0]
    benchmark.seconds = 1e-6
    #expect(try benchmark.run().rows.allSatisfy { $0.relativeRMS == nil })
  }
}
