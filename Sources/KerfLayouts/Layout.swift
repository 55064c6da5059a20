/// A family of runtimes, by the way in which they lay quantized weights out in safetensors, or in a
/// graph.
///
/// GGUF is none of them: it has blocks of its own, which are formats.
public enum Layout: String, Sendable, Hashable, CaseIterable {
  /// vLLM and transformers, through the library of that name.
  case compressedTensors = "compressed-tensors"
  /// mlx-lm and mlx-swift-lm.
  case mlx
  /// transformers, through the library of that name.
  case bitsandbytes
  /// AutoAWQ's "gemm" version.
  case awq
  /// GPTQModel and whoever followed AutoGPTQ.
  case gptq
  /// ONNX Runtime: nodes of a graph that multiply with quantized weights.
  case onnx

  /// The layout of that name, whatever its case.
  public init?(name: some StringProtocol) {
    self.init(rawValue: name.lowercased())
  }
}

extension Layout: CustomStringConvertible {
  /// The name that its config.json has, or its library.
  public var description: String { rawValue }
}
