import Foundation
import KerfAnalysis
import KerfCheckpoints
import KerfConversion
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfReference
import SystemPackage
import Testing

@Suite struct TrialTests {
  private let folder: Folder
  private let input: FilePath
  private let shapes: [Shape] = [[100, 1536], [2, 3, 512], [700, 768], [9, 96]]

  init() throws {
    folder = try Folder()
    input = folder.file("model.safetensors")
    var random = SplitMix(seed: 5)
    try write(
      shapes.enumerated().map { index, shape in
        ("layers.\(index).weight", .f32, shape, bytes(random.normals(shape.count)))
      }, to: input)
  }

  private func outcomes(
    _ formats: [Format], _ rounding: Rounding, sample: Sample? = nil, threads: Int = 2
  ) throws -> [[Trial.Outcome?]] {
    let checkpoint = try Checkpoint.open(input)
    return try Trial(
      input: checkpoint, tensors: Array(checkpoint.tensors.indices), formats: formats,
      rounding: rounding, importance: nil, sample: sample, threads: threads
    ).run()
  }

  @Test("what is found of whole tensors is what a conversion finds", arguments: Rounding.allCases)
  func conversion(rounding: Rounding) throws {
    let found = try outcomes(Format.encodable, rounding)
    for (number, format) in Format.encodable.enumerated() {
      var request = ConversionRequest(
        input: input, output: folder.file("\(format).gguf"), target: format, threads: 1)
      request.rounding = rounding
      let report = try Conversion(request).run()
      for (row, outcomes) in zip(report.rows, found) where !row.isFallback {
        #expect(outcomes[number]?.loss == row.loss, "\(row.name) \(format)")
        #expect(outcomes[number]?.byteCount == row.byteCount)
        #expect(outcomes[number]?.measuredElements == row.shape.count)
        #expect(outcomes[number]?.nmseStandardError == nil)
      }
      for (row, outcomes) in zip(report.rows, found) where row.isFallback {
        #expect(outcomes[number] == nil, "\(row.name) \(format)")
      }
    }
  }

  @Test("figures do not depend on threads", arguments: [nil, Sample(.share(0.05), seed: 3)])
  func threads(sample: Sample?) throws {
    let one = try outcomes([.q4_0, .q4_K], .optimal, sample: sample, threads: 1)
    let three = try outcomes([.q4_0, .q4_K], .optimal, sample: sample, threads: 3)
    #expect(one.map { $0.map { $0?.loss } } == three.map { $0.map { $0?.loss } })
    #expect(
      one.map { $0.map { $0?.nmseStandardError } } == three.map { $0.map { $0?.nmseStandardError } }
    )
  }
}
