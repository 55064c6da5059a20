/// One key of a file's metadata, and its value.
public struct MetadataEntry<Value: Sendable & Hashable>: Sendable, Hashable {
  /// The key, as the file spells it.
  public var key: String
  /// The value.
  public var value: Value

  /// An entry of this key and value.
  public init(_ key: String, _ value: Value) {
    self.key = key
    self.value = value
  }
}

/// What a checkpoint says about itself besides its tensors, in the file's order.
public enum CheckpointMetadata: Sendable, Hashable {
  /// Strings under strings: the `__metadata__` object of a safetensors header.
  case safetensors([MetadataEntry<String>])
  /// Typed values: the key-value section of a GGUF file.
  case gguf([MetadataEntry<GGUFValue>])
  /// What an ONNX file says, its graph included.
  case onnx(ONNXModel)

  /// The kind of file that holds metadata of this kind.
  public var container: Container {
    switch self {
    case .safetensors: .safetensors
    case .gguf: .gguf
    case .onnx: .onnx
    }
  }

  /// How many entries there are.
  public var count: Int {
    switch self {
    case .safetensors(let entries): entries.count
    case .gguf(let entries): entries.count
    case .onnx(let model): model.entries.count
    }
  }
}

extension Array {
  /// The value of the first entry of that key, compared byte by byte.
  public subscript<Value>(key key: String) -> Value? where Element == MetadataEntry<Value> {
    first { $0.key.hasSameBytes(as: key) }?.value
  }
}
