package import KerfCodecs
internal import KerfElements

#if OpenBLAS
  internal import COpenBLAS
#endif

/// The product of weights that are f32 already, through OpenBLAS and nothing else: what quantized
/// weights are held against.
package enum SgemmYardstick {
  /// Whether this build has it.
  package static var isAvailable: Bool {
    #if OpenBLAS
      true
    #else
      false
    #endif
  }

  /// The kernels that OpenBLAS runs, as it names them; `nil` where this build has none.
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
      y.withOwnBytes(keeping: false) { bytes in
        let target = MutableAddress(bytes.baseAddress!)
        OpenBLASLibrary.withOneThread(ours: threads) { threads in
          Threads.forEach(threads, threads: threads) { part in
            let part = part * n / threads..<(part + 1) * n / threads
            let x = from.pointer.assumingMemoryBound(to: Float.self)
            let w = rows.pointer.assumingMemoryBound(to: Float.self) + part.lowerBound * k
            let y = target.pointer.assumingMemoryBound(to: Float.self) + part.lowerBound
            if m == 1 {
              cblas_sgemv(
                CblasRowMajor, CblasNoTrans, blasint(part.count), blasint(k), 1, w, blasint(k),
                x, 1, 0, y, 1)
            } else {
              cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans,
                blasint(m), blasint(part.count), blasint(k),
                1, x, blasint(k), w, blasint(k), 0, y, blasint(n))
            }
          }
        }
      }
    #else
      throw .openBLASAbsent
    #endif
  }
}
