// Blocks of 256 elements whose runs have scales that are integers themselves, times one scale d.
//
//     y = (s · d) · q        s for each run of 16 or 32, d for the block
//
// The two best candidates of every run are known by their sums. For any d, a run takes the integer s
// that is nearest to either candidate's scale, and its error is a parabola:
//
//     Σ w(x − aq)² = Σ wx² − 2a · Σ wxq + a² · Σ wq²        a = s · d
//
// Sixteen d are held against each other, which put the largest scale of the block around the end of
// the range of s. The winner is refitted by least squares. Where a run is so small beside the others
// that s is small too, its neighbours are tried with the codes that they would have.

internal import CVectors

/// What a block of 256 elements with scales of its scales is made of.
protocol SubScaledFormat: SendableMetatype {
  /// The numbers that codes stand for.
  associatedtype Grid: CodedGrid
  /// The integers that s may be.
  associatedtype SubScale: CodedGrid
  /// The largest magnitude among them; its sign is negative.
  static var limit: Float { get }
  /// Where candidates for d put the largest scale of a block: the first of sixteen, and their distance.
  static var ends: (first: Float, step: Float) { get }
  /// The reference code's scales of runs whose weights are squares.
  static func referenceScales<let length: Int, Weights, Candidates: Placements>(
    _ runs: Runs<length, Weights>, _: Candidates.Type
  ) -> f32x16

  /// Whether the reference code rounds d to half precision before it decides codes.
  static var referenceRoundsFirst: Bool { get }

  static var bytesPerBlock: Int { get }
  /// Writes a block.
  ///
  /// - Parameters:
  ///   - codes: 256 bytes.
  ///   - subScales: A byte for each run: s, counted from the least.
  ///   - scale: d in half precision.
  static func write(
    codes: UnsafePointer<UInt8>, subScales: UnsafePointer<UInt8>, scale: UInt16,
    to target: UnsafeMutableRawPointer)
}

extension SubScaledFormat {
  @inline(__always) static var referenceRoundsFirst: Bool { true }

  @inline(__always)
  static func referenceScales<let length: Int, Weights, Candidates: Placements>(
    _ runs: Runs<length, Weights>, _: Candidates.Type
  ) -> f32x16 {
    runs.search(Grid.self, Candidates.self)
    return runs.bestFit.scale
  }
}

/// What was decided for the blocks that sixteen runs make up.
struct SubScales {
  /// d of each run's block, as half precision has it unless the reference code decides codes before
  /// it rounds.
  var scale: f32x16
  /// s of each run, an integer.
  var factor: f32x16
}

/// How d and s are decided: as the reference code does, or with the least error that candidates
/// lead to.
protocol SubScaleRule: SendableMetatype {
  static var isReference: Bool { get }
  associatedtype Weights: Weighting
  associatedtype Candidates: Placements
}
enum ReferenceRule<Candidates: Placements>: SubScaleRule {
  @inline(__always) static var isReference: Bool { true }
  typealias Weights = Important
}
enum SearchRule<Weights: Weighting, Candidates: Placements>: SubScaleRule {
  @inline(__always) static var isReference: Bool { false }
}

/// As many blocks as sixteen runs of `length` make up: one of sixteen runs, or two of eight.
enum SubScaledBlocks<let length: Int, Format: SubScaledFormat> {
  @inline(__always) private static var runsPerBlock: Int { 256 / length }
  @inline(__always) private static var blockCount: Int { length / 16 }

  /// Encodes blocks by a rule; see ``CodecKernels/Encode``.
  @inline(__always)
  static func encode<Rule: SubScaleRule>(
    _: Rule.Type, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let count = min(blockCount, blocks &- done)
      let runs = Runs<length, Rule.Weights>(
        searching: source + 1024 &* done, importance: importance.map { $0 + 256 &* done },
        count: runsPerBlock &* count, runsPerBlock: runsPerBlock, workspace)
      if Rule.isReference {
        runs.weighBySquares()
        store(reference(Format.referenceScales(runs, Rule.Candidates.self)), runs.rest)
      } else {
        runs.search(Format.Grid.self, Rule.Candidates.self)
        fit(runs)
      }
      let scales = stored(runs.rest)
      runs.storeCodes(Format.Grid.self, multiplier: reciprocals(scales.factor * scales.scale))
      let halves = (runs.rest + 64).assumingMemoryBound(to: UInt16.self)
      let subScales = (runs.rest + 96).assumingMemoryBound(to: UInt8.self)
      u16x16_store(halves, f32x16_narrowed_f16(f32x16_clamped(scales.scale, -65504, 65504)))
      u8x16_store(subScales, i32x16_low_bytes(Format.SubScale.codes(scales.factor)))
      var b = 0
      while b < count {
        Format.write(
          codes: runs.codes + 256 &* b, subScales: subScales + runsPerBlock &* b,
          scale: halves[runsPerBlock &* b], to: target + Format.bytesPerBlock &* (done &+ b))
        b &+= 1
      }
      done &+= count
    }
  }

  /// The largest scale of a block takes the end of the range of s, as the reference code has it.
  @inline(__always)
  private static func reference(_ scales: f32x16) -> SubScales {
    let top = blockMaxima(scales)
    let bottom = blockMaxima(0 - scales)
    let largest = f32x16_where_at_least(top, bottom, top, 0 - bottom)
    let multiplier = (-Format.limit / largest).replacing(
      with: 0, where: f32x16_abs(largest) .< 1e-15)
    let scale = largest / -Format.limit
    return SubScales(
      scale: (Format.referenceRoundsFirst ? half(scale) : scale)
        .replacing(with: 0, where: multiplier .== 0),
      factor: Format.SubScale.nearest(scales * multiplier))
  }

  /// Finds the d and s of least error that two candidates for each run lead to.
  @inline(never)
  private static func fit<Weights>(_ runs: Runs<length, Weights>) {
    let first = runs.bestFit
    let second = runs.secondFit
    let firstScale = first.scale
    let secondScale = second.scale
    candidates(blockMaxima(f32x16_abs(firstScale)), runs.rest + 128)
    let scales = (runs.rest + 128).assumingMemoryBound(to: Float.self)
    let multipliers = (runs.rest + 256).assumingMemoryBound(to: Float.self)

    var least = f32x16(repeating: .infinity)
    var scale = f32x16(repeating: 0)
    var multiplier = f32x16(repeating: 0)
    var k = 0
    while k < 16 {
      let d = blockValues(scales + k)
      let m = blockValues(multipliers + k)
      let error = blockSums(
        f32x16_min(
          first.error(d * Format.SubScale.nearest(firstScale * m)),
          second.error(d * Format.SubScale.nearest(secondScale * m))))
      let better = error .< least
      least.replace(with: error, where: better)
      scale.replace(with: d, where: better)
      multiplier.replace(with: m, where: better)
      k &+= 1
    }

    var s = Format.SubScale.nearest(firstScale * multiplier)
    var fit = first
    let other = Format.SubScale.nearest(secondScale * multiplier)
    let better = second.error(scale * other) .< first.error(scale * s)
    s.replace(with: other, where: better)
    fit.replace(with: second, where: better)

    // Runs of zeros have nothing to gain.
    let sizes = f32x16_abs(s).replacing(with: 9, where: firstScale .== 0)
    let smallest = 0 - blockMaxima(0 - sizes)
    if f32x16_below_bits(smallest, 8.5) != 0 {
      f32x16_store(runs.rest + 768, smallest)
      store(SubScales(scale: scale, factor: s), runs.rest)
      runs.store(best: fit)
      tryNeighbours(runs)
      s = stored(runs.rest).factor
      fit = runs.bestFit
    }
    let refitted = half(blockSums(s * fit.xq) / blockSums(s * s * fit.qq))
    let gain = blockSums(fit.error(s * scale) - fit.error(s * refitted))
    scale.replace(with: refitted, where: gain .> 0 .& refitted .> 0)
    store(SubScales(scale: scale, factor: s), runs.rest)
  }

  @inline(__always)
  private static func store(_ scales: SubScales, _ rest: UnsafeMutableRawPointer) {
    f32x16_store(rest + 640, scales.scale)
    f32x16_store(rest + 704, scales.factor)
  }
  @inline(__always)
  private static func stored(_ rest: UnsafeRawPointer) -> SubScales {
    SubScales(scale: f32x16_load(rest + 640), factor: f32x16_load(rest + 704))
  }

  /// Stores candidates for d and their reciprocals: sixteen of each for a block, then those of the
  /// other.
  @inline(__always)
  private static func candidates(_ largest: f32x16, _ memory: UnsafeMutableRawPointer) {
    let shares = 1 / (i32x16_to_f32(i32x16_lanes()) * Format.ends.step + Format.ends.first)
    var b = 0
    while b < blockCount {
      // No d is smaller than the least that half precision has.
      let d = f32x16_max(
        half(f32x16(repeating: largest[8 &* b]) * shares), f32x16(repeating: 0x1p-24))
      f32x16_store(memory + 64 &* b, d)
      f32x16_store(memory + 128 + 64 &* b, 1 / d)
      b &+= 1
    }
  }

  /// Takes s one less or one more where that leaves less error, in blocks with a small s.
  @inline(never)
  private static func tryNeighbours<Weights>(_ runs: Runs<length, Weights>) {
    let scale = stored(runs.rest).scale
    let middle = stored(runs.rest).factor
    let smallest = f32x16_load(runs.rest + 768)
    var s = middle
    var fit = runs.bestFit
    var least = fit.error(s * scale)
    var step: Float = -1
    while step <= 1 {
      let factor = Format.SubScale.nearest(middle + step)
      let a = factor * scale
      let sums = runs.moments(Format.Grid.self, multiplier: reciprocals(a))
      let tried = RunFit(xq: sums.xq, qq: sums.qq)
      let error = tried.error(a)
      let better = error .< least .& smallest .< 8.5
      least.replace(with: error, where: better)
      s.replace(with: factor, where: better)
      fit.replace(with: tried, where: better)
      step += 1
    }
    store(SubScales(scale: scale, factor: s), runs.rest)
    runs.store(best: fit)
  }

  @inline(__always)
  private static func blockMaxima(_ x: f32x16) -> f32x16 {
    length == 16 ? f32x16_whole_maxima(x) : f32x16_half_maxima(x)
  }
  @inline(__always)
  private static func blockSums(_ x: f32x16) -> f32x16 {
    length == 16 ? f32x16_whole_sums(x) : f32x16_half_sums(x)
  }
  /// A number of each block, those of a second one 16 floats after the first one's.
  @inline(__always)
  private static func blockValues(_ values: UnsafeMutablePointer<Float>) -> f32x16 {
    f32x16_halves(values[0], values[length == 16 ? 0 : 16])
  }
}
