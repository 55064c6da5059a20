import KerfCheckpoints
import KerfElements
import KerfLayouts
import KerfTestSupport
import SystemPackage
import Testing

/// Tensors that do not agree, with each other or with config.json, are errors that say so.
struct HostileModelTests {
  typealias Tensors = [NamedTensor]

  /// A directory with one model.
  private func folder(_ tensors: Tensors, config: String) throws -> Folder {
    let folder = try Folder()
    try write(tensors, to: folder.file("model.safetensors"))
    let file = try AtomicFile(
      at: folder.file("config.json"), byteCount: config.utf8.count, replacing: false)
    try file.write(Array(config.utf8), at: 0)
    try file.commit(isLasting: false)
    return folder
  }

  static let packed: Tensors = [
    ("a.weight_packed", .i32, [3, 8], []), ("a.weight_scale", .f16, [3, 2], []),
    ("a.weight_shape", .i64, [2], littleEndian(3 as Int64) + littleEndian(64 as Int64)),
  ]
  static let compressed =
    #"{"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}}"#
  static let mlxConfig = #"{"quantization": {"group_size": 64, "bits": 4}}"#
  static let mlx: Tensors = [
    ("a.weight", .u32, [3, 16], []), ("a.scales", .f16, [3, 2], []),
    ("a.biases", .f16, [3, 2], []),
  ]
  static let gptqConfig =
    #"{"quantization_config": {"quant_method": "gptq", "bits": 4, "checkpoint_format": "gptq"}}"#
  static let gptq: Tensors = [
    ("a.qweight", .i32, [8, 32], []), ("a.qzeros", .i32, [2, 4], []),
    ("a.scales", .f16, [2, 32], []),
    (
      "a.g_idx", .i32, [64],
      (0..<64).flatMap { littleEndian(Int32($0 / 32)) }
    ),
  ]
  static let fourBitConfig = #"{"quantization_config": {"quant_method": "bitsandbytes"}}"#
  static let fourBit: Tensors = {
    let format = GroupFormat(.nf4, length: 64)!
    let state = BitsAndBytes.state(format, [2, 64], type: .f16)
    let planes = BitsAndBytes.fourBit(format, [2, 64], state: state)?.planes ?? []
    return planes.map { plane in
      if case .constant(let bytes) = plane.content {
        return ("a." + plane.suffix, plane.format, plane.shape, bytes)
      }
      return ("a." + plane.suffix, plane.format, plane.shape, [])
    }
  }()

  /// The same with scales of scales, and a JSON text that ends in `entries`.
  static func nestedFourBit(_ entries: String) -> Tensors {
    var tensors = fourBit
    tensors[1] = ("a.weight.absmax", .u8, [2], [])
    tensors.append(("a.weight.nested_absmax", .f32, [1], []))
    tensors.append(("a.weight.nested_quant_map", .f32, [256], []))
    tensors[3].bytes = tensors[3].bytes.dropLast() + Array(", \(entries)}".utf8)
    tensors[3].shape = Shape([tensors[3].bytes.count])!
    return tensors
  }
  static let nested = #""nested_blocksize": 256, "nested_offset": 0.5"#

  static let awqConfig =
    #"{"quantization_config": {"quant_method": "awq", "bits": 4, "version": "gemm"}}"#
  static let awq: Tensors = [
    ("a.qweight", .i32, [64, 4], []), ("a.qzeros", .i32, [2, 4], []),
    ("a.scales", .f16, [2, 32], []),
  ]
  static let floats4: Tensors = [
    ("a.weight_packed", .u8, [3, 32], []), ("a.weight_scale", .f8_e4m3, [3, 4], []),
    ("a.weight_global_scale", .f32, [1], littleEndian((1 as Float).bitPattern)),
  ]

  static let sound: [(Tensors, String)] = [
    (packed, compressed), (floats4, compressed), (mlx, mlxConfig), (gptq, gptqConfig),
    (awq, awqConfig), (fourBit, fourBitConfig), (nestedFourBit(nested), fourBitConfig),
  ]

  @Test func soundModelsOpen() throws {
    for (tensors, config) in Self.sound {
      let folder = try self.folder(tensors, config: config)
      let model = try Model.open(folder.path)
      #expect(model.tensors.map(\.name) == ["a.weight"], "\(tensors[0].name)")
      #expect(model.tensors[0].arrangement != nil)
      // Blocks of zeros, whatever they mean, are read without a fault.
      #expect(try model.bytes(of: model.tensors[0]).count == model.tensors[0].byteCount)
    }
  }

  /// Every tensor, with another type, another shape, or gone.
  @Test func planesThatDisagree() throws {
    for (tensors, config) in Self.sound {
      for index in tensors.indices {
        var changed: [Tensors] = []
        for format in [.u8, .f32, .i16, .f8_e4m3, .i64, .u32] as [Format]
        where format != tensors[index].format {
          var other = tensors
          other[index].format = format
          changed.append(other)
        }
        for shape in [
          [], [0], [1], [3], [3, 3], [0, 5], [5, 0], [64, 1], [1, 1, 1], [32, 32],
          [0, .max], [.max, 0],
        ] as [Shape]
        where shape != tensors[index].shape {
          var other = tensors
          other[index].shape = shape
          changed.append(other)
        }
        var without = tensors
        without.remove(at: index)
        changed.append(without)
        for tensors in changed {
          let folder = try self.folder(tensors, config: config)
          if let error = errorReading(folder.path) {
            let message = "\(error)"
            #expect(!message.contains { $0.isNewline } && message.utf8.count < 1000)
            #expect(message.contains("a."), "\(message)")
          }
        }
      }
    }
  }

  /// What is not recognised passes as it is; what is must be whole.
  private func errorReading(_ path: FilePath) -> LayoutError? {
    do throws(LayoutError) {
      let model = try Model.open(path)
      for tensor in model.tensors { _ = try model.bytes(of: tensor) }
      return nil
    } catch {
      return error
    }
  }

  private func expectRefusal(
    _ tensors: Tensors, _ config: String, _ words: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let folder = try self.folder(tensors, config: config)
    let error = #expect(throws: LayoutError.self, sourceLocation: sourceLocation) {
      try Model.open(folder.path)
    }
    if let error {
      #expect("\(error)".contains(words), "\(error)", sourceLocation: sourceLocation)
    }
  }

  @Test func numbersThatDisagree() throws {
    func changed(_ tensors: Tensors, _ index: Int, _ bytes: [UInt8]) -> Tensors {
      var tensors = tensors
      tensors[index].bytes = bytes
      return tensors
    }
    let huge = littleEndian(Int64.max) + littleEndian(Int64.max)
    try expectRefusal(changed(Self.packed, 2, huge), Self.compressed, "a matrix")
    try expectRefusal(
      changed(Self.packed, 2, littleEndian(-3 as Int64) + littleEndian(64 as Int64)),
      Self.compressed, "a matrix")
    try expectRefusal(
      changed(Self.packed, 2, littleEndian(4 as Int64) + littleEndian(64 as Int64)),
      Self.compressed, "i32[4, 8]")
    try expectRefusal(
      changed(Self.gptq, 3, [UInt8](repeating: 0, count: 256)), Self.gptqConfig, "order")
    for state in ["", "{}", "[", #"{"shape": [2, 64], "blocksize": 0}"#, #"{"shape": [2, 64]}"#] {
      var tensors = Self.fourBit
      tensors[3].bytes = Array(state.utf8)
      tensors[3].shape = Shape([state.utf8.count])!
      try expectRefusal(tensors, Self.fourBitConfig, "quant_state")
    }
    var across = Self.fourBit
    across[3].bytes = Array(
      across[3].bytes.map { $0 }.withUnsafeBufferPointer {
        String(decoding: $0, as: UTF8.self).replacing("[2, 64]", with: "[4, 32]")
      }.utf8)
    try expectRefusal(across, Self.fourBitConfig, "within rows")
    try expectRefusal(changed(Self.fourBit, 2, []), Self.fourBitConfig, "nf4_g64")
    for length in ["0", "-1", "1.5", #""256""#, "9223372036854775808", "1"] {
      let entries = Self.nested.replacing("256", with: length)
      try expectRefusal(Self.nestedFourBit(entries), Self.fourBitConfig, "nested_")
    }
    // A length that all scales have in common is as good as any.
    let entries = Self.nested.replacing("256", with: "9223372036854775807")
    let folder = try self.folder(Self.nestedFourBit(entries), config: Self.fourBitConfig)
    #expect(throws: Never.self) { try Model.open(folder.path) }
  }

  @Test func configsThatDisagree() throws {
    for (config, words) in [
      (#"{"quantization": {"group_size": 64, "bits": 7}}"#, "7 and 64"),
      (#"{"quantization": {"group_size": 64, "bits": 99}}"#, "from 2 to 8"),
      (#"{"quantization": {"group_size": -1, "bits": 4}}"#, "group_size"),
      (#"{"quantization": {"group_size": 48, "bits": 4}}"#, "4 and 48"),
      (#"{"quantization": {"group_size": 64, "bits": 4, "mode": "other"}}"#, "affine"),
      (#"{"quantization": {"group_size": 64, "bits": 4, "a": {"bits": 3}}}"#, "group_size"),
      (#"{"quantization": {"group_size": 32, "bits": 4}}"#, "a.scales"),
      (#"{"quantization": "#, "config.json"),
    ] {
      try expectRefusal(Self.mlx, config, words)
    }
    try expectRefusal(
      Self.gptq, Self.gptqConfig.replacing(#""gptq"}"#, with: #""marlin"}"#), "marlin")
  }

  /// What is not known is not touched.
  @Test func otherModelsAreAsTheyAre() throws {
    for config in [
      "{}", "[]", #"{"quantization_config": null}"#,
      #"{"quantization_config": {"quant_method": "something new"}}"#,
    ] {
      let folder = try self.folder(Self.mlx, config: config)
      let model = try Model.open(folder.path)
      #expect(model.layout == nil)
      #expect(model.tensors.map(\.name) == model.checkpoint.tensors.map(\.name))
    }
  }
}
