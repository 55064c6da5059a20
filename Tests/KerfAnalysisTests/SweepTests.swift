import KerfAnalysis
import KerfCheckpoints
import KerfConversion
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfReference
import KerfTestSupport
import SystemPackage
import Testing

@Suite struct SweepTests {
  private let folder: Folder
  private let input: FilePath

  init() throws {
    folder = try Folder()
    input = folder.file("model.safetensors")
    var random = SplitMix(seed: 3)
    try write(
      [
        ("layers.0.weight", .f32, [40, 512], bytes(random.normals(40 * 512))),
        ("layers.0.bias", .f32, [40], bytes(random.normals(40))),
        ("layers.1.weight", .f32, [60, 96], bytes(random.normals(60 * 96))),
        ("narrow.weight", .f32, [3, 20], bytes(random.normals(60))),
        ("mask", .bool, [3], [1, 0, 1]),
        ("norm.weight", .f32, [40], bytes(random.normals(40))),
      ], to: input)
  }

  private func request(_ formats: [Format]) -> SweepRequest {
    var request = SweepRequest(input: input, threads: 2)
    request.formats = formats.map(FormatName.format)
    request.productRows = []
    return request
  }

  @Test("bytes and losses are those of conversions, fallbacks and kept tensors among them")
  func conversions() throws {
    let formats: [Format] = [.q2_K, .q8_0, .f16, .q4_K]
    let report = try Sweep(request(formats)).run()
    #expect(report.formats.map(\.name) == ["f16", "q8_0", "q4_K", "q2_K"])
    #expect(report.tensors.map(\.name) == ["layers.0.weight", "layers.1.weight", "narrow.weight"])
    for row in report.formats {
      let conversion = try Conversion(
        ConversionRequest(
          input: input, output: folder.file("\(row.name).gguf"),
          target: try #require(Format(name: row.name)))
      ).run()
      #expect(report.fileByteCount(row) == conversion.total.bytesOut)
      #expect(row.fileLoss.squaredError == conversion.total.loss?.squaredError)
      let rows = conversion.rows.filter { row in report.tensors.contains { $0.name == row.name } }
      #expect(
        zip(row.outcomes, rows).allSatisfy { outcome, row in
          row.isFallback ? outcome == nil : outcome?.loss == row.loss
        })
    }
    let q4 = try #require(report.formats.first { $0.name == "q4_K" })
    #expect(q4.tensorCount == 1 && q4.loss == q4.outcomes[0]?.loss)
    #expect(q4.fileLoss.count == 40 * 512 + 60 * 96 + 60)
    #expect(report.worstTensor(q4) == 0)
    let distance = try #require(q4.decibelsFromBound)
    #expect(abs(distance - (4.5 * 6.020599913279624 - q4.loss.sqnr!)) < 1e-12)
  }

  @Test("a format whose groups are rows takes every tensor, in as many bits as that makes")
  func channels() throws {
    var request = request([.q8_0, .group(GroupFormat(.integers(bits: 4), length: 64)!)])
    let channel = try #require(FormatName("INT8_channel"))
    request.formats.append(channel)
    request.productRows = [2]
    let report = try Sweep(request).run()
    #expect(report.formats.map(\.name) == ["q8_0", "int8_channel", "int4_g64"])
    let row = report.formats[1]
    let elements = 40 * 512 + 60 * 96 + 60
    let bytes = elements + 2 * (40 + 60 + 3)
    #expect(row.tensorCount == 3 && row.byteCount == bytes && row.loss.count == elements)
    #expect(abs(row.bitsPerWeight - Double(bytes * 8) / Double(elements)) < 1e-12)
    #expect(row.loss.sqnr == row.fileLoss.sqnr && row.loss.sqnr! > 40)
    #expect(report.formats[2].outcomes.map { $0 == nil } == [false, true, true])
    #expect(report.formats.map { $0.products.count } == [1, 1, 1])
    request.sample = Sample(.share(0.01))
    #expect(try Sweep(request).run().formats[1].loss.count == elements)
  }

  @Test("tensors that are left out count as they are")
  func expression() throws {
    var request = request([.q8_0])
    request.tensors = try NameExpression("layers\\.0", option: "--tensors")
    let report = try Sweep(request).run()
    #expect(report.tensors.map(\.name) == ["layers.0.weight"])
    // The mask has no type in GGUF, and gets one as wide.
    #expect(report.keptByteCount == 4 * (40 + 60 * 96 + 60 + 40) + 3)
  }

  @Test("products are measured where rows hold whole blocks")
  func products() throws {
    var request = request([.q4_0, .q6_K])
    request.productRows = [1, 3]
    let report = try Sweep(request).run()
    #expect(report.productShape == [40, 512])
    #expect(report.formats.map { $0.products.map(\.m) } == [[1, 3], [1, 3]])
    #expect(report.formats.allSatisfy { $0.products.allSatisfy { $0.operationsPerSecond > 0 } })
    request.tensors = try NameExpression("layers\\.1", option: "--tensors")
    let other = try Sweep(request).run()
    #expect(other.productShape == [60, 96])
    #expect(other.formats.map { $0.products.count } == [0, 2])
  }

  @Test("what cannot be swept is an error that says why")
  func errors() throws {
    var request = request([.q8_0])
    request.tensors = try NameExpression("nowhere", option: "--tensors")
    #expect { try Sweep(request) } throws: { "\($0)".contains("--tensors: no tensor matches") }
    request.tensors = try NameExpression("bias", option: "--tensors")
    #expect { try Sweep(request) } throws: { "\($0)".contains("would be quantized") }
    request = self.request([.q8_K])
    #expect { try Sweep(request).run() } throws: { "\($0)".contains("q8_K") }
    let path = folder.file("wide.safetensors")
    try write([("x.weight", .f64, [1, 32], [UInt8](repeating: 0, count: 256))], to: path)
    #expect {
      try Sweep(SweepRequest(input: path)).run()
    } throws: {
      let words = "\($0)"
      return words.contains("x.weight") && words.contains("f64")
    }
  }
}
