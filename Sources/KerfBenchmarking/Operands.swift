// Weights in as many copies as it takes that none is still in a cache when its turn comes.

internal import CProcessor
internal import KerfCodecs
internal import KerfElements
internal import KerfMatmul

/// Copies of one layer's weights, as the cores want them.
struct Operands {
  let format: Format
  let layer: MatmulBenchmark.Layer
  private(set) var packed: [PackedWeights] = []
  private(set) var stored: [QuantizedTensor] = []
  private(set) var floats: [Tensor] = []
  /// The weights, once; what errors are measured against.
  private(set) var original: QuantizedTensor?

  /// A deviation that is usual for weights.
  static let deviation: Float = 0.02

  init(
    _ format: Format, _ layer: MatmulBenchmark.Layer, copies: (Int) -> Int,
    cores: [MatmulBenchmark.Core]
  ) throws(MatmulError) {
    self.format = format
    self.layer = layer
    let floats = Sample.matrix(rows: layer.n, columns: layer.k, deviation: Operands.deviation)
    let weights: QuantizedTensor
    do throws(CodecError) {
      weights = try floats.quantized(as: format, rounding: .reference)
    } catch {
      throw .codec(error)
    }
    original = weights
    for core in cores {
      for _ in 0..<copies(weights.byteCount) {
        if core == .integer { packed.append(try weights.packed()) }
        if core == .openblas { stored.append(weights.copied()) }
      }
    }
  }

  /// Weights that are f32 already.
  init(f32 layer: MatmulBenchmark.Layer, copies: (Int) -> Int) {
    format = .f32
    self.layer = layer
    let first = Sample.matrix(rows: layer.n, columns: layer.k, deviation: Operands.deviation)
    floats = (0..<copies(layer.n * layer.k * 4)).map { _ in first.copied() }
  }

  func byteCount(_ core: MatmulBenchmark.Core) -> Int {
    switch core {
    case .integer: packed[0].byteCount
    case .openblas: stored[0].byteCount
    case .f32: layer.n * layer.k * 4
    }
  }

  func copies(_ core: MatmulBenchmark.Core) -> Int {
    switch core {
    case .integer: packed.count
    case .openblas: stored.count
    case .f32: floats.count
    }
  }
}

extension QuantizedTensor {
  fileprivate func copied() -> QuantizedTensor {
    let bytes = storage.bytes
    return QuantizedTensor(
      format: format, shape: shape,
      storage: TensorStorage(byteCount: bytes.count) { $0.copyMemory(from: bytes) })
  }
}

extension MatmulBenchmark {
  /// Bytes that are more than the caches keep, by much.
  var readByteCount: Int { 4 * MatmulBenchmark.cacheByteCount }

  /// Copies of weights of that size which take turns. There are fewer where memory is short, and
  /// where they would be too many to make.
  func copies(_ byteCount: Int) -> Int {
    let wanted = min(readByteCount, MatmulBenchmark.memoryByteCount / 16)
    return min(max(1, (wanted + byteCount - 1) / byteCount), 256)
  }

  static let processorName: String = {
    var name = [CChar](repeating: 0, count: 256)
    kerf_processor_name(&name, name.count)
    let bytes = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return bytes.isEmpty ? "unknown" : String(decoding: bytes, as: UTF8.self)
  }()

  /// Bytes of the largest cache; a guess where the system does not say.
  static let cacheByteCount: Int = {
    let found = Int(kerf_processor_largest_cache())
    return found > 0 ? found : 64 << 20
  }()

  /// Bytes of memory; a guess where the system does not say.
  static let memoryByteCount: Int = {
    let found = Int(kerf_memory_byte_count())
    return found > 0 ? found : 8 << 30
  }()
}
