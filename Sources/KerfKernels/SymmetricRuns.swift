// The scale of least squared error for runs whose elements are y = a · q, q on a grid of numbers.
//
// 1. Candidates say where a run's element of largest magnitude falls on the axis of codes, on either
//    side of zero, for the scale has a sign. A grid that puts it on a number exactly, or a little
//    beyond the last one, may fit the others better than the widest does.
// 2. For each, take the nearest numbers, and refit the scale to them by least squares. What error
//    remains follows from two sums:  min over a of Σ w(x − aq)² = Σ wx² − (Σ wxq)² / Σ wq².
//
// Candidates were chosen greedily, for least error over real and generated weights.
//
//     rest        0            64           96          128         256
//                 multipliers  half scales  sub-scales  candidates  their reciprocals
//                 384          640          768           832              1024
//                 best fits    d and s      smallest |s|  largest element  codes as floats

internal import CVectors

/// A grid whose numbers have codes.
protocol CodedGrid: CodeGrid {
  /// The number that is nearest to each lane, where no lane is farther from zero than the nearer end
  /// of the grid, give or take a part of a code.
  static func nearestWithin(_ places: f32x16) -> f32x16
  /// The code of the number that is nearest to each lane; the lowest number has code 0.
  static func codes(_ places: f32x16) -> i32x16
}

/// A grid for places that are known to need no clamping.
enum Within<Grid: CodedGrid>: CodeGrid {
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 { Grid.nearestWithin(places) }
}

extension Integers: CodedGrid {
  @inline(__always)
  static func nearestWithin(_ places: f32x16) -> f32x16 {
    let magic: Float = 0x1.8p23
    return places + magic - magic
  }

  @inline(__always)
  static func codes(_ places: f32x16) -> i32x16 {
    // The bits of a float of this size count.
    let magic: Float = 0x1.8p23
    let sum = f32x16_clamped(places, Float(lowest), Float(highest)) + magic
    return unsafeBitCast(sum, to: i32x16.self)
      &- (Int32(bitPattern: magic.bitPattern) &+ Int32(truncatingIfNeeded: lowest))
  }
}

/// Candidates for where the element of largest magnitude falls on the axis of codes.
protocol Placements: SendableMetatype {
  static var count: Int { get }
  /// How many of them, the first ones, put no element where it needs clamping.
  static var countWithin: Int { get }
  static func place(_ candidate: Int) -> Float
}

/// What the codes of a candidate tell of a run: its error for any scale.
struct RunFit {
  /// Σ w·x·q
  var xq: f32x16
  /// Σ w·q²
  var qq: f32x16

  /// The scale that fits the codes best.
  @inline(__always)
  var scale: f32x16 { xq / qq }

  /// Σ w(x − aq)² − Σ wx²
  @inline(__always)
  func error(_ a: f32x16) -> f32x16 { a * (a * qq - (xq + xq)) }

  @inline(__always)
  mutating func replace(with other: RunFit, where mask: SIMDMask<SIMD16<Int32>>) {
    xq.replace(with: other.xq, where: mask)
    qq.replace(with: other.qq, where: mask)
  }
}

/// The two candidates that leave the least error, each lane for itself.
private struct BestFits {
  var first = RunFit(xq: f32x16(repeating: 0), qq: f32x16(repeating: 1))
  var second = RunFit(xq: f32x16(repeating: 0), qq: f32x16(repeating: 1))
  // (Σ w·x·q)² of either: what a candidate takes off the error is that, divided by Σ w·q².
  private var firstSquare = f32x16(repeating: 0)
  private var secondSquare = f32x16(repeating: 0)

  @inline(__always)
  mutating func take(_ sums: CodeMoments) {
    let fit = RunFit(xq: sums.xq, qq: sums.qq)
    let square = sums.xq * sums.xq
    let beatsFirst = square * first.qq .> firstSquare * sums.qq
    let beatsSecond = square * second.qq .> secondSquare * sums.qq
    second.replace(with: fit, where: beatsSecond)
    secondSquare.replace(with: square, where: beatsSecond)
    second.replace(with: first, where: beatsFirst)
    secondSquare.replace(with: firstSquare, where: beatsFirst)
    first.replace(with: fit, where: beatsFirst)
    firstSquare.replace(with: square, where: beatsFirst)
  }
}

/// 1 / x, and 0 where x is 0.
@inline(__always)
func reciprocals(_ x: f32x16) -> f32x16 { (1 / x).replacing(with: 0, where: x .== 0) }

extension Runs {
  /// Runs that are ready for a search.
  ///
  /// - Parameter runsPerBlock: How many runs share a scale of their scales.
  @inline(__always)
  init(
    searching source: UnsafeRawPointer, importance: UnsafePointer<Float>?, count: Int,
    runsPerBlock: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    self.init(
      source, importance: importance, count: count, runsPerBlock: runsPerBlock, workspace)
    findLargest()
    bound()
    if !Weights.isUniform && importance != nil { evenOut(runsPerBlock: runsPerBlock) }
  }

  /// In each lane the element of largest magnitude; of two with either sign, the positive one.
  @inline(__always)
  var signedLargest: f32x16 { f32x16_load(rest + 832) }

  @inline(__always)
  private func findLargest() {
    var top = element(0)
    var bottom = top
    var j = 1
    while j < length {
      top = f32x16_max(top, element(j))
      bottom = f32x16_min(bottom, element(j))
      j &+= 1
    }
    f32x16_store(rest + 832, f32x16_where_at_least(top, 0 - bottom, top, bottom))
  }

  /// Finds the two best of the candidates for each run; they are left in the workspace.
  @inline(never)
  func search<Grid: CodedGrid, Candidates: Placements>(_: Grid.Type, _: Candidates.Type) {
    let largest = signedLargest
    let unit = (1 / largest).replacing(with: 0, where: f32x16_abs(largest) .< 0x1p-100)
    var best = BestFits()
    var c = 0
    while c < Candidates.countWithin {
      best.take(moments(Within<Grid>.self, multiplier: unit * Candidates.place(c)))
      c &+= 1
    }
    while c < Candidates.count {
      best.take(moments(Grid.self, multiplier: unit * Candidates.place(c)))
      c &+= 1
    }
    store(best: best.first)
    f32x16_store(rest + 512, best.second.xq)
    f32x16_store(rest + 576, best.second.qq)
  }

  /// The best of the candidates that were searched.
  @inline(__always)
  var bestFit: RunFit { RunFit(xq: f32x16_load(rest + 384), qq: f32x16_load(rest + 448)) }
  @inline(__always)
  func store(best fit: RunFit) {
    f32x16_store(rest + 384, fit.xq)
    f32x16_store(rest + 448, fit.qq)
  }
  /// The one after it.
  @inline(__always)
  var secondFit: RunFit { RunFit(xq: f32x16_load(rest + 512), qq: f32x16_load(rest + 576)) }

  /// Stores a code for each element: of the number nearest to it, times `multiplier` of its run.
  @inline(__always)
  func storeCodes<Grid: CodedGrid>(_: Grid.Type, multiplier: f32x16) {
    f32x16_store(rest, multiplier)
    let multipliers = rest.assumingMemoryBound(to: Float.self)
    @inline(__always) func codes(_ i: Int) -> i32x16 {
      Grid.codes(f32x16_load(plain + 16 &* i) * multipliers[16 &* i / length])
    }
    var i = 0
    while i < length {
      u8x64_store(
        self.codes + 16 &* i,
        i32x16_packed_unsigned(codes(i), codes(i &+ 1), codes(i &+ 2), codes(i &+ 3)))
      i &+= 4
    }
  }

  /// Holds elements to a size whose sums of squares are finite; every format's range ends before.
  @inline(__always)
  private func bound() {
    if f32x16_below_bits(f32x16_abs(signedLargest), 0x1p36) != 0xFFFF {
      boundElements(workspace)
      boundElements(workspace + 4096)
      findLargest()
    }
  }

  /// The reference code's weights: an element counts by its square.
  @inline(__always)
  func weighBySquares() {
    let size = f32x16_abs(signedLargest)
    let unit = (1 / size).replacing(with: 0, where: size .< 1e-15)
    var j = 0
    while j < length {
      let y = element(j) * unit
      f32x16_store(workspace + 6144 + 64 &* j, y * y)
      j &+= 1
    }
  }

  /// Makes the largest weight of a block 1, and all weights of a run alike that has none.
  @inline(__always)
  private func evenOut(runsPerBlock: Int) {
    var largest = weight(0)
    var j = 1
    while j < length {
      largest = f32x16_max(largest, weight(j))
      j &+= 1
    }
    let isEmpty = largest .< 0x1p-120
    if runsPerBlock >= 8 { largest = f32x16_half_maxima(largest) }
    if runsPerBlock == 16 { largest = f32x16_whole_maxima(largest) }
    let unit = (1 / largest).replacing(with: 0, where: largest .< 0x1p-120)
    j = 0
    while j < length {
      f32x16_store(
        workspace + 6144 + 64 &* j, (weight(j) * unit).replacing(with: 0x1p-20, where: isEmpty))
      j &+= 1
    }
  }
}

@inline(never)
private func boundElements(_ memory: UnsafeMutableRawPointer) {
  var i = 0
  while i < 512 {
    f32x16_store(memory + 4 &* i, f32x16_clamped(f32x16_load(memory + 4 &* i), -0x1p36, 0x1p36))
    i &+= 16
  }
}
