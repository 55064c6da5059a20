// What the output says about itself, from what the input says.

internal import KerfCheckpoints
internal import KerfElements
internal import KerfPlanning
internal import SystemPackage

enum OutputMetadata {
  /// Metadata of a file in `container` with the contents of `input`.
  ///
  /// - Parameters:
  ///   - architecture: What the file beside the input says, where it does not itself.
  ///   - target: The formats that tensors take.
  ///   - hasBlocks: Whether any tensor of the output is quantized.
  ///   - importance: What errors were counted by.
  static func metadata(
    of input: Checkpoint, in container: Container, architecture: String?, target: Target,
    hasBlocks: Bool, importance: ImportanceFile?
  ) -> CheckpointMetadata {
    let changes = changes(target, hasBlocks: hasBlocks, importance)
    switch (input.metadata, container) {
    // Nothing that an ONNX file says of its graph is true of another file. A file that is made of
    // tensors alone is none of its kind, which its layout says.
    case (.onnx, .safetensors):
      return .safetensors([])
    case (.onnx, .onnx), (.safetensors, .onnx), (.gguf, .onnx):
      return input.metadata
    case (.safetensors(let entries), .safetensors):
      return .safetensors(entries)
    case (.gguf(let entries), .safetensors):
      return .safetensors(entries.compactMap(text))
    case (.gguf(let entries), .gguf):
      return .gguf(entries.setting(changes, importance == nil ? [] : provenanceKeys))
    case (.onnx, .gguf):
      return .gguf(architectureEntry(architecture).setting(changes, []))
    case (.safetensors(let entries), .gguf):
      var result = architectureEntry(architecture)
      result += entries.map {
        MetadataEntry("safetensors.metadata." + $0.key, .string($0.value))
      }
      return .gguf(result.setting(changes, []))
    }
  }

  private static func architectureEntry(_ name: String?) -> [MetadataEntry<GGUFValue>] {
    name.map { [MetadataEntry("general.architecture", .string($0))] } ?? []
  }

  /// The keys that describe the numbers themselves.
  private static func changes(
    _ target: Target, hasBlocks: Bool, _ importance: ImportanceFile?
  ) -> [MetadataEntry<GGUFValue>] {
    var changes: [MetadataEntry<GGUFValue>] = []
    if let fileType = fileType(target) {
      changes.append(MetadataEntry("general.file_type", .uint32(fileType)))
    }
    if hasBlocks {
      changes.append(MetadataEntry("general.quantization_version", .uint32(2)))
    }
    guard let importance else { return changes }
    var provenance: [GGUFValue?] = [
      .string(importance.path.string),
      importance.datasets.isEmpty ? nil : .string(importance.datasets.joined(separator: ", ")),
      .uint32(UInt32(clamping: importance.entries.count)),
    ]
    provenance.append(importance.chunkCount.map { .uint32(UInt32(clamping: $0)) })
    for (key, value) in zip(provenanceKeys, provenance) {
      if let value { changes.append(MetadataEntry(key, value)) }
    }
    return changes
  }

  /// What tells where importance came from: the file, its text, its entries, pieces of the text.
  private static let provenanceKeys = ["file", "dataset", "entries_count", "chunks_count"].map {
    "quantize.imatrix." + $0
  }

  /// `general.file_type` of a file of that kind. A file all of one format has the number of the mix
  /// that is mostly of it.
  private static func fileType(_ target: Target) -> UInt32? {
    switch target {
    case .format(let format):
      switch format {
      case .f32: 0
      case .q3_K: 11
      case .q4_K: 14
      case .q5_K: 16
      case .tq1_0: 36
      case .tq2_0: 37
      case .mxfp4: 38
      case .nvfp4: 39
      default: Preset(name: format.name).flatMap { fileType(.preset($0)) }
      }
    case .mix(let mix): fileType(.format(mix.format))
    case .preset(let preset):
      switch preset {
      case .f16: 1
      case .q4_0: 2
      case .q4_1: 3
      case .q8_0: 7
      case .q5_0: 8
      case .q5_1: 9
      case .q2_K: 10
      case .q3_K_S: 11
      case .q3_K_M: 12
      case .q3_K_L: 13
      case .q4_K_S: 14
      case .q4_K_M: 15
      case .q5_K_S: 16
      case .q5_K_M: 17
      case .q6_K: 18
      case .iq4_nl: 25
      case .iq4_xs: 30
      case .bf16: 32
      case .mxfp4_moe: 38
      }
    }
  }

  /// A GGUF value as the string that safetensors wants; arrays, such as vocabularies, have none.
  private static func text(_ entry: MetadataEntry<GGUFValue>) -> MetadataEntry<String>? {
    let text: String? =
      switch entry.value {
      case .bool(let value): String(value)
      case .array: nil
      default:
        entry.value.text ?? entry.value.integer.map(String.init)
          ?? entry.value.number.map { String($0) }
      }
    return text.map { MetadataEntry(entry.key, $0) }
  }
}

extension [MetadataEntry<GGUFValue>] {
  /// These entries with others in the place of those of the same key, or at the end; and without
  /// those of `stale` keys that nothing replaces.
  fileprivate func setting(_ changes: [MetadataEntry<GGUFValue>], _ stale: [String]) -> Self {
    var result = filter { entry in
      !stale.contains(entry.key) || changes.contains { $0.key == entry.key }
    }
    for change in changes {
      if let index = result.firstIndex(where: { $0.key == change.key }) {
        result[index] = change
      } else {
        result.append(change)
      }
    }
    return result
  }
}
