// The walk over blocks of 256 elements whose runs have lines of their own: q4_K, q5_K and q2_K.
//
// Sixteen runs are taken at a time, which are one block of sixteen or two blocks of eight. A format
// says what is searched and how its bytes look; see `Q4_K.swift`.

internal import CVectors
internal import KerfElements

/// A format of 256 elements per block: y = (d · s) · q − (dmin · m), s and m for each run.
protocol AffineKFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  associatedtype Candidates: CandidateTable
  associatedtype WeightedCandidates: CandidateTable
  /// What is tried where every element counts alike: no code comes out of range.
  static var candidates: Candidates { get }
  /// What is tried with importance: the ends of a run may count little, and the best line be far from
  /// them.
  static var weightedCandidates: WeightedCandidates { get }
  /// What the public reference code tries.
  static var reference: ReferenceLines { get }

  /// Writes one block.
  static func write(_ lines: StoredLines, _ block: UnsafeMutableRawPointer)
  /// Decodes one block to 256 floats.
  static func decode(_ block: UnsafeRawPointer, _ target: UnsafeMutableRawPointer)
}

/// What a search tries: for the lines of a run, and for the scales of a block.
protocol CandidateTable {
  var spanCount: Int { get }
  func span(_ k: Int) -> CodeSpan
  var endCount: Int { get }
  func end(_ i: Int) -> LatticeEnd
}

struct AffineCandidates<let n: Int, let m: Int>: CandidateTable {
  let spans: InlineArray<n, CodeSpan>
  let ends: InlineArray<m, LatticeEnd>

  @inline(__always) var spanCount: Int { n }
  @inline(__always) func span(_ k: Int) -> CodeSpan { spans[k] }
  @inline(__always) var endCount: Int { m }
  @inline(__always) func end(_ i: Int) -> LatticeEnd { ends[i] }
}

/// Lines of `length` elements and codes 0…`highest`, with scales in 0…`levels`, `lanes` to a block.
enum AffineKernel<
  let length: Int, let highest: Int, let levels: Int, let lanes: Int, Format: AffineKFormat
> {
  typealias Codes = Integers<0, highest>
  typealias Block = AffineSuperBlock<levels, lanes>
  @inline(__always) private static var blocksAbreast: Int { 16 / lanes }

  /// Encodes with the reference code's search; see ``CodecKernels/Encode``.
  @inline(__always)
  static func encodeReference(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let count = min(blocksAbreast, blocks &- done)
      let runs = Runs<length, Important>(
        source + 1024 &* done, importance: nil, count: count &* lanes, runsPerBlock: lanes,
        workspace)
      runs.weighLikeReference(Format.reference)
      runs.level(.aboveZero, runsPerBlock: lanes)
      runs.tryReferenceLines(Codes.self, highest: highest, Format.reference)
      Block(runs.facts).takeLargest()
      write(runs, count, target + Format.bytesPerBlock &* done)
      done &+= count
    }
  }

  /// Encodes with the least error that the search finds; see ``CodecKernels/EncodeWeighted``.
  @inline(__always)
  static func encodeOptimal<Weights: Weighting>(
    _: Weights.Type, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let count = min(blocksAbreast, blocks &- done)
      let runs = Runs<length, Weights>(
        source + 1024 &* done, importance: importance.map { $0 + 256 &* done },
        count: count &* lanes, runsPerBlock: lanes, workspace)
      runs.level(.aboveZero, runsPerBlock: lanes)
      let block = Block(runs.facts)
      var candidates = 0
      if Weights.isUniform {
        let tried = Format.candidates
        candidates = tried.spanCount
        runs.tryLines(WholeNumbers.self, tried, highest: highest)
        block.spread(tried, candidates)
      } else {
        let tried = Format.weightedCandidates
        candidates = tried.spanCount &+ 2
        runs.tryLines(Codes.self, tried, highest: highest)
        runs.tryBest(Codes.self, candidates &- 2, .aboveZero)
        runs.tryBest(Codes.self, candidates &- 1, .aboveZero)
        block.spread(tried, candidates)
      }
      let slope = block.s * block.scale
      runs.tryLine(
        Codes.self, candidates, slope: slope, multiplier: f32x16_inverse_of_positive(slope),
        origin: 0 - (block.m * block.minimum + runs.facts.smallest), .aboveZero)
      block.refit(candidates)
      write(runs, count, target + Format.bytesPerBlock &* done)
      done &+= count
    }
  }

  @inline(__always)
  private static func write<Weights>(
    _ runs: Runs<length, Weights>, _ count: Int, _ target: UnsafeMutableRawPointer
  ) {
    let block = Block(runs.facts)
    let lines = StoredLines(
      runs: runs.plain, length: length, highest: highest, memory: runs.facts.rest.memory + 448)
    lines.store(scale: block.scale, minimum: block.minimum, s: block.s, m: block.m)
    var b = 0
    while b < count {
      Format.write(lines.from(run: lanes &* b), target + Format.bytesPerBlock &* b)
      b &+= 1
    }
  }

  /// Decodes `blocks` blocks to f32; see ``CodecKernels/Decode``.
  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + Format.bytesPerBlock &* b
      bytes_prefetch(block + 512)
      Format.decode(block, target + 1024 &* b)
      b &+= 1
    }
  }
}
