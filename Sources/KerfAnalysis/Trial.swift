// What formats would do to tensors: encoded, decoded and compared, and nothing of it kept.
//
//                               ┌─encode→ blocks ─decode→ f32 tile ─→ loss    first format
//     read a piece ─decode→ f32 tile ─encode→ blocks ─decode→ f32 tile ─→ loss    second format
//                               └─ …
//
// A tile is decoded once, and every format has its turn while it is in the first-level cache. The
// steps are those of a conversion, and losses are added in the same order, so that what is found of
// a whole tensor is what converting it would find, to the bit. Formats whose tiles have another
// length, which are long or odd groups, have a pass of their own.

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

  /// A tensor, by its number in the input, and the formats that it is tried in.
  package typealias Candidate = (tensor: Int, formats: [Format])

  private let input: Checkpoint
  private let candidates: [Candidate]
  private let importance: ModelImportance?
  private let threads: Int
  private let passes: [Pass]
  private let pieces: Pieces

  /// A tensor, and the formats that are tried on the same tiles of it.
  private struct Pass: Sendable {
    /// The number of the candidate.
    let candidate: Int
    let description: TensorDescription
    /// The places of the formats among those of the candidate.
    let places: [Int]
    /// Shared by all passes of the same formats.
    let ways: Ways
    /// `nil` where everything is looked at.
    let runs: Sample.Runs?

    /// Elements that are looked at, of all tiles or of some.
    var count: Int { runs.map { $0.count * ways.tileLength } ?? description.shape.count }

    /// Where the elements of a piece lie, tile by tile.
    func tiles(of piece: Pieces.Piece) -> [Range<Int>] {
      let end = piece.start + piece.count
      return stride(from: piece.start, to: end, by: ways.tileLength).map { start in
        runs.map { $0[start / ways.tileLength] } ?? start..<min(start + ways.tileLength, end)
      }
    }

    /// Bytes of the largest piece.
    var pieceByteCount: Int { byteCount(Pieces.length(unit: ways.tileLength)) }

    /// Bytes of a piece: a last tile counts like any.
    func byteCount(_ elements: Int) -> Int {
      let format = description.format
      return elements / format.elementsPerBlock * format.bytesPerBlock
    }
  }

  /// How elements of one format get to each of the others, whose tiles have the same length.
  private final class Ways: Sendable {
    let formats: [Format]
    /// To f32.
    let reader: Transcoder
    let transcoders: [Transcoder]

    var tileLength: Int { transcoders[0].tileLength }

    init(
      from source: Format, to formats: [Format], rounding: Rounding, table: KernelTable
    ) throws(CodecError) {
      func way(to format: Format) throws(CodecError) -> Transcoder {
        try Transcoder(from: source, to: format, rounding: rounding, table: table)
      }
      self.formats = formats
      reader = try way(to: .f32)
      transcoders = try formats.map(way)
    }
  }

  /// - Parameters:
  ///   - candidates: Which of the input's tensors are tried, in which formats.
  ///   - importance: How much errors count, where blocks are made.
  ///   - sample: What is looked at of every tensor; everything where it is `nil`.
  /// - Throws: ``AnalysisError/notComputed(_:tensor:_:)`` for a tensor of a format that has no
  ///   kernels; ``AnalysisError/codec(_:)`` for a format that cannot be written.
  package init(
    input: Checkpoint, _ candidates: [Candidate], rounding: Rounding,
    importance: ModelImportance?, sample: Sample?, threads: Int
  ) throws(AnalysisError) {
    self.input = input
    self.candidates = candidates
    self.importance = importance
    self.threads = threads
    if let (index, _) = candidates.first(where: { !input.tensors[$0.tensor].format.isDecodable }) {
      let tensor = input.tensors[index]
      throw .notComputed(input.path, tensor: tensor.name, tensor.format)
    }
    var passes: [Pass] = []
    do throws(CodecError) {
      let table = try KernelTable.current()
      var known: [[Format]: Ways] = [:]
      for (number, candidate) in candidates.enumerated() {
        let tensor = input.tensors[candidate.tensor]
        // A format whose blocks do not fill rows has no pass.
        let taken = candidate.formats.indices.filter {
          tensor.shape.columns.isMultiple(of: candidate.formats[$0].elementsPerBlock)
        }
        let tileLengths = Dictionary(grouping: taken) {
          Transcoder.tileLength(from: tensor.format, to: candidate.formats[$0])
        }
        for (length, places) in tileLengths.sorted(by: { $0.key < $1.key }) {
          let formats = places.map { candidate.formats[$0] }
          let key = [tensor.format] + formats
          if known[key] == nil {
            known[key] = try Ways(
              from: tensor.format, to: formats, rounding: rounding, table: table)
          }
          passes.append(
            Pass(
              candidate: number, description: tensor, places: places, ways: known[key]!,
              runs: sample?.runs(
                of: tensor.name, elements: tensor.shape.count, length: length)))
        }
      }
    } catch { throw .codec(error) }
    self.passes = passes
    pieces = Pieces(
      elements: passes.map(\.count),
      lengths: passes.map { Pieces.length(unit: $0.ways.tileLength) })
  }

  /// Does the work.
  ///
  /// - Parameter progress: Counts bytes of input as they are done.
  /// - Returns: For each candidate what each of its formats does to it; `nil` where blocks do not
  ///   fill rows, or cannot be counted.
  /// - Throws: ``AnalysisError``: what cannot be read, and importance that does not fit.
  package func run(
    progress: ConversionProgress = ConversionProgress()
  ) throws(AnalysisError) -> [[Outcome?]] {
    progress.begin(totalByteCount: (0..<pieces.count).reduce(0) { $0 + byteCount(of: pieces[$1]) })
    let tileLength = passes.map(\.ways.tileLength).max() ?? 0
    let pieceByteCount = passes.map(\.pieceByteCount).max() ?? 0
    var found = passes.map { $0.places.map { _ in Sums() } }
    try pieces.forEach(
      threads: threads,
      prepare: { Memory(tileLength: tileLength, sourceByteCount: pieceByteCount) },
      work: { piece, memory throws(AnalysisError) in
        let sums = try attempt(piece, memory)
        progress.advance(by: byteCount(of: piece))
        return sums
      },
      gather: { piece, sums in
        for (number, sums) in sums.enumerated() { found[piece.tensor][number].add(sums) }
      })
    var outcomes = candidates.map { [Outcome?](repeating: nil, count: $0.formats.count) }
    for (pass, sums) in zip(passes, found) {
      for ((place, format), sums) in zip(zip(pass.places, pass.ways.formats), sums) {
        outcomes[pass.candidate][place] = outcome(sums, pass.description, format)
      }
    }
    return outcomes
  }

  /// Bytes of a piece, for progress.
  private func byteCount(of piece: Pieces.Piece) -> Int {
    passes[piece.tensor].byteCount(piece.count)
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
    let source, elements, importance: AlignedBuffer
    let scratch: Transcoder.Scratch

    init(tileLength: Int, sourceByteCount: Int) {
      source = AlignedBuffer(byteCount: sourceByteCount)
      elements = AlignedBuffer(byteCount: tileLength * 4)
      importance = AlignedBuffer(byteCount: tileLength * 4)
      scratch = Transcoder.Scratch(tileLength: tileLength)
    }
  }

  private func attempt(
    _ piece: Pieces.Piece, _ memory: borrowing Memory
  ) throws(AnalysisError) -> [Sums] {
    let pass = passes[piece.tensor]
    let index = candidates[pass.candidate].tensor
    let tiles = pass.tiles(of: piece)
    let counts = pass.ways.formats.map { importance?.counts(index, $0) == true }
    var weights: Importance?
    if let importance, counts.contains(true) {
      do { weights = try importance.lend(index) } catch { throw AnalysisError(error) }
    }
    try read(pass, piece, tiles, memory)

    var sums = pass.places.map { _ in Sums() }
    var address = UnsafeRawPointer(memory.source.baseAddress)
    for tile in tiles {
      pass.ways.reader.decode(
        address, to: memory.elements.pointer(to: Float.self), count: tile.count)
      address += pass.description.byteRange(of: tile).count
      weights?.copy(
        from: tile.lowerBound, count: tile.count, of: pass.description.shape,
        to: memory.importance.pointer(to: Float.self))
      for (number, transcoder) in pass.ways.transcoders.enumerated() {
        sums[number].add(
          transcoder, count: tile.count, isSample: pass.runs != nil,
          importance: counts[number]
            ? UnsafePointer(memory.importance.pointer(to: Float.self)) : nil,
          memory)
      }
    }
    return sums
  }

  /// Reads the elements of `tiles`, one tile after another.
  private func read(
    _ pass: Pass, _ piece: Pieces.Piece, _ tiles: [Range<Int>], _ memory: borrowing Memory
  ) throws(AnalysisError) {
    // What is looked at as a whole lies in a row.
    let ranges = pass.runs == nil ? [piece.start..<piece.start + piece.count] : tiles
    var target = memory.source.baseAddress
    for range in ranges {
      let bytes = pass.description.byteRange(of: range)
      do {
        try input.read(
          pass.description, bytes,
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
