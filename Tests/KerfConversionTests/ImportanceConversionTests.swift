import Foundation
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

@Suite struct ImportanceConversionTests {
  private let folder: Folder
  private let input: FilePath
  private let output: FilePath
  private let importance: FilePath
  private let values: [Float]

  init() throws {
    folder = try Folder()
    input = folder.file("model.gguf")
    output = folder.file("out.gguf")
    importance = folder.file("imatrix.gguf")
    var random = SplitMix(seed: 21)
    values = random.normals(4 * 6 * 64)
    try write(
      [
        ("blk.0.attn_q.weight", .f32, [12, 64], bytes(Array(values.prefix(12 * 64)))),
        ("blk.0.ffn_up_exps.weight", .f32, [4, 6, 64], bytes(values)),
        ("blk.0.attn_k.weight", .f32, [12, 64], bytes(Array(values.suffix(12 * 64)))),
        ("blk.0.attn_norm.weight", .f32, [64], bytes(Array(values.prefix(64)))),
      ], .gguf([MetadataEntry("general.architecture", .string("llama"))]), to: input)
  }

  /// An importance matrix of these sums and counts.
  private func writeImportance(_ entries: [(name: String, sums: [Float], counts: [Float])]) throws {
    try write(
      entries.flatMap { entry in
        [
          (entry.name + ".in_sum2", .f32, Shape([entry.sums.count])!, bytes(entry.sums)),
          (entry.name + ".counts", .f32, Shape([entry.counts.count])!, bytes(entry.counts)),
        ] as [(name: String, format: Format, shape: Shape, bytes: [UInt8])]
      },
      .gguf([
        MetadataEntry("imatrix.datasets", .array(GGUFArray(["wiki"]))),
        MetadataEntry("imatrix.chunk_count", .uint32(9)),
      ]), to: importance)
  }

  private var request: ConversionRequest {
    var request = ConversionRequest(input: input, output: output, target: .q8_0, threads: 2)
    request.importance = importance
    return request
  }

  private let ramp = (0..<64).map { Float($0 + 1) }

  @Test("where it came from stands in the file, and what is missing is said")
  func provenance() throws {
    try writeImportance([
      ("blk.0.attn_q.weight", ramp, [2]), ("blk.7.attn_q.weight", ramp, [2]),
    ])
    let conversion = try Conversion(request)
    #expect(conversion.remarks.contains(.withoutImportance(count: 2, of: 3)))
    #expect(
      conversion.remarks.contains(.importanceOfNothing(count: 1, first: "blk.7.attn_q.weight")))
    let report = try conversion.run()
    #expect(report.isWeighted)
    let rows = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.name, $0) })
    #expect(rows["blk.0.attn_q.weight"]?.note == nil)
    #expect(rows["blk.0.attn_q.weight"]?.loss?.weightedNMSE != nil)
    #expect(rows["blk.0.attn_k.weight"]?.note == "no importance")
    #expect(rows["blk.0.attn_k.weight"]?.loss?.weightedNMSE == nil)
    #expect(rows["blk.0.attn_norm.weight"]?.note == nil)
    guard case .gguf(let entries) = try Checkpoint.open(output).metadata else {
      Issue.record("not GGUF")
      return
    }
    #expect(entries[key: "quantize.imatrix.file"] == .string(importance.string))
    #expect(entries[key: "quantize.imatrix.dataset"] == .string("wiki"))
    #expect(entries[key: "quantize.imatrix.entries_count"] == .uint32(2))
    #expect(entries[key: "quantize.imatrix.chunks_count"] == .uint32(9))
  }

  @Test("the weighted error is of the weights that the file means")
  func weightedError() throws {
    // The second expert has seen nothing, and one column of the third is no number.
    var sums = (0..<4 * 64).map { Float($0 % 13) }
    sums[2 * 64 + 5] = .nan
    try writeImportance([("blk.0.ffn_up_exps.weight", sums, [2, 0, 4, 1])])
    let conversion = try Conversion(request)
    #expect(conversion.remarks.contains(.flatImportance(count: 1)))
    let report = try conversion.run()
    let row = try #require(report.rows.first { $0.name.contains("exps") })
    let zeros = (0..<4 * 64).count { $0 / 64 == 1 || $0 % 13 == 0 || $0 == 2 * 64 + 5 }
    #expect(
      row.note == "importance is zero or no number for \(zeros) of 256 columns")

    let means = sums.indices.map { i -> Double? in
      let count = [2, 0, 4, 1][i / 64] as Float
      return count > 0 && sums[i] > 0 ? Double(sums[i] / count) : nil
    }
    let known = means.compactMap(\.self)
    let average = known.reduce(0, +) / Double(known.count)
    let tensor = try #require(try Checkpoint.open(output).tensor(named: row.name))
    let blocks = try Checkpoint.open(output).bytes(of: tensor)
    let made = try blocks.withUnsafeBytes {
      try QuantizedTensor(format: .q8_0, shape: tensor.shape, bytes: $0).dequantized().floats()
    }
    var (error, reference) = (0.0, 0.0)
    for (i, x) in values.enumerated() {
      let weight = means[i / (6 * 64) * 64 + i % 64] ?? average
      error += weight * Double(x - made[i]) * Double(x - made[i])
      reference += weight * Double(x) * Double(x)
    }
    let found = try #require(row.loss?.weightedNMSE)
    #expect(abs(found / (error / reference) - 1) < 1e-4)
  }

  @Test("sums of another length are an error before any work")
  func wrongLength() throws {
    for (name, count) in [("blk.0.attn_q.weight", 32), ("blk.0.ffn_up_exps.weight", 64)] {
      try writeImportance([(name, Array(ramp.prefix(count)), [1])])
      #expect {
        try Conversion(request)
      } throws: { error in
        guard case .importanceSize(_, tensor: name, _, found: count)? = error as? ConversionError
        else { return false }
        return "\(error)".contains("found \(count)")
      }
      try FileManager.default.removeItem(atPath: importance.string)
    }
    #expect(folder.names == ["model.gguf"])
  }

  @Test("reference rounding takes none, and the output is not the importance matrix")
  func refused() throws {
    try writeImportance([("blk.0.attn_q.weight", ramp, [1])])
    var reference = request
    reference.rounding = .reference
    #expect(throws: ConversionError.self) { try Conversion(reference) }
    var same = request
    same.output = importance
    same.isReplacing = true
    #expect(throws: ConversionError.self) { try Conversion(same) }
    var missing = request
    missing.importance = folder.file("none.gguf")
    #expect(throws: ConversionError.self) { try Conversion(missing) }
  }

  @Test("the hub's names find GGUF's entries, experts their part")
  func hubNames() throws {
    let hub = folder.file("hub.safetensors")
    try write(
      [
        (
          "model.layers.0.self_attn.q_proj.weight", .f32, [12, 64], bytes(Array(values.prefix(768)))
        ),
        (
          "model.layers.0.block_sparse_moe.experts.2.w3.weight", .f32, [6, 64],
          bytes(Array(values.prefix(384)))
        ),
        (
          "vision_model.encoder.layers.0.self_attn.q_proj.weight", .f32, [2, 32],
          bytes(Array(values.prefix(64)))
        ),
      ], to: hub)
    try writeImportance([
      ("blk.0.attn_q.weight", ramp, [1]),
      ("blk.0.ffn_up_exps.weight", (0..<256).map { Float($0 + 1) }, [1, 1, 1, 1]),
    ])
    var request = request
    request.input = hub
    let conversion = try Conversion(request)
    #expect(conversion.remarks.contains(.withoutImportance(count: 1, of: 3)))
    let rows = try conversion.run().rows
    #expect(rows[0].loss?.weightedNMSE != nil && rows[1].loss?.weightedNMSE != nil)
    #expect(rows[2].note == "no importance")
  }

  @Test("threads change neither bytes nor errors", arguments: [1, 3])
  func threads(count: Int) throws {
    try writeImportance([
      ("blk.0.attn_q.weight", ramp, [1]), ("blk.0.attn_k.weight", ramp.reversed(), [1]),
    ])
    var first = request
    first.threads = 1
    let expected = try Conversion(first).run().rows.map(\.loss)
    var second = request
    second.threads = count
    second.isReplacing = true
    #expect(try Conversion(second).run().rows.map(\.loss) == expected)
  }

  @Test("presets save bits with importance")
  func preset() throws {
    let deep = folder.file("deep.gguf")
    try write(
      (0..<8).map {
        ("blk.\($0).ffn_down.weight", .f32, [2, 64] as Shape, bytes(Array(values.prefix(128))))
      } + [("output.weight", .f16, [2, 64], [UInt8](repeating: 0, count: 256))],
      .gguf([
        MetadataEntry("general.architecture", .string("llama")),
        MetadataEntry("llama.block_count", .uint32(8)),
      ]), to: deep)
    try writeImportance([("blk.0.ffn_down.weight", ramp, [1])])
    var request = ConversionRequest(
      input: deep, output: output, target: .preset(.q4_0), threads: 1)
    #expect(try Conversion(request).plannedReport.rows[0].format == .q4_0)
    request.importance = importance
    let report = try Conversion(request).plannedReport
    #expect(report.rows.map(\.format) == [.q4_1] + Array(repeating: .q4_0, count: 7) + [.q8_0])
    #expect(report.rows[8].wantedFormat == .q6_K)
  }
}
