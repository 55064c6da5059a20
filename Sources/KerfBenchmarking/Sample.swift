// Weights and activations like those of models: Gaussian, the same in every run.

internal import KerfCodecs
internal import KerfElements

enum Sample {
  /// Numbers that are made; longer rows of them repeat.
  private static let count = 1 << 20

  private static let normals: [Float] = {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func uniform() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24 - 0.5
    }
    // Twelve uniform numbers add up to a variance of one.
    return (0..<count).map { _ in
      var sum = Float(0)
      for _ in 0..<12 { sum += uniform() }
      return sum
    }
  }()

  /// A matrix of numbers of that deviation. Matrices that are multiplied must differ in `offset`,
  /// for else their rows would be alike.
  static func matrix(rows: Int, columns: Int, deviation: Float, offset: Int = 0) -> Tensor {
    let shape = Shape([rows, columns])!
    let storage = TensorStorage(byteCount: shape.count * 4) { bytes in
      let target = bytes.bindMemory(to: Float.self)
      for i in 0..<target.count { target[i] = normals[(i + offset) & (count - 1)] * deviation }
    }
    return Tensor(shape: shape, elementType: .float32, storage: storage)
  }
}

extension Tensor {
  /// The same elements in memory of their own.
  func copied() -> Tensor {
    let bytes = storage.bytes
    return Tensor(
      shape: shape, elementType: elementType,
      storage: TensorStorage(byteCount: bytes.count) { $0.copyMemory(from: bytes) })
  }
}
