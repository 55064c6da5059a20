import KerfAnalysis
import KerfCheckpoints
import KerfConversion
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfTestSupport
import SystemPackage
import Testing

@Suite struct InspectionTests {
  /// A file of these tensors, their elements given by number, which is gone after `body`.
  private func withFile<Result>(
    _ tensors: [(name: String, format: Format, shape: Shape)],
    element: (Int) -> Float, _ body: (FilePath) throws -> Result
  ) throws -> Result {
    let folder = try Folder()
    let path = folder.file("model.gguf")
    try write(
      tensors.map { ($0.name, $0.format, $0.shape, bytes((0..<$0.shape.count).map(element))) },
      .gguf([]), to: path)
    return try body(path)
  }

  @Test func statisticsDoNotDependOnThreads() throws {
    // Three pieces, the last of them not whole; an outlier in the second alone.
    let count = 2 * Pieces.length + 4100
    try withFile(
      [("blk.0.attn_q.weight", .f32, [count / 4, 4])],
      element: { $0 == Pieces.length + 17 ? 1000 : Float($0 % 1001) - 500 }
    ) { path in
      let all = try [1, 3].map { threads in
        var inspection = Inspection(path, threads: threads)
        inspection.hasStatistics = true
        let plain = try #require(try inspection.report().tensors[0].statistics)
        inspection.hasHistogram = true
        let drawn = try #require(try inspection.report().tensors[0].statistics)
        #expect(plain.outliers == 0 && drawn.outliers == 0)
        #expect(plain.maximum == 1000 && plain.count == count)
        #expect(drawn.histogram?.counts.reduce(0, +) == count)
        return drawn
      }
      #expect(all[0] == all[1])
    }
  }

  @Test func outliersAreFoundInTheirPiece() throws {
    let count = Pieces.length + 64
    try withFile(
      [("a.weight", .f32, [count])],
      element: { $0 == count - 1 ? -100 : $0 == 5 ? 80 : $0 % 2 == 0 ? 1 : -1 }
    ) { path in
      var inspection = Inspection(path)
      inspection.hasStatistics = true
      let found = try #require(try inspection.report().tensors[0].statistics)
      #expect(found.outliers == 2 && found.minimum == -100 && found.maximum == 80)
    }
  }

  @Test func namesChooseTensors() throws {
    try withFile(
      [("blk.0.attn_q.weight", .f32, [2, 2]), ("blk.1.attn_q.weight", .f32, [2, 2])],
      element: { Float($0) }
    ) { path in
      var inspection = Inspection(path)
      inspection.names = try NameExpression(#"blk\.1"#, option: "--tensors")
      let report = try inspection.report()
      #expect(report.tensors.map(\.name) == ["blk.1.attn_q.weight"])
      #expect(report.tensorCount == 2 && report.parameters.total == 8)
      #expect(report.tensors[0].statistics == nil)
      inspection.names = try NameExpression("nothing", option: "--tensors")
      #expect(throws: AnalysisError.self) { try inspection.report() }
    }
  }
}
