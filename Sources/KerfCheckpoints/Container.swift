// Knows which kinds of file there are, how each is recognised and which formats it holds.
//
// A file that is read is what its first bytes say; a file that is written is what its name says.

public import KerfElements

/// A kind of file that holds tensors.
public enum Container: String, Sendable, Hashable, Codable {
  /// A JSON header and plain arrays.
  case safetensors
  /// Typed metadata, and plain or block-quantized arrays.
  case gguf
  /// A graph of operators, whose constants the tensors are.
  case onnx

  /// The container whose files end in `pathExtension` (without a dot), whatever its case.
  public init?(pathExtension: String) {
    self.init(rawValue: pathExtension.lowercased())
  }

  /// How its file names end, without a dot.
  public var pathExtension: String { rawValue }

  /// The formats it has a type for.
  public var heldFormats: [Format] {
    switch self {
    case .safetensors: SafetensorsType.table.map(\.format)
    case .gguf: GGUFType.table.map(\.format)
    case .onnx: ONNXType.table.map(\.format)
    }
  }

  /// Whether it has a type for `format`.
  public func canHold(_ format: Format) -> Bool {
    switch self {
    case .safetensors: SafetensorsType.name(of: format) != nil
    case .gguf: GGUFType.id(of: format) != nil
    case .onnx: ONNXType.id(of: format) != nil
    }
  }

  /// Bytes of a tensor in this container, or `nil` where the container's rule for whole blocks
  /// is broken or the count overflows.
  ///
  /// GGUF wants every row to end on a block. Safetensors knows no rows: the whole tensor must end
  /// on a byte.
  package func byteCount(of format: Format, _ shape: Shape) -> Int? {
    switch self {
    case .safetensors, .onnx: format.byteCount(forColumns: shape.count)
    case .gguf: format.byteCount(for: shape)
    }
  }

  /// The container whose files begin with `head`, the first 16 bytes or as many as there are.
  init?(head: [UInt8]) {
    if head.starts(with: GGUFHeader.magic) {
      self = .gguf
    } else if SafetensorsHeader.recognizes(head) {
      self = .safetensors
    } else if ONNXFile.recognizes(head) {
      self = .onnx
    } else {
      return nil
    }
  }
}

extension Container: CaseIterable {
  /// The kinds that tensors alone make. An ONNX file is a program as well, and only made of another.
  public static let allCases: [Container] = [.safetensors, .gguf]
}
