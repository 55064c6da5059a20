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

@Suite struct ConversionTests {
  private let folder: Folder
  private let values: [Float]
  private let input: FilePath
  private let output: FilePath

  init() throws {
    folder = try Folder()
    input = folder.file("model.safetensors")
    output = folder.file("model.gguf")
    var random = SplitMix(seed: 9)
    values = random.normals(200 * 1536)
    try write(
      [
        ("layer.weight", .f32, [200, 1536], bytes(values)),
        ("layer.bias", .f32, [200], bytes(random.normals(200))),
        ("narrow.weight", .f32, [3, 20], bytes(random.normals(60))),
        ("ids", .i64, [4], [UInt8](repeating: 3, count: 32)),
        ("mask", .bool, [3], [1, 0, 1]),
        ("nothing.weight", .f32, [0, 32], []),
        ("one", .f32, [], bytes([2.5])),
      ], to: input)
  }

  private func request(_ target: Format) -> ConversionRequest {
    ConversionRequest(input: input, output: output, target: target, threads: 2)
  }

  @Test("weights become the blocks that the engine makes", arguments: [1, 2, 7], Rounding.allCases)
  func convert(threads: Int, rounding: Rounding) throws {
    var request = request(.q4_0)
    request.threads = threads
    request.rounding = rounding
    let report = try Conversion(request).run()
    let result = try Checkpoint.open(output)
    let tensor = try #require(result.tensor(named: "layer.weight"))
    #expect(tensor.format == .q4_0)
    #expect(tensor.shape == [200, 1536])
    #expect(try result.bytes(of: tensor) == twin(of: .q4_0).encodedRow(values, rounding))
    let original = try Tensor(shape: [200, 1536], values)
    let loss = try original.quantized(as: .q4_0, rounding: rounding).loss(against: original)
    let row = try #require(report.rows.first { $0.name == "layer.weight" })
    #expect(row.loss?.squaredError == loss.squaredError)
    #expect(row.byteCount == tensor.byteCount)
  }

  @Test("what is not quantized passes through, or falls back with a word")
  func others() throws {
    let report = try Conversion(request(.q8_0)).run()
    let result = try Checkpoint.open(output)
    func format(_ name: String) -> Format? { result.tensor(named: name)?.format }
    #expect(format("layer.bias") == .f32)
    #expect(format("ids") == .i64)
    #expect(format("mask") == .i8)
    #expect(format("nothing.weight") == .q8_0)
    #expect(format("one") == .f32)
    #expect(format("narrow.weight") == .f16)
    #expect(try result.bytes(of: #require(result.tensor(named: "mask"))) == [1, 0, 1])
    let fallbacks = report.rows.filter(\.isFallback)
    #expect(fallbacks.map(\.name) == ["narrow.weight"])
    #expect(fallbacks.first?.wantedFormat == .q8_0)
    #expect(fallbacks.first?.note?.contains("20") == true)
  }

  @Test("strict refuses fallbacks and leaves nothing")
  func strict() throws {
    var request = request(.q8_0)
    request.isStrict = true
    #expect {
      try Conversion(request)
    } throws: { error in
      guard case .refused(_, let objections)? = error as? ConversionError else { return false }
      return objections
        == [.fallback(tensor: "narrow.weight", wanted: .q8_0, got: .f16, columns: 20)]
    }
    #expect(folder.names == ["model.safetensors"])
  }

  @Test("whatever a tensor is called, an error is one line")
  func hostileNames() throws {
    let odd = folder.file("odd.safetensors")
    try write([("a\n\u{1B}[2Jb.weight", .f32, [1, 20], bytes(Array(values.prefix(20))))], to: odd)
    var request = ConversionRequest(input: odd, output: output, target: .q8_0, threads: 1)
    request.isStrict = true
    let error = #expect(throws: ConversionError.self) { try Conversion(request) }
    #expect(error?.description.contains("a\\u{a}\\u{1b}[2Jb.weight") == true)
    #expect(error?.description.unicodeScalars.allSatisfy(\.isPrintable) == true)
  }

  @Test("NaN is named, and refused by strict")
  func nonFinite() throws {
    let odd = folder.file("odd.safetensors")
    var bad = Array(values.prefix(64))
    bad[7] = .nan
    bad[40] = -.infinity
    try write([("odd.weight", .f32, [2, 32], bytes(bad))], to: odd)
    var request = ConversionRequest(input: odd, output: output, target: .q5_0, threads: 1)
    let report = try Conversion(request).run()
    #expect(report.rows[0].loss?.nonFinite == 2)
    request.isReplacing = true
    request.isStrict = true
    request.isMeasuring = false
    let before = try Checkpoint.open(output).fileSize
    #expect(throws: ConversionError.self) { try Conversion(request).run() }
    #expect(try Checkpoint.open(output).fileSize == before)
    #expect(folder.names == ["model.gguf", "model.safetensors", "odd.safetensors"])
  }

  @Test("the input is never the output")
  func sameFile() throws {
    var request = request(.f16)
    request.output = input
    request.isReplacing = true
    #expect(throws: ConversionError.self) { try Conversion(request) }
    let link = folder.file("link.safetensors")
    try FileManager.default.createSymbolicLink(
      atPath: link.string, withDestinationPath: input.string)
    request.output = link
    #expect(throws: ConversionError.self) { try Conversion(request) }
  }

  @Test("an existing output is kept, unless it is to be replaced")
  func existing() throws {
    _ = try Conversion(request(.q8_0)).run()
    #expect(throws: ConversionError.self) { try Conversion(request(.q4_0)).run() }
    #expect(try Checkpoint.open(output).tensor(named: "layer.weight")?.format == .q8_0)
    var forced = request(.q4_0)
    forced.isReplacing = true
    _ = try Conversion(forced).run()
    #expect(try Checkpoint.open(output).tensor(named: "layer.weight")?.format == .q4_0)
  }

  @Test("GGUF keeps its keys, and says what it now is")
  func keys() throws {
    let first = folder.file("first.gguf")
    let entries: [MetadataEntry<GGUFValue>] = [
      MetadataEntry("general.architecture", .string("test")),
      MetadataEntry("general.file_type", .uint32(1)),
      MetadataEntry("general.alignment", .uint32(64)),
      MetadataEntry("odd", .float64(0.1)),
      MetadataEntry("words", .array(GGUFArray(["a", "b"]))),
    ]
    try write(
      [("a.weight", .f32, [2, 32], bytes(Array(values.prefix(64))))], .gguf(entries), to: first)
    var request = ConversionRequest(input: first, output: output, target: .q4_1, threads: 1)
    request.isMeasuring = false
    let report = try Conversion(request).run()
    #expect(report.total.loss == nil)
    guard case .gguf(let found) = try Checkpoint.open(output).metadata else {
      Issue.record("not GGUF")
      return
    }
    var expected = entries
    expected[1] = MetadataEntry("general.file_type", .uint32(3))
    expected.append(MetadataEntry("general.quantization_version", .uint32(2)))
    #expect(found == expected)
  }

  @Test("blocks become blocks of another kind, with a word")
  func requantize() throws {
    _ = try Conversion(request(.q8_0)).run()
    let second = ConversionRequest(
      input: output, output: folder.file("second.gguf"), target: .q4_0, threads: 2)
    let conversion = try Conversion(second)
    #expect(conversion.remarks.contains(.requantized(count: 2)))
    let row = try conversion.run().rows.first { $0.name == "layer.weight" }
    #expect(row?.note?.contains("q8_0") == true)
  }

  @Test("blocks go straight to other blocks; what is right already, or kept, is copied")
  func blocksToBlocks() throws {
    let original = try Tensor(shape: [4, 64], Array(values.prefix(256)))
    func blocks(_ format: Format) throws -> [UInt8] {
      try original.quantized(as: format).withUnsafeBytes { Array($0) }
    }
    let first = folder.file("first.gguf")
    let names = ["a.weight", "b.weight", "blk.0.ffn_gate_inp.weight"]
    let formats: [Format] = [.q5_1, .q4_0, .q8_0]
    try write(
      try zip(names, formats).map { ($0, $1, [4, 64], try blocks($1)) }, .gguf([]), to: first)
    for target in [Target.format(.q4_0), .preset(.q4_0)] {
      var request = ConversionRequest(input: first, output: output, target: target, threads: 1)
      request.isReplacing = true
      let report = try Conversion(request).run()
      #expect(report.rows.map(\.format) == [.q4_0, .q4_0, .q8_0])
      #expect(report.rows[0].note?.contains("q5_1") == true && report.rows[1].note == nil)
      let direct = try original.quantized(as: .q5_1).requantized(as: .q4_0)
        .withUnsafeBytes { Array($0) }
      let result = try Checkpoint.open(output)
      for (name, expected) in zip(names, [direct, try blocks(.q4_0), try blocks(.q8_0)]) {
        let tensor = try #require(result.tensor(named: name))
        let equal = try result.bytes(of: tensor) == expected
        #expect(equal, "\(name)")
      }
    }
  }

  @Test("a container that cannot hold the format is named before any work")
  func cannotHold() throws {
    var request = request(.q4_0)
    request.output = folder.file("out.safetensors")
    #expect {
      try Conversion(request)
    } throws: { error in "\(error)".contains("safetensors cannot hold q4_0") }
    #expect(folder.names == ["model.safetensors"])
  }

  @Test("formats without kernels are carried, not converted")
  func carried() throws {
    let first = folder.file("first.gguf")
    try write(
      [
        ("a.weight", .q8_1, [1, 256], [UInt8](repeating: 7, count: 288)),
        ("b.norm", .f32, [2], bytes([1, 2])),
      ], .gguf([]), to: first)
    let request = ConversionRequest(input: first, output: output, target: .q8_0, threads: 1)
    #expect {
      try Conversion(request)
    } throws: { error in "\(error)".contains("converting q8_1 to q8_0 is not possible yet") }
  }

  @Test("a hub file's halves all follow the target")
  func halves() throws {
    var request = request(.bf16)
    request.output = folder.file("half.safetensors")
    _ = try Conversion(request).run()
    let result = try Checkpoint.open(request.output)
    #expect(result.tensor(named: "layer.bias")?.format == .bf16)
    #expect(result.tensor(named: "mask")?.format == .bool)
    #expect(result.tensor(named: "ids")?.format == .i64)
  }
}
