public import KerfCodecs
package import KerfElements

/// What computes a product.
public enum MatmulCore: String, Sendable, Hashable, CaseIterable {
  /// Whatever is fastest for the format and the shape.
  case automatic
  /// Panels of weights decoded to f32, and OpenBLAS's `sgemm`. Every computed format.
  case openBLAS
  /// Activations quantized to int8 in blocks, products summed in integers. The block formats, and
  /// integers of 4 and 8 bits in groups that 32 elements divide, with any offset and type of scales.
  case integer
  /// As `openBLAS`, with Kerf's own plain kernel: for builds without OpenBLAS.
  case portable
}

/// The product of activations and quantized weights: Y[M,N] = X[M,K] · W[N,K]ᵀ + bias.
///
/// The integer core quantizes X to int8 in blocks along K (d = max|x| / 127): of 32 for the block
/// formats; for groups of 128, 64 or 32, the most that divides a group, so of 128 for most channels.
/// Its result differs from the f32 product by what that takes from X, about 0.5 % of a typical
/// element. It is the same to the bit under every instruction set and for any number of threads. A row of X that
/// holds NaN, an infinity or a magnitude above 2¹⁰⁰ makes NaN of its row of Y. The other cores
/// compute in f32; ask for one of them where X must not be rounded.
///
/// - Parameters:
///   - x: Activations, shape [M, K], f32, f16 or bf16.
///   - weights: Shape [N, K], blocks along K, any format that the engine computes with.
///   - bias: f32 of shape [N], added to each row of the product.
///   - core: What computes. `automatic` takes the integer core for the formats that it has, for others
///     OpenBLAS, and Kerf's own kernel for few rows of X or where the build has no OpenBLAS.
///   - threads: Threads to work on; `KERF_THREADS` or all processors where it is `nil`.
/// - Returns: Shape [M, N], f32.
/// - Throws: ``MatmulError``: operands that do not fit each other, a format that the core does not
///   take, a core that this build does not have.
public func matmul(
  _ x: Tensor, _ weights: QuantizedTensor, bias: Tensor? = nil, core: MatmulCore = .automatic,
  threads: Int? = nil
) throws(MatmulError) -> Tensor {
  try product(x, .stored(weights), bias: bias, core: core, threads: threads)
}

/// The product of activations and packed weights: Y[M,N] = X[M,K] · W[N,K]ᵀ + bias.
///
/// As for weights that are not packed, to the bit, but faster. Parameters, result and errors are the
/// same.
public func matmul(
  _ x: Tensor, _ weights: PackedWeights, bias: Tensor? = nil, core: MatmulCore = .automatic,
  threads: Int? = nil
) throws(MatmulError) -> Tensor {
  try product(x, .packed(weights), bias: bias, core: core, threads: threads)
}

/// Writes the product of activations and quantized weights to `y`, or adds it.
///
/// - Parameters:
///   - x: Activations, shape [M, K], f32, f16 or bf16.
///   - weights: Shape [N, K].
///   - y: f32, shape [M, N]. It is changed in place where nobody else holds its memory.
///   - adding: Whether the product is added to `y`: (x · wᵀ + bias) + y.
///   - bias: f32 of shape [N], added to each row of the product.
///   - core: What computes.
///   - threads: Threads to work on; `KERF_THREADS` or all processors where it is `nil`.
/// - Throws: ``MatmulError``; `y` is unchanged then.
public func matmul(
  _ x: Tensor, _ weights: QuantizedTensor, into y: inout Tensor, adding: Bool = false,
  bias: Tensor? = nil, core: MatmulCore = .automatic, threads: Int? = nil
) throws(MatmulError) {
  try product(
    x, .stored(weights), into: &y, adding: adding, bias: bias, core: core, threads: threads)
}

/// Writes the product of activations and packed weights to `y`, or adds it. Parameters and errors are
/// those of the function for weights that are not packed.
public func matmul(
  _ x: Tensor, _ weights: PackedWeights, into y: inout Tensor, adding: Bool = false,
  bias: Tensor? = nil, core: MatmulCore = .automatic, threads: Int? = nil
) throws(MatmulError) {
  try product(
    x, .packed(weights), into: &y, adding: adding, bias: bias, core: core, threads: threads)
}

// MARK: One way for all of them

// Inlined where the build has no OpenBLAS, it ends swiftc 6.3.1 with signal 11.
/// As the public functions, with kernels of any instruction set.
@inline(never)
package func product(
  _ x: Tensor, _ weights: Weights, bias: Tensor? = nil, core: MatmulCore, threads: Int?,
  table: KernelTable? = nil
) throws(MatmulError) -> Tensor {
  let shape = try productShape(x, weights, bias)
  let table = if let table { table } else { try currentTable() }
  let core = try ChosenCore(core, weights.format, m: x.shape.rows, table)
  let storage = TensorStorage(byteCount: shape.count * 4) { bytes in
    core.run(
      Product(
        x, weights, bytes, bias: bias, isAdding: false, threads: threads, table: table), weights)
  }
  return Tensor(shape: shape, elementType: .float32, storage: storage)
}

private func product(
  _ x: Tensor, _ weights: Weights, into y: inout Tensor, adding: Bool, bias: Tensor?,
  core: MatmulCore, threads: Int?
) throws(MatmulError) {
  let shape = try productShape(x, weights, bias)
  guard y.elementType == .float32 else { throw .notFloat32(y.elementType) }
  guard y.shape == shape else { throw .shapeMismatch(expected: shape, found: y.shape) }
  let table = try currentTable()
  let core = try ChosenCore(core, weights.format, m: x.shape.rows, table)
  y.withOwnBytes(keeping: adding) { bytes in
    core.run(
      Product(
        x, weights, bytes, bias: bias, isAdding: adding, threads: threads, table: table), weights)
  }
}

/// The shape of the product of operands that fit each other.
private func productShape(
  _ x: Tensor, _ weights: Weights, _ bias: Tensor?
) throws(MatmulError) -> Shape {
  guard x.shape.dimensions.count == 2 else {
    throw .notAMatrix(x.shape, expected: "activations of two dimensions, [M, K]")
  }
  guard weights.shape.dimensions.count == 2 else {
    throw .notAMatrix(weights.shape, expected: "weights of two dimensions, [N, K]")
  }
  let (m, n, k) = (x.shape.rows, weights.shape.rows, x.shape.columns)
  guard weights.shape.columns == k else {
    throw .notAMatrix(
      weights.shape, expected: "weights with rows of \(k), as the activations have")
  }
  guard let shape = Shape([m, n]), Format.f32.byteCount(for: shape) != nil,
    max(m, n, k) <= Int(Int32.max)
  else {
    throw .codec(.tooLarge(Shape([m, n]) ?? weights.shape, .f32))
  }
  if let bias {
    guard bias.elementType == .float32 else { throw .notFloat32(bias.elementType) }
    guard bias.shape == Shape([n]) else {
      throw .shapeMismatch(expected: Shape([n])!, found: bias.shape)
    }
  }
  return shape
}
