// The cores that compute in f32: panels of weights are decoded while they fit the cache, and
// multiplied by OpenBLAS or by a plain kernel.

internal import KerfCodecs
internal import KerfElements

struct DecodedPanels: Sendable {
  private let codec: CodecKernels
  private let packing: PackedKernels?
  private let format: Format

  init(_ format: Format, _ table: KernelTable) throws(MatmulError) {
    guard let codec = table.codec(format) else { throw .codec(.notComputed(format)) }
    self.codec = codec
    self.format = format
    packing = table.packed(format)
  }

  /// Decodes `columns` of the rows of one panel of 32, which lie `stride` floats apart in `target`;
  /// `scratch` holds a panel as files have it.
  func decode(
    _ weights: Weights, panel: Int, columns: Range<Int>, to target: UnsafeMutablePointer<Float>,
    stride: Int, scratch: UnsafeMutableRawPointer
  ) {
    let rows = PackedRows(format: format, shape: weights.shape)
    let first = columns.lowerBound / format.elementsPerBlock
    let blocks = columns.count / format.elementsPerBlock
    let count = rows.inPanel(panel)
    let block = format.bytesPerBlock
    var source = weights.bytes.pointer + panel * rows.panelByteCount
    var rowBytes = rows.byteCount
    if case .packed = weights, let packing {
      rowBytes = blocks * block
      packing.unpack(
        source + first * block * MatmulLayout.panelRows, blocks, scratch, rowBytes, count)
      source = UnsafeRawPointer(scratch)
    } else {
      source += first * block
    }
    for row in 0..<count {
      codec.decode(source + row * rowBytes, target + row * stride, blocks)
    }
  }

  /// Bytes of the scratch that ``decode(_:panel:columns:to:stride:scratch:)`` wants.
  func scratchByteCount(columns: Int) -> Int {
    columns / format.elementsPerBlock * format.bytesPerBlock * MatmulLayout.panelRows
  }

  /// Kerf's own product, for builds without OpenBLAS. Sixteen sums of products per element of Y.
  func multiplyPortably(_ product: Product, _ weights: Weights) {
    let panels = PackedRows(format: format, shape: weights.shape).panels
    let (m, n, k) = (product.m, product.n, product.k)
    Threads.forEachWorker(min(product.threads, panels), pieces: panels) { next in
      let panel = AlignedBuffer(byteCount: MatmulLayout.panelRows * k * 4)
      let scratch = AlignedBuffer(byteCount: scratchByteCount(columns: k))
      let row = AlignedBuffer(byteCount: k * 4)
      let sums = AlignedBuffer(byteCount: MatmulLayout.panelRows * 4)
      let decoded = panel.pointer(to: Float.self)
      while let p = next() {
        let column = p * MatmulLayout.panelRows
        let count = min(MatmulLayout.panelRows, n - column)
        decode(
          weights, panel: p, columns: 0..<k, to: decoded, stride: k, scratch: scratch.baseAddress)
        for i in 0..<m {
          product.table.dots(
            product.floats(i, from: 0, count: k, scratch: row.pointer(to: Float.self)), k, decoded,
            count, sums.pointer(to: Float.self))
          product.store(
            sums.pointer(to: Float.self), stride: count, rows: i..<i + 1, column: column,
            count: count)
        }
      }
    }
  }
}
