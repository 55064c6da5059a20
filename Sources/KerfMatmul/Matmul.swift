internal import COpenBLAS
public import KerfCodecs
internal import KerfDispatch
internal import KerfElements

/// The product of activations and quantized weights: Y[M,N] = X[M,K] · W[N,K]ᵀ.
///
/// Panels of W are decoded to f32 while they fit the cache, and multiplied by OpenBLAS's `sgemm`.
///
/// - Parameters:
///   - x: Activations, shape [M, K], f32, f16 or bf16.
///   - weights: Shape [N, K], blocks along K, any format that the engine computes with.
/// - Returns: Shape [M, N], f32.
/// - Throws: ``CodecError/notAMatrix(_:expected:)`` where an operand has other than two dimensions
///   or the two disagree in K; ``CodecError/notComputed(_:)`` for a format without kernels.
public func matmul(_ x: Tensor, _ weights: QuantizedTensor) throws(CodecError) -> Tensor {
  guard x.shape.dimensions.count == 2 else {
    throw .notAMatrix(x.shape, expected: "activations of two dimensions, [M, K]")
  }
  guard weights.shape.dimensions.count == 2 else {
    throw .notAMatrix(weights.shape, expected: "weights of two dimensions, [N, K]")
  }
  let m = x.shape.rows
  let k = x.shape.columns
  let n = weights.shape.rows
  guard weights.shape.columns == k else {
    throw .notAMatrix(weights.shape, expected: "weights with rows of \(k), as the activations have")
  }
  guard let shape = Shape([m, n]), Format.f32.byteCount(for: shape) != nil,
    max(m, n, k) <= Int(Int32.max)
  else {
    throw .tooLarge(Shape([m, n]) ?? weights.shape, .f32)
  }
  let table = try KernelTable.current()
  guard let codec = table.codec(weights.format) else { throw .notComputed(weights.format) }
  let rowBytes = try KerfMatmul.rowBytes(weights)

  let activations = try x.floats()
  var product = [Float](repeating: 0, count: m * n)
  guard m > 0, n > 0, k > 0 else { return try Tensor(shape: shape, product) }

  let panelRows = min(n, max(1, panelByteCount / (k * 4)))
  let panel = AlignedBuffer(byteCount: panelRows * k * 4)
  let floats = panel.pointer(to: Float.self)
  weights.withUnsafeBytes { bytes in
    var first = 0
    while first < n {
      let rows = min(panelRows, n - first)
      codec.decode(
        bytes.baseAddress! + first * rowBytes, floats, rows * (k / weights.format.elementsPerBlock))
      product.withUnsafeMutableBufferPointer { y in
        cblas_sgemm(
          CblasRowMajor, CblasNoTrans, CblasTrans,
          blasint(m), blasint(rows), blasint(k),
          1, activations, blasint(k), floats, blasint(k),
          0, y.baseAddress! + first, blasint(n))
      }
      first += rows
    }
  }
  return try Tensor(shape: shape, product)
}

/// A panel stays in the second-level cache of today's CPUs beside what sgemm packs.
private let panelByteCount = 1 << 20

private func rowBytes(_ weights: QuantizedTensor) throws(CodecError) -> Int {
  guard let bytes = weights.format.byteCount(forColumns: weights.shape.columns) else {
    throw .unalignedRow(weights.format, columns: weights.shape.columns)
  }
  return bytes
}
