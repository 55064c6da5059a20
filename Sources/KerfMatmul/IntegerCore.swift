// The product in integers: X is quantized to int8 on the fly, W stays as it is.
//
// Few rows of X go through the direct kernels, which read packed weights once, as fast as memory
// gives them. More rows are cut into tiles, and W is unpacked for many tiles at a time:
//
//     for each part of M of up to 512 rows and each group of 8 panels of W   (a piece, one thread)
//       for each span of some blocks along K
//         for each panel: unpack the span, 26 KB, to the first-level cache
//           for each tile of X: multiply
//
// The group's sums, 512 KB, and a span of X, 400 KB, stay in the second-level cache.
//
// Y does not depend on the cut, the threads or the instruction set.

internal import KerfCodecs
internal import KerfElements

struct IntegerCore: Sendable {
  private let product: Product
  private let kernels: PackedKernels
  private let weights: Weights
  private let rows: PackedRows
  /// Blocks along K, and those that are unpacked at a time.
  private let blocks: Int
  private let spans: EvenParts

  /// Bytes of a panel that are unpacked at a time.
  private static let unpackedByteCount = 26 << 10
  /// Rows of X whose sums stay in the second-level cache, and panels beside each other.
  private static let partRows = 512
  private static let groupPanels = 8
  /// Panels that take turns in a direct product; see ``PackedKernels/multiply``.
  private static let directPanels = 8
  /// Elements of X below which one thread quantizes them all.
  private static let quantizedPieceCount = 1 << 15

  init(_ product: Product, _ weights: Weights, _ kernels: PackedKernels) {
    self.product = product
    self.kernels = kernels
    self.weights = weights
    rows = PackedRows(format: weights.format, shape: weights.shape)
    blocks = product.k / kernels.blockElements
    spans = EvenParts(
      of: blocks, atMost: max(1, IntegerCore.unpackedByteCount / kernels.unpackedByteCount))
  }

  /// Writes Y.
  func run() {
    let isDirect = product.m <= kernels.directRows
    let tiles = EvenParts(
      of: product.m, atMost: isDirect ? kernels.directRows : kernels.tileRows)
    let activations = AlignedBuffer(
      byteCount: product.m * blocks * kernels.activationByteCount)
    quantize(tiles, MutableAddress(activations.baseAddress))
    if isDirect {
      multiplyDirectly(Address(activations.baseAddress))
    } else {
      multiply(tiles, Address(activations.baseAddress))
    }
  }

  // MARK: Activations

  /// Span after span; of each, tile after tile; in a tile, block after block; in a block, row after
  /// row. So tiles follow each other in memory as they are multiplied.
  private func quantize(_ tiles: EvenParts, _ target: MutableAddress) {
    let elements = product.m * product.k
    let threads = elements < IntegerCore.quantizedPieceCount ? 1 : product.threads
    Threads.forEachWorker(min(threads, tiles.count), pieces: tiles.count) { next in
      let scratch = AlignedBuffer(byteCount: spans.largest * kernels.blockElements * 4)
      while let tile = next() {
        quantize(tiles[tile], scratch.pointer(to: Float.self), target.pointer)
      }
    }
  }

  private func quantize(
    _ tile: Range<Int>, _ scratch: UnsafeMutablePointer<Float>, _ target: UnsafeMutableRawPointer
  ) {
    let bytes = kernels.activationByteCount
    let elements = kernels.blockElements
    for span in 0..<spans.count {
      let span = spans[span]
      let block = target + activationOffset(span, tile)
      for i in tile {
        kernels.quantize(
          product.floats(
            i, from: span.lowerBound * elements, count: span.count * elements, scratch: scratch),
          span.count, block + (i - tile.lowerBound) * bytes, tile.count * bytes)
      }
    }
  }

  /// Where a tile's part of a span begins.
  private func activationOffset(_ span: Range<Int>, _ tile: Range<Int>) -> Int {
    (span.lowerBound * product.m + tile.lowerBound * span.count) * kernels.activationByteCount
  }

  // MARK: Few rows

  private func multiplyDirectly(_ activations: Address) {
    let group = max(1, min(IntegerCore.directPanels, rows.panels / (2 * product.threads)))
    let pieces = (rows.panels + group - 1) / group
    let panelSums = product.m * MatmulLayout.panelRows
    Threads.forEachWorker(min(product.threads, pieces), pieces: pieces) { next in
      let source = PanelSource(weights, rows, kernels, panels: group)
      // Sums, and as much scratch.
      let sums = AlignedBuffer(byteCount: 2 * group * panelSums * 4)
      while let piece = next() {
        let panels = piece * group...min(piece * group + group, rows.panels) - 1
        sums.baseAddress.initializeMemory(
          as: UInt8.self, repeating: 0, count: panels.count * panelSums * 4)
        kernels.multiply(
          activations.pointer, product.m,
          PackedPanels(
            start: source.packed(panels), count: panels.count, stride: rows.panelByteCount,
            blocks: blocks),
          sums.pointer(to: Float.self))
        for (p, panel) in panels.enumerated() {
          store(sums.pointer(to: Float.self) + p * panelSums, panel, 0..<product.m)
        }
      }
    }
  }

  // MARK: Many rows

  private func multiply(_ tiles: EvenParts, _ activations: Address) {
    // Groups are smaller where there are not enough for all threads.
    let group = max(1, min(IntegerCore.groupPanels, rows.panels / (2 * product.threads)))
    let groups = (rows.panels + group - 1) / group
    let parts = EvenParts(
      of: tiles.count, atMost: (IntegerCore.partRows + kernels.tileRows - 1) / kernels.tileRows)
    let largestPart = parts.largest * kernels.tileRows
    let pieces = groups * parts.count
    Threads.forEachWorker(min(product.threads, pieces), pieces: pieces) { next in
      let source = PanelSource(weights, rows, kernels, panels: group)
      let unpacked = AlignedBuffer(byteCount: spans.largest * kernels.unpackedByteCount)
      let sums = AlignedBuffer(byteCount: group * largestPart * MatmulLayout.panelRows * 4)
      while let piece = next() {
        let first = piece / parts.count * group
        multiply(
          tiles, parts[piece % parts.count], first...min(first + group, rows.panels) - 1,
          activations.pointer, source,
          unpacked.baseAddress, sums.pointer(to: Float.self))
      }
    }
  }

  private func multiply(
    _ tiles: EvenParts, _ part: Range<Int>, _ panels: ClosedRange<Int>,
    _ activations: UnsafeRawPointer, _ source: borrowing PanelSource,
    _ unpacked: UnsafeMutableRawPointer, _ sums: UnsafeMutablePointer<Float>
  ) {
    let firstRow = tiles[part.lowerBound].lowerBound
    let endRow = tiles[part.upperBound - 1].upperBound
    let panelSums = (endRow - firstRow) * MatmulLayout.panelRows
    UnsafeMutableRawPointer(sums)
      .initializeMemory(as: UInt8.self, repeating: 0, count: panels.count * panelSums * 4)
    let packed = source.packed(panels)
    // What is unpacked next is asked for meanwhile, some of it with every tile.
    let share = rows.panelByteCount / spans.count / part.count
    for s in 0..<spans.count {
      let span = spans[s]
      let isLast = s + 1 == spans.count
      for (p, panel) in panels.enumerated() {
        kernels.widen(packed + p * rows.panelByteCount, span.lowerBound, span.count, unpacked)
        var ahead = packed
        if p + 1 < panels.count {
          ahead += (p + 1) * rows.panelByteCount + offset(of: span)
        } else if !isLast {
          ahead += offset(of: spans[s + 1])
        }
        var first = part.lowerBound
        while first < part.upperBound {
          let tile = tiles[first]
          // Y goes to memory while the next tile is computed.
          let next = isLast ? first + 1 : tiles.equal(from: first, to: part.upperBound)
          let sums = sums + p * panelSums + (tile.lowerBound - firstRow) * MatmulLayout.panelRows
          kernels.multiplyUnpacked(
            activations + activationOffset(span, tile), unpacked, sums,
            ahead + (first - part.lowerBound) * share,
            TileWork(
              rows: tile.count, count: next - first, blocks: span.count, share: share))
          if isLast { store(sums, panel, tile) }
          first = next
        }
      }
    }
  }

  /// Where about a span of a packed panel begins.
  private func offset(of span: Range<Int>) -> Int {
    rows.panelByteCount / blocks * span.lowerBound
  }

  /// Writes one panel's sums, 32 a row, to those rows of Y.
  private func store(_ sums: UnsafePointer<Float>, _ panel: Int, _ range: Range<Int>) {
    product.store(
      sums, stride: MatmulLayout.panelRows, rows: range, column: panel * MatmulLayout.panelRows,
      count: rows.inPanel(panel))
  }
}

/// Things in a row, cut into parts as even as can be, the larger ones first.
private struct EvenParts: Sendable {
  let count: Int
  private let size: Int
  private let larger: Int

  init(of things: Int, atMost most: Int) {
    count = (things + most - 1) / most
    (size, larger) = things.quotientAndRemainder(dividingBy: count)
  }

  /// Things of the first part.
  var largest: Int { larger > 0 ? size &+ 1 : size }

  subscript(part: Int) -> Range<Int> { start(part)..<start(part + 1) }

  /// The end of the parts from `first` on that have as many things, at most `end`.
  func equal(from first: Int, to end: Int) -> Int { first < larger ? min(larger, end) : end }

  private func start(_ part: Int) -> Int { part &* size &+ min(part, larger) }
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
        rows.inPanel(panel), rows.formatBlocks,
        scratch.baseAddress + (panel - panels.lowerBound) * rows.panelByteCount)
    }
    return UnsafeRawPointer(scratch.baseAddress)
  }
}
