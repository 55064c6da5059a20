// Knows what config.json says of a model that is quantized, in the words of each runtime.

internal import KerfCheckpoints
internal import KerfElements

/// The matrices of a model that is about to be written, as config.json tells them apart.
struct LayoutConfig {
  /// A module whose weights are quantized.
  struct Module {
    let name: String
    let arrangement: Arrangement
    /// The type that its weights had.
    let weights: Format
  }

  let layout: Layout
  /// In the order of the model.
  let modules: [Module]
  /// Modules with weights of two extents that stay as they are.
  let kept: [String]
  let options: ModelPlan.Options

  /// `root` with what the runtime reads, in the place of what it says of quantization.
  func setting(_ root: JSONObject) throws(LayoutError) -> JSONObject {
    let plain = root.setting("quantization", nil).setting("compression_config", nil)
    guard let first = modules.first else { return plain.setting("quantization_config", nil) }
    switch layout {
    case .compressedTensors:
      return plain.setting("quantization_config", .object(try compressedTensors()))
    case .mlx:
      let object = JSONValue.object(mlx())
      return plain.setting("quantization", object).setting("quantization_config", object)
    case .bitsandbytes:
      return plain.setting("quantization_config", .object(try bitsandbytes(first)))
    case .awq: return plain.setting("quantization_config", .object(try awq(first)))
    case .gptq: return plain.setting("quantization_config", .object(gptq()))
    // The graph says it all.
    case .onnx: return plain.setting("quantization_config", nil)
    }
  }

  /// Kept modules, and the head that some models have without a tensor of its own.
  private var ignored: JSONValue {
    let head = "lm_head"
    let names = kept.contains(head) || modules.contains { $0.name == head } ? kept : kept + [head]
    return .array(names.map(JSONValue.string))
  }

  /// Modules by what is the same for them; the largest class first.
  private func classes<Key: Hashable>(
    _ key: (Module) -> Key
  ) -> [(key: Key, modules: [Module])] {
    var order: [Key] = []
    var classes: [Key: [Module]] = [:]
    for module in modules {
      let key = key(module)
      if classes[key] == nil { order.append(key) }
      classes[key, default: []].append(module)
    }
    let usual = order.max { (classes[$0]?.count ?? 0) < (classes[$1]?.count ?? 0) }
    let rest = order.filter { $0 != usual }
    return ((usual.map { [$0] } ?? []) + rest).map { ($0, classes[$0] ?? []) }
  }

  // MARK: The runtimes

  private func compressedTensors() throws(LayoutError) -> JSONObject {
    struct Key: Hashable {
      let scheme: CompressedTensors.Scheme
      let format: GroupFormat?
      let isChannel: Bool
      let scales: MatrixScales.Kind?
    }
    let classes = classes { module in
      let format = module.arrangement.format
      let scales = module.arrangement.matrixScales
      let isTile = if case .shared(.tiles) = scales { true } else { false }
      // Rows of any length make one class where they are channels.
      let isChannel = format.length == module.arrangement.shape.columns && !isTile
      let same =
        isChannel
        ? GroupFormat(
          format.codes, length: 8, offset: format.offset, scale: format.scale) : format
      return Key(
        scheme: CompressedTensors.scheme(module.arrangement), format: same, isChannel: isChannel,
        scales: scales)
    }
    var groups: [JSONObject.Member] = []
    for (number, (key, modules)) in classes.enumerated() {
      let targets: JSONValue =
        number == 0
        ? .array(["Linear"]) : .array(modules.map { JSONValue.string($0.name) })
      var group = JSONObject(dictionaryLiteral: ("targets", targets))
      if let format = key.format {
        group = group.setting(
          "weights",
          .object(
            CompressedTensors.arguments(
              format, key.scheme, isChannel: key.isChannel, key.scales)))
      }
      if options.quantizesActivations, key.scheme == .plain || key.scheme == .float {
        group = group.setting(
          "input_activations",
          .object(CompressedTensors.activations(key.scheme, key.format, key.scales)))
      }
      group = group.setting("format", .string(key.scheme.rawValue))
      groups.append(JSONObject.member("group_\(number)", .object(group)))
    }
    let schemes = Set(classes.map(\.key.scheme))
    let format = schemes.count == 1 ? classes[0].key.scheme.rawValue : "mixed-precision"
    return [
      "quant_method": "compressed-tensors", "format": .string(format),
      "quantization_status": "compressed", "ignore": ignored,
      "config_groups": .object(JSONObject(members: groups)),
    ]
  }

  private func mlx() -> JSONObject {
    let classes = classes { $0.arrangement.format }
    func entry(_ format: GroupFormat) -> JSONObject {
      [
        "group_size": JSONValue(format.length), "bits": JSONValue(format.codes.bits),
        "mode": .string((MLX.mode(format) ?? .affine).rawValue),
      ]
    }
    var object = entry(classes[0].key)
    for (format, modules) in classes.dropFirst() {
      for module in modules { object = object.setting(module.name, .object(entry(format))) }
    }
    return object
  }

  private func bitsandbytes(_ first: Module) throws(LayoutError) -> JSONObject {
    let codes = first.arrangement.format.codes
    try checkSame { $0.arrangement.format.codes }
    guard let kind = BitsAndBytes.name(codes) else {
      return [
        "quant_method": "bitsandbytes", "load_in_8bit": true, "load_in_4bit": false,
        "llm_int8_threshold": .double(6), "llm_int8_skip_modules": ignored,
      ]
    }
    return [
      "quant_method": "bitsandbytes", "load_in_4bit": true, "load_in_8bit": false,
      "bnb_4bit_quant_type": .string(kind), "bnb_4bit_use_double_quant": .bool(options.nestsScales),
      "bnb_4bit_compute_dtype": .string(torchName(first.weights)),
      "bnb_4bit_quant_storage": "uint8",
      "llm_int8_skip_modules": ignored,
    ]
  }

  private func awq(_ first: Module) throws(LayoutError) -> JSONObject {
    try checkSame { $0.arrangement.format.length }
    return [
      "quant_method": "awq", "bits": 4, "group_size": JSONValue(first.arrangement.format.length),
      "zero_point": true, "version": "gemm", "modules_to_not_convert": ignored,
    ]
  }

  private func gptq() -> JSONObject {
    let classes = classes { $0.arrangement.format }
    func entry(_ format: GroupFormat) -> JSONObject {
      ["bits": JSONValue(format.codes.bits), "group_size": JSONValue(format.length)]
    }
    var dynamic: [JSONObject.Member] = kept.map {
      JSONObject.member("-:^\(LayoutConfig.escaped($0))$", .object([:]))
    }
    for (format, modules) in classes.dropFirst() {
      for module in modules {
        dynamic.append(
          JSONObject.member("+:^\(LayoutConfig.escaped(module.name))$", .object(entry(format))))
      }
    }
    let version = GPTQ.Version.needed(by: modules.map { .group($0.arrangement.format) })
    return [
      "quant_method": "gptq", "bits": JSONValue(classes[0].key.codes.bits),
      "group_size": JSONValue(classes[0].key.length), "desc_act": false,
      "sym": .bool(version == .one), "lm_head": false,
      "checkpoint_format": .string(version.rawValue),
      "dynamic": .object(JSONObject(members: dynamic)),
    ]
  }

  private func checkSame<Value: Equatable>(_ value: (Module) -> Value) throws(LayoutError) {
    guard let first = modules.first else { return }
    for module in modules where value(module) != value(first) {
      throw .cannotMix(
        layout, tensor: module.name + ".weight", .group(module.arrangement.format),
        beside: .group(first.arrangement.format))
    }
  }

  /// A name in a regular expression.
  static func escaped(_ name: String) -> String {
    name.reduce(into: "") { result, character in
      if #"\.^$*+?{}[]|()"#.contains(character) { result.append("\\") }
      result.append(character)
    }
  }
}

extension CompressedTensors {
  /// How an arrangement stores its matrix.
  static func scheme(_ arrangement: Arrangement) -> Scheme {
    switch arrangement.format.codes {
    case .e4m3: .float
    case .e2m1: arrangement.format.scale == .e8m0 ? .mxfp4 : .nvfp4
    default: arrangement.planes[0].suffix == "weight" ? .plain : .packed
    }
  }

  /// What `weights` says of a class of modules.
  static func arguments(
    _ format: GroupFormat, _ scheme: Scheme, isChannel: Bool, _ scales: MatrixScales.Kind?
  ) -> JSONObject {
    let isInteger = scheme == .packed || scheme == .plain
    var object: JSONObject = [
      "num_bits": JSONValue(format.codes.bits), "type": isInteger ? "int" : "float",
      "symmetric": .bool(format.offset == .none),
    ]
    switch scales {
    case .shared(.tensor): object = object.setting("strategy", "tensor")
    case .shared(.tiles(let rows)):
      object = object.setting("strategy", "block")
      object = object.setting(
        "block_structure", .array([JSONValue(rows), JSONValue(format.length)]))
    default:
      if isChannel {
        object = object.setting("strategy", "channel")
      } else {
        object = object.setting("strategy", scheme == .nvfp4 ? "tensor_group" : "group")
        object = object.setting("group_size", JSONValue(format.length))
      }
    }
    switch scheme {
    case .nvfp4: object = object.setting("scale_dtype", "torch.float8_e4m3fn")
    case .mxfp4: object = object.setting("scale_dtype", "torch.uint8")
    default: break
    }
    return object.setting("dynamic", false)
  }

  /// What `input_activations` says: eight bits, with a scale for each token, or where weights have
  /// tiles, for as many elements of a token as a tile is wide.
  static func activations(
    _ scheme: Scheme, _ format: GroupFormat?, _ scales: MatrixScales.Kind?
  ) -> JSONObject {
    var object: JSONObject = [
      "num_bits": 8, "type": scheme == .plain ? "int" : "float", "dynamic": true,
      "symmetric": true,
    ]
    if case .shared(.tiles) = scales, let format {
      object = object.setting("strategy", "group")
      object = object.setting("group_size", JSONValue(format.length))
    } else {
      object = object.setting("strategy", "token")
    }
    return object
  }
}
