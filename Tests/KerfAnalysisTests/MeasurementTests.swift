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

@Suite struct MeasurementTests {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// A file of these tensors; one with an architecture is GGUF.
  private func file(_ name: String, _ tensors: [NamedTensor], _ architecture: String? = nil) throws
    -> FilePath
  {
    let path = folder.file(name)
    let metadata: CheckpointMetadata =
      architecture.map { architecture in
        .gguf([
          MetadataEntry("general.architecture", .string(architecture)),
          MetadataEntry(architecture + ".attention.head_count", .uint32(2)),
        ])
      } ?? .safetensors([])
    try write(tensors, metadata, to: path)
    return path
  }

  private func floats(_ name: String, _ shape: Shape, _ values: [Float]) -> NamedTensor {
    (name, .f32, shape, bytes(values))
  }

  private func report(_ reference: FilePath, _ candidate: FilePath, threads: Int = 2) throws
    -> LossReport
  {
    try Measurement(MeasureRequest(reference: reference, candidate: candidate, threads: threads))
      .run()
  }

  @Test(
    "what is larger by half loses half of every product, however rows lie in pieces",
    arguments: [[3, 2], [5000, 77], [2, 600_000], [3, 1_000, 100], [1, 4096], [20_000, 3]])
  func products(dimensions: [Int]) throws {
    let shape = try #require(Shape(dimensions))
    var random = SplitMix(seed: 1)
    let values = (0..<shape.count).map { _ in Float(random.next() >> 60) - 7.5 }
    let a = try file("a.safetensors", [floats("w.weight", shape, values)])
    let b = try file("b.safetensors", [floats("w.weight", shape, values.map { $0 * 1.5 })])
    let first = try #require(report(a, b, threads: 1).rows.first)
    #expect(first.loss?.nmse == 0.25)
    if dimensions.count == 2, dimensions[0] == 1 {
      #expect(first.productErrors == nil)
    } else {
      let errors = try #require(first.productErrors)
      #expect(abs(errors.random - 0.5) < 1e-6 && abs(errors.outliers - 0.5) < 1e-6)
    }
    let second = try #require(report(a, b, threads: 3).rows.first)
    #expect(first.productErrors == second.productErrors && first.loss == second.loss)
  }

  @Test("files that mislead are compared or refused, and nothing breaks")
  func hostile() throws {
    let layer = "model.layers.0."
    let shapes: [Shape] = [
      [0, 32], [32, 0], [1], [1, 32], [32], [2, 1], [64, 32], [1, 1, 2, 32],
    ]
    for architecture in ["llama", "gpt2", "gemma", "bert"] {
      for shape in shapes {
        let values = [Float](repeating: 1, count: shape.count)
        let names = [
          ("self_attn.q_proj.weight", "attn_q.weight"), ("attn.c_attn.weight", "attn_qkv.weight"),
          ("input_layernorm.weight", "attn_norm.weight"),
        ]
        let reversed = Shape(shape.dimensions.reversed())!
        let a = try file(
          "a.safetensors",
          names.map { floats(layer + $0.0, shape, values) }
            + [floats("both", [1], [1])])
        let b = try file(
          "b.gguf",
          names.map {
            floats(
              "blk.0." + $0.1,
              architecture == "gpt2" && $0.1 == "attn_qkv.weight" ? reversed : shape, values)
          } + [floats("both", [1], [1])], architecture)
        for (x, y) in [(a, b), (b, a)] {
          let report = try report(x, y)
          #expect(report.rows.count + report.unmatched.reference.count == 4)
        }
      }
    }
  }

  @Test("rows of blocks that would have to be cut are not measured")
  func cutBlocks() throws {
    let a = try file(
      "a.safetensors",
      [floats("layers.0.self_attn.q_proj.weight", [64], [Float](repeating: 1, count: 64))])
    let b = try file(
      "b.gguf", [("blk.0.attn_q.weight", .q8_0, [64], [UInt8](repeating: 0, count: 68))], "llama")
    let row = try #require(report(a, b).rows.first)
    #expect(row.loss == nil && row.note?.contains("cannot be reordered") == true)
  }

  @Test("errors say what and where")
  func errors() throws {
    let a = try file("a.safetensors", [floats("w", [2, 3], [Float](repeating: 1, count: 6))])
    let b = try file("b.safetensors", [floats("w", [3, 2], [Float](repeating: 1, count: 6))])
    let c = try file("c.safetensors", [floats("v", [2], [1, 2])])
    func message(_ reference: FilePath, _ candidate: FilePath, _ pattern: NameExpression? = nil)
      -> String
    {
      var request = MeasureRequest(reference: reference, candidate: candidate)
      request.tensors = pattern
      do {
        _ = try Measurement(request)
        return ""
      } catch { return error.description }
    }
    func expression(_ text: String) throws -> NameExpression {
      try NameExpression(text, option: "--tensors")
    }
    #expect(message(a, b).contains("[2, 3], but [3, 2]"))
    #expect(message(a, c).contains("no tensor in common"))
    #expect(try message(a, a, expression("x")).contains("no tensor matches “x”"))
    #expect(message(a, FilePath("/nowhere/x.gguf")).contains("/nowhere/x.gguf"))
    #expect(try message(a, a, expression("w")) == "")
  }
}
