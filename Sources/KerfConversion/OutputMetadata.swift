// What the output says about itself, from what the input says.

internal import KerfCheckpoints
internal import KerfElements
internal import SystemPackage

enum OutputMetadata {
  /// Metadata of a file in `container` with the contents of `input`.
  ///
  /// - Parameters:
  ///   - target: The format that most tensors take.
  ///   - hasBlocks: Whether any tensor of the output is quantized.
  static func metadata(
    of input: Checkpoint, in container: Container, target: Format, hasBlocks: Bool
  ) throws(CheckpointError) -> CheckpointMetadata {
    switch (input.metadata, container) {
    case (.safetensors(let entries), .safetensors):
      return .safetensors(entries)
    case (.gguf(let entries), .safetensors):
      return .safetensors(entries.compactMap(text))
    case (.gguf(let entries), .gguf):
      return .gguf(entries.setting(changes(target: target, hasBlocks: hasBlocks)))
    case (.safetensors(let entries), .gguf):
      var result: [MetadataEntry<GGUFValue>] = []
      if let architecture = try architecture(beside: input.path) {
        result.append(MetadataEntry("general.architecture", .string(architecture)))
      }
      result += entries.map {
        MetadataEntry("safetensors.metadata." + $0.key, .string($0.value))
      }
      return .gguf(result.setting(changes(target: target, hasBlocks: hasBlocks)))
    }
  }

  /// The keys that describe the numbers themselves.
  private static func changes(
    target: Format, hasBlocks: Bool
  ) -> [MetadataEntry<GGUFValue>] {
    var changes: [MetadataEntry<GGUFValue>] = []
    if let fileType = fileTypes[target] {
      changes.append(MetadataEntry("general.file_type", .uint32(fileType)))
    }
    if hasBlocks {
      changes.append(MetadataEntry("general.quantization_version", .uint32(2)))
    }
    return changes
  }

  /// `general.file_type` of a file that is mostly of one format.
  private static let fileTypes: [Format: UInt32] = [
    .f32: 0, .f16: 1, .q4_0: 2, .q4_1: 3, .q8_0: 7, .q5_0: 8, .q5_1: 9, .bf16: 32,
  ]

  /// `model_type` of the config.json in the same directory, if there is one.
  private static func architecture(beside path: FilePath) throws(CheckpointError) -> String? {
    var config = path
    config.removeLastComponent()
    config.append("config.json")
    do {
      return try JSONValue(contentsOf: config).object?["model_type"]?.string
    } catch .notFound {
      return nil
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
  /// These entries with others in the place of those of the same key, or at the end.
  fileprivate func setting(_ changes: [MetadataEntry<GGUFValue>]) -> Self {
    var result = self
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
