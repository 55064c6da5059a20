// Knows every file of a directory that a runtime loads, before any weight has been converted.
//
//     config.json                        with what the runtime reads of quantization
//     model.safetensors                  or model-00001-of-00003.safetensors … and their index
//     everything else that the model has, as it was
//
// Tensors go to shards in the order of the model, the planes of a matrix together.

public import KerfCheckpoints
public import KerfElements
package import SystemPackage

/// A model that is about to be written for a runtime.
public struct ModelPlan: Sendable {
  /// A tensor of the model.
  public struct Tensor: Sendable, Hashable {
    /// The name.
    public var name: String
    /// Extents in row-major order.
    public var shape: Shape
    /// What it becomes: groups that the layout has, or a type of safetensors.
    public var format: Format
    /// The type that it had, which scales take where a layout wants the model's own.
    public var sourceFormat: Format
    /// What its groups have in common with those of other rows.
    public var sharing: Layout.Sharing

    /// A tensor of these properties.
    public init(
      name: String, shape: Shape, format: Format, sourceFormat: Format,
      sharing: Layout.Sharing = .none
    ) {
      self.name = name
      self.shape = shape
      self.format = format
      self.sourceFormat = sourceFormat
      self.sharing = sharing
    }
  }

  /// What a layout leaves open.
  public struct Options: Sendable, Hashable {
    /// Whether activations are to be quantized as well, to eight bits a row, so that products are of
    /// integers or of floats of eight bits; compressed-tensors and onnx only.
    public var quantizesActivations = false
    /// Whether scales are quantized themselves; bitsandbytes with four bits only.
    public var nestsScales = false

    /// Options that are all off.
    public init() {}
  }

  /// Where a tensor goes.
  public enum Place: Sendable, Hashable {
    /// As it is, in the shard of that index.
    case plain(shard: Int, TensorDescription)
    /// In planes, all in the shard of that index.
    case arranged(shard: Int, Arrangement, [TensorDescription])
  }

  /// A weight file.
  public struct Shard: Sendable {
    /// Its name in the directory.
    public let name: String
    /// Its header, and where its tensors lie.
    public let layout: CheckpointLayout
  }

  /// The runtimes that it is for.
  public let layout: Layout
  /// What the model has.
  public let tensors: [Tensor]
  /// Where each tensor goes, in the same order.
  public let places: [Place]
  /// The weight files.
  public let shards: [Shard]
  /// Small files, complete: config.json, and the index where there are several shards.
  public let texts: [(name: String, bytes: [UInt8])]

  /// Bytes in a shard where nothing else is asked for, about.
  public static let usualShardByteCount = 5_000_000_000

  /// Plans the files of a model.
  ///
  /// - Parameters:
  ///   - layout: The runtimes that it is for.
  ///   - tensors: What the model has.
  ///   - config: What its config.json says; all of it is kept but for quantization.
  ///   - metadata: What its weight files say of themselves.
  ///   - options: What the layout leaves open.
  ///   - path: Where the model is going to be, for errors; it is not touched.
  ///   - shardByteCount: Bytes that a shard has at most, but for a tensor that has more.
  /// - Throws: ``LayoutError``: `.cannotHold` and `.cannotMix` for what the layout cannot say.
  package init(
    for layout: Layout, tensors: [Tensor], config: JSONObject, metadata: [MetadataEntry<String>],
    options: Options = Options(), path: FilePath, shardByteCount: Int = usualShardByteCount
  ) throws(LayoutError) {
    self.layout = layout
    self.tensors = tensors
    var modules: [LayoutConfig.Module] = []
    var kept: [String] = []
    var shards = ShardPlan(limit: shardByteCount)
    let version = GPTQ.Version.needed(by: tensors.map(\.format))
    for tensor in tensors {
      let module = tensor.name.hasSuffix(".weight") ? String(tensor.name.dropLast(7)) : nil
      guard tensor.format.kind == .block else {
        if let module, tensor.shape.dimensions.count == 2 { kept.append(module) }
        shards.add([(tensor.name, tensor.format, tensor.shape)])
        continue
      }
      guard let module else {
        throw .cannotHold(
          layout, tensor: tensor.name, tensor.format, expected: "a name that ends in .weight")
      }
      let arrangement = try layout.arrangement(
        of: tensor, options, version: version)
      modules.append(
        LayoutConfig.Module(name: module, arrangement: arrangement, weights: tensor.sourceFormat))
      shards.add(arrangement.planes.map { (module + "." + $0.suffix, $0.format, $0.shape) })
    }

    let names = shards.names
    var layouts: [CheckpointLayout] = []
    do {
      for (name, tensors) in zip(names, shards.tensors) {
        layouts.append(
          try CheckpointLayout(
            path: path.appending(name), metadata: .safetensors(ModelPlan.metadata(metadata)),
            tensors: tensors))
      }
    } catch { throw .checkpoint(error) }
    self.shards = zip(names, layouts).map { Shard(name: $0, layout: $1) }

    var next = modules.makeIterator()
    places = zip(tensors, shards.places).map { tensor, place in
      let placed = layouts[place.shard].tensors[place.range]
      guard tensor.format.kind == .block, let module = next.next() else {
        return .plain(shard: place.shard, placed[placed.startIndex])
      }
      return .arranged(shard: place.shard, module.arrangement, Array(placed))
    }

    let said = LayoutConfig(
      layout: layout, modules: modules, kept: kept, options: options)
    var texts = [(name: "config.json", bytes: JSONValue.object(try said.setting(config)).text)]
    if names.count > 1 {
      texts.append(("model.safetensors.index.json", shards.index.text))
    }
    self.texts = texts
  }

  /// Readers ask for the framework that weights are meant for.
  private static func metadata(
    _ entries: [MetadataEntry<String>]
  ) -> [MetadataEntry<String>] {
    entries[key: "format"] == nil ? entries + [MetadataEntry("format", "pt")] : entries
  }

  /// Bytes of all weight files.
  public var byteCount: Int { shards.reduce(0) { $0 + $1.layout.fileSize } }
}

/// Tensors, dealt to files of a limited size.
private struct ShardPlan {
  typealias Request = (name: String, format: Format, shape: Shape)
  let limit: Int
  private(set) var tensors: [[Request]] = [[]]
  /// Where each group of tensors is that was added.
  private(set) var places: [(shard: Int, range: Range<Int>)] = []
  private var byteCounts = [0]

  init(limit: Int) { self.limit = limit }

  /// Adds tensors that stay together.
  mutating func add(_ group: [Request]) {
    // What cannot be counted is refused when its header is made.
    let byteCount = group.reduce(0) { sum, request in
      sum + (Container.safetensors.byteCount(of: request.format, request.shape) ?? 0)
    }
    var last = tensors.count - 1
    let (sum, overflow) = byteCounts[last].addingReportingOverflow(byteCount)
    if overflow || sum > limit, !tensors[last].isEmpty {
      tensors.append([])
      byteCounts.append(0)
      last += 1
    }
    places.append((last, tensors[last].count..<tensors[last].count + group.count))
    tensors[last] += group
    byteCounts[last] += byteCount
  }

  /// The names of the files.
  var names: [String] {
    if tensors.count == 1 { return ["model.safetensors"] }
    let first = PartName(
      stem: "model", number: 1, count: tensors.count, ending: "safetensors")
    return (1...tensors.count).map(first.name)
  }

  /// Which file has each tensor.
  var index: JSONValue {
    let members = zip(names, tensors).flatMap { name, tensors in
      tensors.map { JSONObject.member($0.name, .string(name)) }
    }
    return .object([
      "metadata": .object(["total_size": JSONValue(byteCounts.reduce(0, +))]),
      "weight_map": .object(JSONObject(members: members)),
    ])
  }
}
