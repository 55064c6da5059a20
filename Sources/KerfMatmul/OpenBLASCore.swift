#if OpenBLAS

  internal import KerfCodecs
  internal import KerfElements

  extension DecodedPanels {
    /// Rows of W that are decoded beside each other: `sgemm` packs X anew for each such piece.
    private static let pieceRows = 512
    /// Columns that are decoded at a time: 1 MB of floats, which stay in the second-level cache. Of
    /// formats with longer blocks it is a block, and fewer rows.
    private static let pieceColumns = 512
    private static let pieceCount = 1 << 20

    /// The product through OpenBLAS. The threads are ours, over rows of W, and each call of `sgemm`
    /// runs on the thread that makes it.
    func multiply(_ product: Product, _ weights: Weights, with library: LoadedOpenBLAS) {
      let (m, n, k) = (product.m, product.n, product.k)
      // Few pieces are divided further, so that every thread has some.
      let panels = PackedRows(format: weights.format, shape: weights.shape).panels
      let wanted = (panels + product.threads - 1) / product.threads
      let depth = min(k, Format.length(about: DecodedPanels.pieceColumns, of: [weights.format]))
      let rows = min(DecodedPanels.pieceRows, DecodedPanels.pieceCount / depth)
      let group = max(1, min(rows / MatmulLayout.panelRows, wanted))
      let pieces = (panels + group - 1) / group
      let x = AlignedBuffer(byteCount: product.floats == nil ? m * k * 4 : 0)
      let floats = product.floats ?? widened(product, x.pointer(to: Float.self))
      let activations = Address(UnsafeRawPointer(floats))
      library.withOneThread(ours: product.threads) { threads in
        Threads.forEachWorker(min(threads, pieces), pieces: pieces) { next in
          let decoded = AlignedBuffer(byteCount: group * MatmulLayout.panelRows * depth * 4)
          let scratch = AlignedBuffer(byteCount: scratchByteCount(columns: depth))
          let panel = decoded.pointer(to: Float.self)
          let x = activations.pointer.assumingMemoryBound(to: Float.self)
          while let piece = next() {
            let column = piece * group * MatmulLayout.panelRows
            let rows = min(group * MatmulLayout.panelRows, n - column)
            for first in stride(from: 0, to: k, by: depth) {
              let columns = first..<min(first + depth, k)
              for p in 0..<(rows + MatmulLayout.panelRows - 1) / MatmulLayout.panelRows {
                decode(
                  weights, panel: piece * group + p, columns: columns,
                  to: panel + p * MatmulLayout.panelRows * columns.count, stride: columns.count,
                  scratch: scratch.baseAddress)
              }
              library.multiply(
                m: m, n: rows, k: columns.count, x + first, strideA: k, panel,
                strideB: columns.count, product.row(0) + column, strideC: n,
                adding: first > 0 || product.isAdding)
            }
            product.addBias(rows, column: column)
          }
        }
      }
    }

    private func widened(
      _ product: Product, _ target: UnsafeMutablePointer<Float>
    ) -> UnsafePointer<Float> {
      let to = MutableAddress(UnsafeMutableRawPointer(target))
      Threads.forEach(product.m, threads: product.threads) { i in
        let row = to.pointer.assumingMemoryBound(to: Float.self) + i * product.k
        _ = product.floats(i, from: 0, count: product.k, scratch: row)
      }
      return UnsafePointer(target)
    }
  }

#endif
