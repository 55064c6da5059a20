import KerfCheckpoints
import KerfCodecs
import KerfElements
import KerfLayouts
import KerfTestSupport
import SystemPackage
import Testing

/// Directories that are written for runtimes: what is in them, and what is refused before.
struct WritingTests {
  static let config =
    #"{"model_type": "llama", "rms_norm_eps": 1e-05, "z": {"a": [1, -2, 0.5]}, "b": null}"#

  static func tensor(
    _ name: String, _ format: Format, _ shape: Shape = [32, 128], from source: Format = .bf16
  ) -> ModelPlan.Tensor {
    ModelPlan.Tensor(name: name, shape: shape, format: format, sourceFormat: source)
  }

  static func plan(
    _ layout: Layout, _ tensors: [ModelPlan.Tensor], activations: Bool = false,
    nested: Bool = false,
    shardByteCount: Int = ModelPlan.usualShardByteCount
  ) throws -> ModelPlan {
    guard let root = try JSONValue(parsing: Array(config.utf8)).object else { fatalError() }
    var options = ModelPlan.Options()
    options.quantizesActivations = activations
    options.nestsScales = nested
    return try ModelPlan(
      for: layout, tensors: tensors, config: root, metadata: [], options: options,
      path: "/tmp/model", shardByteCount: shardByteCount)
  }

  static func group(_ name: String) -> Format { Format(name: name)! }

  /// A model of the golden's matrices, written again, is the same model.
  @Test(arguments: [
    "awq", "bitsandbytes-nf4", "bitsandbytes-int8", "mlx", "gptq-4-v1", "gptq-4-v2",
  ])
  func writtenAndReadAgain(_ name: String) throws {
    let model = try Model.open(GoldenTests.folder.appending(name))
    let tensors = model.tensors.filter {
      name != "awq" || $0.arrangement?.format.length == 64 || $0.arrangement == nil
    }
    guard case .safetensors(let metadata) = model.checkpoint.metadata,
      let layout = model.layout,
      let config = try JSONValue(contentsOf: model.checkpoint.directory.appending("config.json"))
        .object
    else { return }
    let folder = try Folder()
    defer { withExtendedLifetime(folder) {} }
    let path = folder.file("model")
    let plan = try ModelPlan(
      for: layout,
      tensors: tensors.map {
        ModelPlan.Tensor(name: $0.name, shape: $0.shape, format: $0.format, sourceFormat: .f32)
      }, config: config, metadata: metadata, path: path, shardByteCount: 6000)
    #expect(plan.shards.count > 1 || tensors.count < 4)
    let writer = try ModelWriter(plan, at: path, replacing: false)
    for (index, tensor) in tensors.enumerated() {
      let bytes = try model.bytes(of: tensor)
      try bytes.withUnsafeBytes { bytes in
        guard let arrangement = tensor.arrangement, let base = bytes.baseAddress else {
          return try writer.write(index, bytes, at: 0)
        }
        // Units in any order.
        let unit = arrangement.unit
        for first in stride(from: 0, to: arrangement.groupCount, by: unit).reversed() {
          let groups = first..<min(first + unit, arrangement.groupCount)
          let buffer = AlignedBuffer(byteCount: arrangement.portion(groups).byteCount)
          try writer.write(
            index, groups: groups, base + first * arrangement.format.byteCount,
            through: buffer.baseAddress)
        }
      }
    }
    #expect((try? path.stat()) == nil)
    try writer.commit()
    let again = try Model.open(path)
    #expect(again.layout == layout)
    #expect(Set(again.tensors.map(\.name)) == Set(tensors.map(\.name)))
    for tensor in tensors {
      let other = try #require(again.tensors.first { $0.name == tensor.name })
      #expect(other.format == tensor.format && other.shape == tensor.shape)
      // 127 times a number over 127 is not always the number.
      let isEqual = try again.bytes(of: other) == model.bytes(of: tensor)
      #expect(isEqual || name == "bitsandbytes-int8", "\(tensor.name)")
    }
  }

  /// Rows of turned matrices go to the disk in bands, whatever portions they come in.
  @Test(arguments: [
    (Layout.awq, "int4_g32_zp"), (.awq, "int4_g32"), (.gptq, "int3_g32_zp"), (.gptq, "int8_g64"),
    (.compressedTensors, "int4_g32_zp"),
  ])
  func bandsOfRows(_ layout: Layout, _ name: String) throws {
    let format = Self.group(name)
    let tensors = ["a.weight", "b.weight"].map { Self.tensor($0, format, [416, 64]) }
    let folder = try Folder()
    defer { withExtendedLifetime(folder) {} }
    let path = folder.file("model")
    let plan = try Self.plan(layout, tensors)
    let writer = try ModelWriter(plan, at: path, replacing: false, bandByteCount: 2000)
    for (index, place) in plan.places.enumerated() {
      guard case .arranged(_, let arrangement, _) = place else { continue }
      let blocks = ArrangementTests.blocks(arrangement, seed: UInt64(index))
      let length = 5 * arrangement.unit
      let buffer = AlignedBuffer(byteCount: arrangement.portion(0..<length).byteCount)
      for first in stride(from: 0, to: arrangement.groupCount, by: length).reversed() {
        try blocks.withUnsafeBytes { blocks in
          try writer.write(
            index, groups: first..<min(first + length, arrangement.groupCount),
            blocks.baseAddress! + first * arrangement.format.byteCount,
            through: buffer.baseAddress)
        }
      }
    }
    try writer.commit()
    let checkpoint = try Checkpoint.open(path)
    for (index, place) in plan.places.enumerated() {
      guard case .arranged(_, let arrangement, let tensors) = place else { continue }
      let planes = Planes(arrangement, ArrangementTests.blocks(arrangement, seed: UInt64(index)))
      for (tensor, bytes) in zip(tensors, planes.bytes) {
        let stored = try #require(checkpoint.tensor(named: tensor.name))
        let isEqual = try checkpoint.bytes(of: stored) == bytes
        #expect(isEqual, "\(tensor.name)")
      }
    }
  }

  /// What is decided for a whole matrix is where its readers look for it.
  @Test func scalesOfWholeMatrices() throws {
    func planes(_ name: String, _ sharing: Layout.Sharing, nested: Bool = false) throws -> [Plane] {
      var tensor = Self.tensor("a.weight", Self.group(name), [200, 256])
      tensor.sharing = sharing
      let layout: Layout = nested ? .bitsandbytes : .compressedTensors
      guard
        case .arranged(_, let arrangement, _) = try Self.plan(
          layout, [tensor], nested: nested
        ).places[0]
      else { return [] }
      #expect(arrangement.matrixScales != nil)
      return arrangement.planes.filter { $0.content == .decided }
    }
    let tensor = try planes("e4m3_g256_bf16", .tensor)
    #expect(tensor.map(\.suffix) == ["weight_scale"] && tensor[0].shape == [1])
    let tiles = try planes("e4m3_g128_bf16", .tiles(rows: 128))
    #expect(tiles.map(\.suffix) == ["weight_scale"] && tiles[0].shape == [2, 2])
    #expect(tiles[0].format == .bf16)
    let divisor = try planes("e2m1_g16_e4m3", .none)
    #expect(divisor.map(\.suffix) == ["weight_global_scale"])
    let nested = try planes("nf4_g64", .none, nested: true)
    #expect(nested.map(\.shape.count) == [800, 4, 256, nested[3].shape.count])
  }

  /// The scales of the golden without nesting become those of the golden with it.
  @Test(arguments: ["nf4", "fp4"]) func nestedScales(_ kind: String) throws {
    let plain = try Model.open(GoldenTests.folder.appending("bitsandbytes-" + kind))
    let nested = try Model.open(GoldenTests.folder.appending("bitsandbytes-\(kind)-nested"))
    for tensor in plain.tensors {
      guard let arrangement = tensor.arrangement else { continue }
      let found = NestedScales(
        Planes(arrangement, try plain.bytes(of: tensor)).scales())
      let other = try #require(nested.tensors.first { $0.name == tensor.name }?.arrangement)
      guard case .scales(.nested(let expected)) = other.planes[1].content else {
        Issue.record("no nested scales")
        continue
      }
      #expect(NestedScales.numbers == expected.map)
      #expect(abs(found.offset - expected.offset) <= expected.offset.ulp)
      #expect(zip(found.largest, expected.absmax).allSatisfy { abs($0 - $1) <= 2 * $1.ulp })
      let stored = try #require(
        nested.checkpoint.tensor(named: tensor.name + ".absmax"))
      #expect(try nested.checkpoint.bytes(of: stored) == found.codes)
    }
  }

  @Test func theRestOfConfigStays() throws {
    let plan = try Self.plan(
      .compressedTensors,
      [
        Self.tensor("a.weight", Self.group("int4_g64_bf16")),
        Self.tensor("router.weight", .bf16), Self.tensor("norm.weight", .bf16, [128]),
      ])
    let text = try #require(plan.texts.first { $0.name == "config.json" })
    let object = try #require(try JSONValue(parsing: text.bytes).object)
    let before = try #require(try JSONValue(parsing: Array(Self.config.utf8)).object)
    #expect(object.members.map(\.name) == before.members.map(\.name) + ["quantization_config"])
    for member in before.members {
      #expect(JSONValue.sameText(object[member.name], member.value), "\(member.name)")
    }
    let said = try #require(object["quantization_config"]?.object)
    #expect(said["format"]?.string == "pack-quantized")
    #expect(said["ignore"]?.array?.compactMap(\.string) == ["router", "lm_head"])
  }

  @Test func classesOfModules() throws {
    func config(_ layout: Layout, _ formats: [String], activations: Bool = false) throws
      -> JSONObject
    {
      let plan = try Self.plan(
        layout, formats.enumerated().map { Self.tensor("m\($0).weight", Self.group($1)) },
        activations: activations)
      let text = plan.texts[0].bytes
      return try JSONValue(parsing: text).object?["quantization_config"]?.object ?? [:]
    }
    let mixed = try config(
      .compressedTensors, ["int8_g128_bf16", "int4_g64_bf16", "int4_g64_bf16", "e2m1_g32"])
    #expect(mixed["format"]?.string == "mixed-precision")
    let groups = try #require(mixed["config_groups"]?.object)
    #expect(groups.members.count == 3)
    #expect(groups["group_0"]?.object?["targets"]?.array == ["Linear"])
    #expect(groups["group_1"]?.object?["targets"]?.array == ["m0"])
    #expect(groups["group_1"]?.object?["weights"]?.object?["strategy"]?.string == "channel")
    let plain = try config(.compressedTensors, ["int8_g128_bf16"], activations: true)
    #expect(plain["format"]?.string == "int-quantized")

    func floats(_ tensors: [(format: String, sharing: Layout.Sharing)]) throws -> [JSONObject] {
      let plan = try Self.plan(
        .compressedTensors,
        tensors.enumerated().map {
          var tensor = Self.tensor("m\($0).weight", Self.group($1.format), [200, 256])
          tensor.sharing = $1.sharing
          return tensor
        }, activations: true)
      let groups =
        try JSONValue(parsing: plan.texts[0].bytes).object?["quantization_config"]?
        .object?["config_groups"]?.object?.members ?? []
      return groups.compactMap(\.value.object)
    }
    let shared = try floats([
      ("e4m3_g256_bf16", .tensor), ("e4m3_g128_bf16", .tiles(rows: 128)), ("e4m3_g256_bf16", .none),
      ("e4m3_g128_bf16", .tiles(rows: 128)),
    ])
    #expect(
      shared.map { $0["weights"]?.object?["strategy"]?.string } == ["block", "tensor", "channel"])
    #expect(
      shared[0]["weights"]?.object?["block_structure"]?.array?.compactMap(\.integer) == [128, 128])
    #expect(shared[0]["input_activations"]?.object?["group_size"]?.integer == 128)
    #expect(shared[1]["input_activations"]?.object?["strategy"]?.string == "token")

    let mlx = try config(.mlx, ["int8_g32_bias_bf16", "int4_g64_bias_bf16", "int4_g64_bias_bf16"])
    #expect(mlx["bits"]?.integer == 4)
    #expect(mlx["m0"]?.object?["bits"]?.integer == 8)
    let gptq = try config(.gptq, ["int8_g32", "int4_g64", "int4_g64"])
    #expect(gptq["dynamic"]?.object?["+:^m0$"]?.object?["group_size"]?.integer == 32)
    #expect(gptq["checkpoint_format"]?.string == "gptq")
    let zeros = try config(.gptq, ["int4_g64", "int4_g64_zp"])
    #expect(zeros["checkpoint_format"]?.string == "gptq_v2" && zeros["sym"]?.bool == false)
    #expect(throws: LayoutError.self) { try config(.awq, ["int4_g32", "int4_g64"]) }
    #expect(throws: LayoutError.self) { try config(.bitsandbytes, ["nf4_g64", "fp4_g64"]) }
  }

  /// What a layout cannot hold is refused before any work, with what it can.
  @Test func whatCannotBeHeld() throws {
    for (layout, format, shape) in [
      (.awq, "int8_g64", [32, 128]), (.awq, "int4_g64_bf16", [32, 128]),
      (.awq, "int4_g64", [40, 128]), (.awq, "int4_g64", [32, 96]),
      (.awq, "int4_g64", [2, 32, 128]),
      (.gptq, "int6_g64", [32, 128]), (.gptq, "nf4_g64", [32, 128]), (.gptq, "q4_0", [32, 128]),
      (.mlx, "int4_g64", [32, 128]), (.mlx, "int7_g64_bias", [32, 128]),
      (.mlx, "int4_g16_bias", [32, 128]), (.mlx, "nf4_g64", [32, 128]),
      (.bitsandbytes, "int4_g64_f32", [32, 128]), (.bitsandbytes, "nf4_g16", [32, 128]),
      (.bitsandbytes, "int8_g64_f32", [32, 128]), (.bitsandbytes, "nf4_g64_bf16", [32, 128]),
      (.compressedTensors, "int5_g64", [32, 128]), (.compressedTensors, "nf4_g64", [32, 128]),
      (.compressedTensors, "int4_g64_bias", [32, 128]),
      (.compressedTensors, "e4m3_g64", [32, 128]),
      (.compressedTensors, "q8_0", [32, 128]),
    ] as [(Layout, String, Shape)] {
      let error = #expect(throws: LayoutError.self, "\(layout) \(format) \(shape)") {
        try Self.plan(layout, [Self.tensor("a.weight", Self.group(format), shape)])
      }
      if let error { #expect("\(error)".contains("\"a.weight\": \(layout) cannot hold")) }
    }
    for (layout, format) in [(.compressedTensors, "int4_g64_bf16"), (.mlx, "e4m3_g32_e8m0")]
      as [(Layout, String)]
    {
      for sharing in [Layout.Sharing.tensor, .tiles(rows: 128)] {
        var tensor = Self.tensor("a.weight", Self.group(format))
        tensor.sharing = sharing
        #expect(throws: LayoutError.self) { try Self.plan(layout, [tensor]) }
      }
    }
  }

  @Test func formatsThatLayoutsMean() {
    func name(
      _ layout: Layout, _ codes: GroupFormat.Codes, _ weights: Format = .bf16,
      _ grouping: Layout.Grouping? = nil
    ) -> String? {
      layout.format(codes, grouping: grouping, weights: weights, columns: 256)?.name
    }
    #expect(name(.compressedTensors, .integers(bits: 4)) == "int4_g128_bf16")
    #expect(name(.compressedTensors, .integers(bits: 8)) == "int8_g256_bf16")
    #expect(name(.compressedTensors, .integers(bits: 4), .f16, .channel) == "int4_g256")
    #expect(name(.compressedTensors, .e4m3) == "e4m3_g256_bf16")
    #expect(name(.mlx, .integers(bits: 4)) == "int4_g64_bias_bf16")
    #expect(name(.compressedTensors, .e4m3, .f32, .tensor) == "e4m3_g256")
    #expect(
      name(.compressedTensors, .e4m3, .bf16, .tiles(rows: 64, columns: 128)) == "e4m3_g128_bf16")
    #expect(name(.mlx, .e4m3) == "e4m3_g32_e8m0")
    #expect(name(.mlx, .e2m1, .bf16, .elements(16)) == "e2m1_g16_e4m3")
    #expect(name(.bitsandbytes, .nf4) == "nf4_g64")
    #expect(name(.bitsandbytes, .integers(bits: 8)) == "int8_g256_f32")
    #expect(name(.awq, .integers(bits: 4)) == "int4_g128_zp")
    #expect(name(.gptq, .integers(bits: 4)) == "int4_g128")
  }

  @Test func linearModules() {
    func isLinear(_ name: String, _ shape: Shape = [64, 64]) -> Bool {
      LinearModules.contains(name: name, shape: shape, format: .bf16)
    }
    for name in [
      "model.layers.0.self_attn.q_proj.weight", "model.layers.3.mlp.down_proj.weight",
      "encoder.layer.0.attention.self.query.weight", "pooler.dense.weight",
      "model.layers.0.mlp.experts.7.up_proj.weight",
    ] { #expect(isLinear(name), "\(name)") }
    for name in [
      "model.embed_tokens.weight", "lm_head.weight", "model.layers.0.mlp.gate.weight",
      "model.norm.weight", "embeddings.position_embeddings.weight",
      "model.layers.0.mlp.up_proj.bias",
    ] { #expect(!isLinear(name), "\(name)") }
    #expect(!isLinear("a.weight", [64]))
  }
}

extension JSONValue {
  /// Whether both say the same, wherever they stand.
  static func sameText(_ a: JSONValue?, _ b: JSONValue) -> Bool { a?.text == b.text }
}
