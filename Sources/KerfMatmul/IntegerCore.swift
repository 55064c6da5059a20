// The product in integers: X is quantized to int8 on the fly, W stays as it is.
//
// Few rows of X go through the direct kernels, which read packed weights once, as fast as memory
// gives them. More rows are cut into tiles, and W is unpacked for many tiles at a time:
//
//     for each part of M of up to 512 rows and each group of 8 panels of W   (a piece, one thread)
//       for each 16 blocks along K
//         for each panel: unpack 16 blocks, 20 KB, to the first-level cache
//           for each tile of X: multiply
//
// The group's sums, 512 KB, and 16 blocks of X, 400 KB, stay in the second-level cache.
//
// Y does not depend on the cut, the threads or the instruction set.

internal import KerfCodecs
internal import KerfElements

struct IntegerCore: Sendable {
  private let product: Product
  private let kernels: PackedKernels
  private let weights: Weights
  private let rows: PackedRows

  /// Blocks along K that are unpacked at a time.
  private static let depth = 16
  /// Rows of X whose sums stay in the second-level cache, and panels beside each other.
  private static let partRows = 512
  private static let groupPanels = 8
  /// Panels that take turns in a direct product; see ``PackedKernels/turnBlocks``.
  private static let directPanels = 8
  /// Elements of X below which one thread quantizes them all.
  private static let quantizedPieceCount = 1 << 15

  init(_ product: Product, _ weights: Weights, _ kernels: PackedKernels) {
    self.product = product
    self.kernels = kernels
    self.weights = weights
    rows = PackedRows(format: weights.format, shape: weights.shape)
  }

  /// Writes Y.
  func run() {
    let isDirect = product.m <= kernels.directRows
    let tiles = Tiles(rows: product.m, atMost: isDirect ? kernels.directRows : kernels.tileRows)
    let activations = AlignedBuffer(
      byteCount: product.m * rows.blocks * MatmulLayout.activationByteCount)
    quantize(tiles, MutableAddress(activations.baseAddress))
    if isDirect {
      multiplyDirectly(Address(activations.baseAddress))
    } else {
      multiply(tiles, Address(activations.baseAddress))
    }
  }

  // MARK: Activations

  /// Sixteen blocks along K after another sixteen; of each, tile after tile; in a tile, block after
  /// block; in a block, row after row. So tiles follow each other in memory as they are multiplied.
  private func quantize(_ tiles: Tiles, _ target: MutableAddress) {
    let elements = product.m * product.k
    let threads = elements < IntegerCore.quantizedPieceCount ? 1 : product.threads
    Threads.forEachWorker(min(threads, tiles.count), pieces: tiles.count) { next in
      let scratch = AlignedBuffer(byteCount: IntegerCore.depth * 32 * 4)
      while let tile = next() {
        quantize(tiles.rows(tile), scratch.pointer(to: Float.self), target.pointer)
      }
    }
  }

  private func quantize(
    _ tile: Range<Int>, _ scratch: UnsafeMutablePointer<Float>, _ target: UnsafeMutableRawPointer
  ) {
    let bytes = MatmulLayout.activationByteCount
    let stride = tile.count * bytes
    for b in Swift.stride(from: 0, to: rows.blocks, by: IntegerCore.depth) {
      let blocks = min(IntegerCore.depth, rows.blocks - b)
      let block = target + (b * product.m + tile.lowerBound * blocks) * bytes
      for i in tile {
        kernels.quantize(
          product.floats(i, from: b * 32, count: blocks * 32, scratch: scratch), blocks,
          block + (i - tile.lowerBound) * bytes, stride)
      }
    }
  }

  // MARK: Few rows

  private func multiplyDirectly(_ activations: Address) {
    let group = max(1, min(IntegerCore.directPanels, rows.panels / (2 * product.threads)))
    let pieces = (rows.panels + group - 1) / group
    Threads.forEachWorker(min(product.threads, pieces), pieces: pieces) { next in
      let source = PanelSource(weights, rows, kernels, panels: group)
      let sums = AlignedBuffer(byteCount: group * panelSumCount * 4)
      while let piece = next() {
        let panels = piece * group...min(piece * group + group, rows.panels) - 1
        multiplyDirectly(
          activations.pointer, panels, source.packed(panels), sums.pointer(to: Float.self))
      }
    }
  }

  /// The panels take turns along K.
  private func multiplyDirectly(
    _ activations: UnsafeRawPointer, _ panels: ClosedRange<Int>, _ packed: UnsafeRawPointer,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    UnsafeMutableRawPointer(sums).initializeMemory(
      as: UInt8.self, repeating: 0, count: panels.count * panelSumCount * 4)
    let blockBytes = rows.panelByteCount / max(1, rows.blocks)
    for b in stride(from: 0, to: rows.blocks, by: kernels.turnBlocks) {
      for p in 0..<panels.count {
        kernels.multiply(
          activations + b * product.m * MatmulLayout.activationByteCount, product.m,
          packed + p * rows.panelByteCount + b * blockBytes,
          min(kernels.turnBlocks, rows.blocks - b), sums + p * panelSumCount)
      }
    }
    for (p, panel) in panels.enumerated() {
      store(sums + p * panelSumCount, panel, 0..<product.m)
    }
  }

  /// Floats of one panel's sums.
  private var panelSumCount: Int { kernels.directRows * MatmulLayout.panelRows }

  // MARK: Many rows

  private func multiply(_ tiles: Tiles, _ activations: Address) {
    // Groups are smaller where there are not enough for all threads.
    let group = max(1, min(IntegerCore.groupPanels, rows.panels / (2 * product.threads)))
    let groups = (rows.panels + group - 1) / group
    let parts = (product.m + IntegerCore.partRows - 1) / IntegerCore.partRows
    let largestPart = (tiles.count + parts - 1) / parts * kernels.tileRows
    Threads.forEachWorker(min(product.threads, groups * parts), pieces: groups * parts) { next in
      let source = PanelSource(weights, rows, kernels, panels: group)
      let unpacked = AlignedBuffer(byteCount: IntegerCore.depth * MatmulLayout.unpackedByteCount)
      let sums = AlignedBuffer(byteCount: group * largestPart * MatmulLayout.panelRows * 4)
      while let piece = next() {
        let first = piece / parts * group
        let part = piece % parts
        multiply(
          tiles, part * tiles.count / parts..<(part + 1) * tiles.count / parts,
          first...min(first + group, rows.panels) - 1, activations.pointer, source,
          unpacked.baseAddress, sums.pointer(to: Float.self))
      }
    }
  }

  private func multiply(
    _ tiles: Tiles, _ part: Range<Int>, _ panels: ClosedRange<Int>,
    _ activations: UnsafeRawPointer, _ source: borrowing PanelSource,
    _ unpacked: UnsafeMutableRawPointer, _ sums: UnsafeMutablePointer<Float>
  ) {
    let firstRow = tiles.rows(part.lowerBound).lowerBound
    let endRow = tiles.rows(part.upperBound - 1).upperBound
    let panelSums = (endRow - firstRow) * MatmulLayout.panelRows
    UnsafeMutableRawPointer(sums)
      .initializeMemory(as: UInt8.self, repeating: 0, count: panels.count * panelSums * 4)
    let packed = source.packed(panels)
    for b in stride(from: 0, to: rows.blocks, by: IntegerCore.depth) {
      let blocks = min(IntegerCore.depth, rows.blocks - b)
      for p in 0..<panels.count {
        kernels.widen(
          packed + p * rows.panelByteCount + b * (rows.panelByteCount / rows.blocks), blocks,
          unpacked)
        for tile in part {
          let tile = tiles.rows(tile)
          kernels.multiplyUnpacked(
            activations
              + (b * product.m + tile.lowerBound * blocks) * MatmulLayout.activationByteCount,
            tile.count, unpacked, blocks,
            sums + p * panelSums + (tile.lowerBound - firstRow) * MatmulLayout.panelRows)
        }
      }
    }
    // Row after row: what is beside each other in Y is written at once.
    for i in firstRow..<endRow {
      for (p, panel) in panels.enumerated() {
        store(sums + p * panelSums + (i - firstRow) * MatmulLayout.panelRows, panel, i..<i + 1)
      }
    }
  }

  /// Writes one panel's sums, 32 a row, to those rows of Y.
  private func store(_ sums: UnsafePointer<Float>, _ panel: Int, _ range: Range<Int>) {
    product.store(
      sums, stride: MatmulLayout.panelRows, rows: range, column: panel * MatmulLayout.panelRows,
      count: rows.inPanel(panel))
  }
}

/// Rows of X cut into tiles as even as can be, the taller ones first.
private struct Tiles {
  let count: Int
  private let height: Int
  private let taller: Int

  init(rows: Int, atMost largest: Int) {
    count = (rows + largest - 1) / largest
    (height, taller) = rows.quotientAndRemainder(dividingBy: count)
  }

  func rows(_ tile: Int) -> Range<Int> { start(tile)..<start(tile + 1) }

  private func start(_ tile: Int) -> Int { tile &* height &+ min(tile, taller) }
}

/// Packed panels: the weights' own, or packed into scratch from weights as files hold them.
private struct PanelSource: ~Copyable {
  private let weights: Weights
  private let rows: PackedRows
  private let kernels: PackedKernels
  private let scratch: AlignedBuffer

  /// - Parameter panels: Panels that are wanted at a time, at most.
  init(_ weights: Weights, _ rows: PackedRows, _ kernels: PackedKernels, panels: Int) {
    self.weights = weights
    self.rows = rows
    self.kernels = kernels
    switch weights {
    case .packed: scratch = AlignedBuffer(byteCount: 0)
    case .stored: scratch = AlignedBuffer(byteCount: panels * rows.panelByteCount)
    }
  }

  func packed(_ panels: ClosedRange<Int>) -> UnsafeRawPointer {
    let bytes = weights.bytes.pointer
    guard case .stored = weights else { return bytes + panels.lowerBound * rows.panelByteCount }
    for panel in panels {
      kernels.pack(
        bytes + panel * MatmulLayout.panelRows * rows.byteCount, rows.byteCount,
        rows.inPanel(panel), rows.blocks,
        scratch.baseAddress + (panel - panels.lowerBound) * rows.panelByteCount)
    }
    return UnsafeRawPointer(scratch.baseAddress)
  }
}
