import Foundation
import KerfAnalysis
import KerfCheckpoints
import KerfCodecs
import KerfConversion
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfReference
import KerfTestSupport
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
      input: checkpoint, checkpoint.tensors.indices.map { ($0, formats) }, rounding: rounding,
      importance: nil, sample: sample, threads: threads
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

  @Test("groups of any length, up to a row, lose what quantizing a tensor in memory loses")
  func groups() throws {
    let names: [FormatName] = try [
      "int8_channel", "int4_channel_zp", "int3_g24", "int4_g48_bias", "int2_g512_zp_f32",
      "nf4_g64", "fp4_channel", "e4m3_channel_bf16", "e2m1_g16_e4m3", "q4_0",
    ].map { try #require(FormatName($0)) }
    let checkpoint = try Checkpoint.open(input)
    let candidates = checkpoint.tensors.enumerated().map { index, tensor in
      (tensor: index, formats: names.compactMap { $0.format(columns: tensor.shape.columns) })
    }
    let found = try Trial(
      input: checkpoint, candidates, rounding: .optimal, importance: nil, sample: nil, threads: 2
    ).run()
    var random = SplitMix(seed: 5)
    for (shape, (candidate, outcomes)) in zip(shapes, zip(candidates, found)) {
      let tensor = try Tensor(shape: shape, random.normals(shape.count))
      #expect(candidate.formats.count == names.count)
      for (format, outcome) in zip(candidate.formats, outcomes) {
        guard shape.columns.isMultiple(of: format.elementsPerBlock) else {
          #expect(outcome == nil, "\(format)")
          continue
        }
        let outcome = try #require(outcome)
        let loss = try tensor.quantized(as: format).loss(against: tensor)
        #expect(abs(outcome.loss.squaredError - loss.squaredError) <= 1e-12 * loss.squaredError)
        #expect(outcome.loss.maxAbsoluteError == loss.maxAbsoluteError, "\(format)")
        #expect(outcome.byteCount == format.byteCount(for: shape))
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
