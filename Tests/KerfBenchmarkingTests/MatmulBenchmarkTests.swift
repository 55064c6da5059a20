import KerfBenchmarking
import KerfElements
import Testing

@Suite struct MatmulBenchmarkTests {
  /// A tiny measurement. Nothing here is held against a clock.
  private let report: MatmulReport
  private let progress: [Int]

  init() throws {
    var benchmark = MatmulBenchmark()
    benchmark.formats = [.format(.q4_0), .format(.f16)]
    benchmark.layers = [.init(n: 40, k: 64)]
    benchmark.rows = [1, 9]
    benchmark.threads = [1, 2]
    benchmark.seconds = 1e-6
    var progress: [Int] = []
    report = try benchmark.run { done, count, _ in
      progress.append(done)
      #expect(count == 8)
    }
    self.progress = progress
  }

  @Test("every product has its row, and is told of before")
  func rows() {
    #expect(progress == Array(0..<8))
    let integer = report.rows.filter { $0.core == .integer }
    #expect(integer.count == 4 && integer.allSatisfy { $0.format == .q4_0 })
    let others = MatmulBenchmark.hasOpenBLAS
    #expect(report.rows.filter { $0.core == .openblas }.count == (others ? 8 : 0))
    #expect(report.rows.filter { $0.core == .f32 }.count == (others ? 4 : 0))
    #expect(report.machine.yardsticks.map(\.threads) == [1, 2])
  }

  @Test("errors are those of int8 activations, or of f32")
  func errors() throws {
    for row in report.rows {
      let error = try #require(row.relativeError)
      #expect(error < (row.core == .integer ? 0.02 : 1e-5))
    }
  }

  @Test("figures follow from seconds; ratios are those to the same product on as many threads")
  func ratios() throws {
    var report = report
    let index = try #require(
      report.rows.firstIndex { $0.core == .integer && $0.m == 9 && $0.threads == 2 })
    report.rows[index].seconds = 1e-3
    report.machine.yardsticks[1].dotOperationsPerSecond = 4 * report.rows[index].operationsPerSecond
    report.machine.yardsticks[1].readBytesPerSecond = 2 * report.rows[index].weightBytesPerSecond
    let row = report.rows[index]
    #expect(row.operationsPerSecond == 2 * 9 * 40 * 64 / 1e-3)
    #expect(row.weightBytesPerSecond == Double(row.weightByteCount) / 1e-3)
    #expect(report.ratioToDotPeak(row) == 0.25)
    #expect(report.ratioToRead(row) == 0.5)
    if let sgemm = report.sgemm(like: row) {
      #expect(sgemm.m == 9 && sgemm.threads == 2 && sgemm.layer == row.layer)
      #expect(report.ratioToSgemm(row) == sgemm.seconds / 1e-3)
    }
    var stranger = row
    stranger.threads = 3
    #expect(report.ratioToSgemm(stranger) == nil)
    #expect(report.ratioToDotPeak(stranger) == nil && report.ratioToRead(stranger) == nil)
  }

  @Test("weights that fit the cache are told from those that do not")
  func rotation() {
    var report = report
    report.machine.cacheByteCount = report.rows[0].rotatedByteCount
    #expect(!report.isFromMemory(report.rows[0]))
    report.machine.cacheByteCount -= 1
    #expect(report.isFromMemory(report.rows[0]))
  }
}
