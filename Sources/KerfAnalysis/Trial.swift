// What formats would do to tensors: encoded, decoded and compared, and nothing of it kept.
//
//                               ┌─encode→ blocks ─decode→ f32 tile ─→ loss    first format
//     read a piece ─decode→ f32 tile ─encode→ blocks ─decode→ f32 tile ─→ loss    second format
//                               └─ …
//
// A tile is decoded once, and every format has its turn while it is in the first-level cache. The
// steps are those of a conversion, and losses are added in the same order, so that what is found of
// a whole tensor is what converting it would find, to the bit.

internal import KerfBenchmarking
package import KerfCheckpoints
internal import KerfCodecs
package import KerfConversion
package import KerfElements
package import KerfMetrics

/// Encodes and decodes tensors in several formats, and measures what each would cost.
package struct Trial: Sendable {
  /// What a format does to a tensor.
  package struct Outcome: Sendable {
    /// What the whole tensor loses; estimated where a sample was looked at.
    package var losses: LossAccumulator
    /// Elements that were looked at.
    package var measuredElements: Int
    /// Bytes of the whole tensor in the format.
    package var byteCount: Int
    /// Time that encoding the elements looked at took, in seconds of one thread's processor.
    package var encodeSeconds: Double
    /// How much the error varies from run to run; no runs where everything was looked at.
    package var spread: Spread
    /// The share of the elements that was looked at.
    package var share: Double

    /// The loss of the whole tensor; estimated where a sample was looked at.
    package var loss: Loss { losses.loss }

    /// Σw(x−y)² of the whole tensor, with the importance w of each column; `nil` where none counts.
    package var weightedSquaredError: Double? { losses.weightedSquaredError }

    /// The standard error of `loss.nmse`; `nil` where it is no estimate.
    package var nmseStandardError: Double? {
      guard spread.runs > 0, let nmse = loss.nmse, loss.squaredReference > 0 else { return nil }
      return spread.variance(ratio: nmse, share: share).squareRoot() / loss.squaredReference
    }
  }

  private let input: Checkpoint
  private let tensors: [Tensor]
  private let formats: [Format]
  private let importance: ModelImportance?
  private let threads: Int
  private let pieces: Pieces

  /// A tensor, and how it gets to each format.
  private struct Tensor: Sendable {
    let index: Int
    let description: TensorDescription
    /// Shared by all tensors of its format.
    let ways: Ways
    /// `nil` where everything is looked at.
    let runs: Sample.Runs?

    /// Whether the format's blocks fill rows.
    func takes(_ format: Format) -> Bool {
      description.shape.columns.isMultiple(of: format.elementsPerBlock)
    }

    /// Elements that are looked at, of all tiles or of some.
    var count: Int { runs.map { $0.count * Sample.run } ?? description.shape.count }

    /// Where the elements of a piece lie, tile by tile.
    func tiles(of piece: Pieces.Piece) -> [Range<Int>] {
      let end = piece.start + piece.count
      return stride(from: piece.start, to: end, by: Sample.run).map { start in
        runs.map { $0[start / Sample.run] } ?? start..<min(start + Sample.run, end)
      }
    }
  }

  /// How elements of one format get to each of the others.
  private final class Ways: Sendable {
    /// To f32.
    let reader: Transcoder
    let transcoders: [Transcoder]

    init(
      from source: Format, to formats: [Format], rounding: Rounding, table: KernelTable
    ) throws(CodecError) {
      func way(to format: Format) throws(CodecError) -> Transcoder {
        try Transcoder(from: source, to: format, rounding: rounding, table: table)
      }
      reader = try way(to: .f32)
      transcoders = try formats.map(way)
    }
  }

  /// - Parameters:
  ///   - tensors: Which of the input's tensors are tried, by their numbers.
  ///   - formats: What they are tried in.
  ///   - importance: How much errors count, where blocks are made.
  ///   - sample: What is looked at of every tensor; everything where it is `nil`.
  /// - Throws: ``AnalysisError/notComputed(_:tensor:_:)`` for a tensor of a format that has no
  ///   kernels; ``AnalysisError/codec(_:)`` for a format that cannot be written.
  package init(
    input: Checkpoint, tensors: [Int], formats: [Format], rounding: Rounding,
    importance: ModelImportance?, sample: Sample?, threads: Int
  ) throws(AnalysisError) {
    self.input = input
    self.formats = formats
    self.importance = importance
    self.threads = threads
    // Runs of a sample end where blocks do; long or odd groups have no such place.
    if let index = tensors.first(where: {
      let format = input.tensors[$0].format
      return !format.isDecodable || !Sample.run.isMultiple(of: format.elementsPerBlock)
    }) {
      let tensor = input.tensors[index]
      throw .notComputed(input.path, tensor: tensor.name, tensor.format)
    }
    if let format = formats.first(where: { !Sample.run.isMultiple(of: $0.elementsPerBlock) }) {
      throw .codec(.notEncodable(format))
    }
    do throws(CodecError) {
      let table = try KernelTable.current()
      var ways: [Format: Ways] = [:]
      for source in Set(tensors.map { input.tensors[$0].format }) {
        ways[source] = try Ways(from: source, to: formats, rounding: rounding, table: table)
      }
      self.tensors = tensors.map { index in
        let tensor = input.tensors[index]
        return Tensor(
          index: index, description: tensor, ways: ways[tensor.format]!,
          runs: sample?.runs(of: tensor.name, elements: tensor.shape.count))
      }
    } catch { throw .codec(error) }
    pieces = Pieces(elements: self.tensors.map(\.count))
  }

  /// Does the work.
  ///
  /// - Parameter progress: Counts bytes of input as they are done.
  /// - Returns: For each tensor what each format does to it; `nil` where its blocks do not fill
  ///   rows, or cannot be counted.
  /// - Throws: ``AnalysisError``: what cannot be read, and importance that does not fit.
  package func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> [[Outcome?]] {
    progress.begin(
      totalByteCount: (0..<pieces.count).reduce(0) { $0 + byteCount(of: pieces[$1]) })
    var found = tensors.map(sums)
    try pieces.forEach(
      threads: threads, prepare: { Memory() },
      work: { piece, memory throws(AnalysisError) in
        let sums = try attempt(piece, memory)
        progress.advance(by: byteCount(of: piece))
        return sums
      },
      gather: { piece, sums in
        for (format, sums) in sums.enumerated() {
          if let sums { found[piece.tensor][format]?.add(sums) }
        }
      })
    return zip(tensors, found).map { tensor, sums in
      zip(formats, sums).map { format, sums in
        sums.flatMap { outcome($0, tensor.description, format) }
      }
    }
  }

  /// Bytes of a piece, for progress: a last tile counts like any.
  private func byteCount(of piece: Pieces.Piece) -> Int {
    let format = tensors[piece.tensor].description.format
    return piece.count / format.elementsPerBlock * format.bytesPerBlock
  }

  private func outcome(_ sums: Sums, _ tensor: TensorDescription, _ format: Format) -> Outcome? {
    guard let byteCount = format.byteCount(for: tensor.shape) else { return nil }
    let count = tensor.shape.count
    let losses =
      sums.spread.runs == 0 || sums.elements == 0
      ? sums.losses : sums.losses.scaled(by: Double(count) / Double(sums.elements))
    return Outcome(
      losses: losses, measuredElements: sums.elements, byteCount: byteCount,
      encodeSeconds: sums.encodeSeconds,
      spread: sums.spread, share: count > 0 ? Double(sums.elements) / Double(count) : 1)
  }

  // MARK: A piece

  /// What comes of elements in one format.
  fileprivate struct Sums: Sendable {
    var losses = LossAccumulator()
    var elements = 0
    var encodeSeconds = 0.0
    var spread = Spread()

    mutating func add(_ other: Sums) {
      losses.add(other.losses)
      elements += other.elements
      encodeSeconds += other.encodeSeconds
      spread.add(other.spread)
    }
  }

  /// Memory of one worker.
  fileprivate struct Memory: ~Copyable {
    // The widest element that can be turned into a number has four bytes.
    let source = AlignedBuffer(byteCount: Pieces.length * 4)
    let elements = AlignedBuffer(byteCount: Sample.run * 4)
    let importance = AlignedBuffer(byteCount: Sample.run * 4)
    let scratch = Transcoder.Scratch()
  }

  /// Sums of nothing, for each format that the tensor takes.
  private func sums(_ tensor: Tensor) -> [Sums?] {
    formats.map { tensor.takes($0) ? Sums() : nil }
  }

  private func attempt(
    _ piece: Pieces.Piece, _ memory: borrowing Memory
  ) throws(AnalysisError) -> [Sums?] {
    let tensor = tensors[piece.tensor]
    let tiles = tensor.tiles(of: piece)
    var weights: Importance?
    if let importance, formats.contains(where: { importance.counts(tensor.index, $0) }) {
      do { weights = try importance.lend(tensor.index) } catch { throw AnalysisError(error) }
    }
    try read(tensor, piece, tiles, memory)

    var sums = sums(tensor)
    var address = UnsafeRawPointer(memory.source.baseAddress)
    for tile in tiles {
      tensor.ways.reader.decode(
        address, to: memory.elements.pointer(to: Float.self), count: tile.count)
      address += tensor.description.byteRange(of: tile).count
      weights?.copy(
        from: tile.lowerBound, count: tile.count, of: tensor.description.shape,
        to: memory.importance.pointer(to: Float.self))
      for (number, transcoder) in tensor.ways.transcoders.enumerated() {
        let isWeighted = importance?.counts(tensor.index, formats[number]) == true
        // A format that the tensor does not take has no sums.
        sums[number]?.add(
          transcoder, count: tile.count, isSample: tensor.runs != nil,
          importance: isWeighted ? UnsafePointer(memory.importance.pointer(to: Float.self)) : nil,
          memory)
      }
    }
    return sums
  }

  /// Reads the elements of `tiles`, one tile after another.
  private func read(
    _ tensor: Tensor, _ piece: Pieces.Piece, _ tiles: [Range<Int>], _ memory: borrowing Memory
  ) throws(AnalysisError) {
    // What is looked at as a whole lies in a row.
    let ranges = tensor.runs == nil ? [piece.start..<piece.start + piece.count] : tiles
    var target = memory.source.baseAddress
    for range in ranges {
      let bytes = tensor.description.byteRange(of: range)
      do {
        try input.read(
          tensor.description, bytes,
          into: UnsafeMutableRawBufferPointer(start: target, count: bytes.count))
      } catch { throw .checkpoint(error) }
      target += bytes.count
    }
  }
}

extension Trial.Sums {
  /// Adds what the format of `transcoder` does to the tile of `count` elements in `memory`.
  fileprivate mutating func add(
    _ transcoder: Transcoder, count: Int, isSample: Bool, importance: UnsafePointer<Float>?,
    _ memory: borrowing Trial.Memory
  ) {
    let tile = UnsafePointer(memory.elements.pointer(to: Float.self))
    let start = Stopwatch.processorSeconds
    transcoder.encode(tile, importance: importance, count: count, scratch: memory.scratch)
    encodeSeconds += Stopwatch.processorSeconds - start
    let lost = transcoder.loss(
      of: tile, importance: importance, count: count, scratch: memory.scratch)
    losses.add(lost.plain, count: count, weighted: lost.weighted)
    elements += count
    if isSample {
      spread.add(error: lost.plain.squaredError, reference: lost.plain.squaredReference)
    }
  }
}
