// Knows what belongs to a model besides its weights: tokenizers, templates, licences.

internal import KerfCheckpoints
internal import KerfElements
internal import SystemPackage

enum OtherFiles {
  /// Endings of weights, in this or in other frameworks' containers, and of what lists them.
  private static let weights = [
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".ot", ".onnx",
    ".onnx_data", ".tflite", ".npz", ".safetensors.index.json", ".bin.index.json",
  ]

  /// Bytes that are copied at a time.
  private static let pieceByteCount = 1 << 20

  /// The files below `directory` that are neither weights nor hidden, by their paths in it.
  static func names(in directory: FilePath) throws(CheckpointError) -> [FilePath] {
    try FileSystem.files(below: directory).filter { path in
      !weights.contains(where: path.string.hasSuffix)
    }
  }

  static func copy(
    _ source: FilePath, to name: FilePath, in directory: AtomicDirectory
  ) throws(CheckpointError) {
    let input = try InputFile(source)
    let file = try directory.file(name, byteCount: input.size)
    var offset = 0
    while offset < input.size {
      let bytes = try input.bytes(at: offset, count: min(pieceByteCount, input.size - offset))
      try file.write(bytes, at: offset)
      offset += bytes.count
    }
    try file.commit(isLasting: false)
  }
}
