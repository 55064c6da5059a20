// The statistics of tensors, in a walk or two over them.
//
//     read a piece ─→ decode, tile by tile ─→ moments                 of every piece
//                                        └──→ outliers, histogram     of pieces that can have some
//
// Outliers can be counted once the deviation is known, which takes the whole tensor. So each piece's
// extremes are kept: where those lie close enough to the mean, it need not be read again.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfConversion
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

struct StatisticsReader: Sendable {
  let file: Checkpoint
  let tensors: [TensorDescription]
  let hasHistogram: Bool
  let progress: ConversionProgress

  /// Bins of a histogram, a tenth of the standard deviation each.
  private static let histogramBins = 120

  /// What each tensor is like; `nil` where its format cannot be turned into numbers.
  func run(threads: Int) throws(AnalysisError) -> [TensorStatistics?] {
    let table: KernelTable
    do { table = try KernelTable.current() } catch { throw .codec(error) }
    let isComputed = tensors.map { $0.format.isDecodable }
    // Both walks count, whether or not there is anything to do in the second.
    let byteCount = byteCount(isComputed)
    progress.begin(totalByteCount: byteCount.addingClamped(byteCount))

    var found = [StatisticsAccumulator](repeating: StatisticsAccumulator(), count: tensors.count)
    // Those of each piece.
    var extremes = [[(low: Float, high: Float)]](repeating: [], count: tensors.count)
    let tile = tensors.map { Format.length(about: Transcoder.tile, of: [$0.format]) }.max() ?? 0
    let pieces = pieces(isComputed)
    let longest = pieces.longest
    try pieces.forEach(
      threads: threads, prepare: { Buffers(piece: longest, tile: tile) },
      work: { piece, buffers throws(AnalysisError) in
        var sums = StatisticsAccumulator()
        try forEachTile(piece, buffers, table) { elements, count in
          sums.add(table.moments(elements, count))
        }
        progress.advance(by: tensors[piece.tensor].byteRange(piece).count)
        return sums
      },
      gather: { piece, sums in
        found[piece.tensor].add(sums)
        extremes[piece.tensor].append((sums.minimum, sums.maximum))
      })

    let isWanted = found.map { $0.hasOutliers || hasHistogram && $0.tallyBins(1) != nil }
    progress.advance(by: byteCount - self.byteCount(isWanted))
    let places = found.map { $0.tallyBins(hasHistogram ? Self.histogramBins : 1) }
    let seen = extremes
    try self.pieces(isWanted).forEach(
      threads: threads, prepare: { Buffers(piece: longest, tile: tile) },
      work: { piece, buffers throws(AnalysisError) -> [Int]? in
        guard let bins = places[piece.tensor] else { return nil }
        defer { progress.advance(by: tensors[piece.tensor].byteRange(piece).count) }
        let format = tensors[piece.tensor].format
        let extremes = seen[piece.tensor][piece.start / Pieces.length(of: format)]
        guard hasHistogram || bins.leavesOut(extremes.low) || bins.leavesOut(extremes.high) else {
          return nil
        }
        var counts = [Int](repeating: 0, count: bins.count + 2)
        try forEachTile(piece, buffers, table) { elements, count in
          counts.withUnsafeMutableBufferPointer {
            table.tally(elements, count, bins, $0.baseAddress!)
          }
        }
        return counts
      },
      gather: { piece, counts in
        if let counts { found[piece.tensor].add(tally: counts) }
      })
    return zip(found, isComputed).map {
      $1 ? $0.statistics(hasHistogram: hasHistogram) : nil
    }
  }

  /// Bytes of the tensors that are wanted.
  private func byteCount(_ isWanted: [Bool]) -> Int {
    zip(tensors, isWanted).reduce(0) { $0 + ($1.1 ? $1.0.byteCount : 0) }
  }

  /// The pieces of the tensors that are wanted.
  private func pieces(_ isWanted: [Bool]) -> Pieces {
    Pieces(
      elements: zip(tensors, isWanted).map { $1 ? $0.shape.count : 0 },
      lengths: tensors.map { Pieces.length(of: $0.format) })
  }

  /// Memory of one worker.
  private struct Buffers: ~Copyable {
    // The widest element that is decoded has four bytes.
    let source: AlignedBuffer
    let elements: AlignedBuffer

    init(piece: Int, tile: Int) {
      source = AlignedBuffer(byteCount: piece * 4)
      elements = AlignedBuffer(byteCount: tile * 4)
    }
  }

  /// Reads a piece and calls `body` with its elements, tile after tile.
  private func forEachTile(
    _ piece: Pieces.Piece, _ buffers: borrowing Buffers, _ table: KernelTable,
    _ body: (UnsafePointer<Float>, Int) -> Void
  ) throws(AnalysisError) {
    let tensor = tensors[piece.tensor]
    let range = tensor.byteRange(piece)
    guard let decode = table.codec(tensor.format)?.decode else { return }
    let source = buffers.source.baseAddress
    do {
      try file.read(
        tensor, range, into: UnsafeMutableRawBufferPointer(start: source, count: range.count))
    } catch { throw .checkpoint(error) }
    let elements = buffers.elements.pointer(to: Float.self)
    let format = tensor.format
    var done = 0
    while done < piece.count {
      let count = min(Format.length(about: Transcoder.tile, of: [format]), piece.count - done)
      decode(
        source + done / format.elementsPerBlock * format.bytesPerBlock, elements,
        count / format.elementsPerBlock)
      body(elements, count)
      done += count
    }
  }
}
