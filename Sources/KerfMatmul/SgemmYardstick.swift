package import KerfCodecs
internal import KerfElements

/// The product of weights that are f32 already, through OpenBLAS and nothing else: what quantized
/// weights are held against.
package enum SgemmYardstick {
  /// Whether this build and this system have it.
  package static var isAvailable: Bool {
    #if OpenBLAS
      OpenBLASLibrary.shared != nil
    #else
      false
    #endif
  }

  /// The kernels that OpenBLAS runs, as it names them; `nil` where there is none.
  package static var kernels: String? {
    #if OpenBLAS
      OpenBLASLibrary.kernels
    #else
      nil
    #endif
  }

  /// Those that it had chosen itself, where Kerf chose better ones.
  package static var replacedKernels: String? {
    #if OpenBLAS
      OpenBLASLibrary.replacedKernels
    #else
      nil
    #endif
  }

  /// Writes X[M, K] · W[N, K]ᵀ to `y`, all f32. Threads share the rows of W; a single row of X goes
  /// through `sgemv`, which is faster then.
  package static func multiply(
    _ x: Tensor, _ weights: Tensor, into y: inout Tensor, threads: Int
  ) throws(MatmulError) {
    precondition(x.shape.columns == weights.shape.columns, "rows of different lengths")
    precondition(y.shape == Shape([x.shape.rows, weights.shape.rows]), "\(y.shape) is not [M, N]")
    #if OpenBLAS
      let (m, n, k) = (x.shape.rows, weights.shape.rows, x.shape.columns)
      let from = Address(x.storage.bytes.baseAddress!)
      let rows = Address(weights.storage.bytes.baseAddress!)
      guard let library = OpenBLASLibrary.shared else { throw .openBLASNotFound }
      y.withOwnBytes(keeping: false) { bytes in
        let target = MutableAddress(bytes.baseAddress!)
        library.withOneThread(ours: threads) { threads in
          Threads.forEach(threads, threads: threads) { part in
            let part = part * n / threads..<(part + 1) * n / threads
            let x = from.pointer.assumingMemoryBound(to: Float.self)
            let w = rows.pointer.assumingMemoryBound(to: Float.self) + part.lowerBound * k
            let y = target.pointer.assumingMemoryBound(to: Float.self) + part.lowerBound
            if m == 1 {
              library.multiply(n: part.count, k: k, w, x, y)
            } else {
              library.multiply(
                m: m, n: part.count, k: k, x, strideA: k, w, strideB: k, y, strideC: n,
                adding: false)
            }
          }
        }
      }
    #else
      throw .openBLASAbsent
    #endif
  }
}
