// Sixteen runs of consecutive elements, each with the same code grid and a scale of its own.
//
// What is decided once per run has a lane per run: the elements are turned, so that vector j holds
// element j of every run, and sums over a run are sums of vectors. A format's block is one run
// (iq4_nl), or several that share a scale of their scales (sixteen of sixteen elements in q6_K).
//
//     workspace   0      2048     4096    6144    8192
//                 plain  weights  turned  turned  codes: a byte each, run after run; what is left
//                                         weights of the 32 KB from 8704 on is the format's
//
// Elements are f32; so are the weights of squared errors, where there is an importance matrix.

internal import CVectors

/// How much the squared error of an element counts.
protocol Weighting: SendableMetatype {
  static var isUniform: Bool { get }
}
/// Every element counts alike.
enum Uniform: Weighting {
  @inline(__always) static var isUniform: Bool { true }
}
/// As importance says.
enum Important: Weighting {
  @inline(__always) static var isUniform: Bool { false }
}

/// The numbers that codes stand for, before any scale.
protocol CodeGrid: SendableMetatype {
  /// The number of the grid that is nearest to each lane.
  static func nearest(_ places: f32x16) -> f32x16
}

/// Consecutive integers.
enum Integers<let lowest: Int, let highest: Int>: CodeGrid {
  @inline(__always)
  static func nearest(_ places: f32x16) -> f32x16 {
    // A float of this size has no fraction; half-way places go to the even integer.
    let magic: Float = 0x1.8p23
    return f32x16_clamped(places, Float(lowest), Float(highest)) + magic - magic
  }
}

/// Sums over the elements x of a run and the numbers q that their codes stand for.
struct CodeMoments {
  /// Σ w·x·q
  var xq = f32x16(repeating: 0)
  /// Σ w·q²
  var qq = f32x16(repeating: 0)
  /// Σ w·q
  var q = f32x16(repeating: 0)
}

/// Sixteen runs of `length` elements, 16 or 32.
struct Runs<let length: Int, Weights: Weighting> {
  /// How many of the sixteen there are; the others are zeros, and count nothing.
  let count: Int
  let workspace: UnsafeMutableRawPointer

  /// Copies, repairs and turns `count` runs.
  ///
  /// - Parameters:
  ///   - importance: Weights of the elements; not read where they are uniform.
  ///   - runsPerBlock: In a block, NaN counts as 0 and ±Inf as the largest finite magnitude.
  @inline(__always)
  init(
    _ source: UnsafeRawPointer, importance: UnsafePointer<Float>?, count: Int, runsPerBlock: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    self.count = count
    self.workspace = workspace
    let elements = count &* length
    copy(source, to: workspace, elements)
    if !isFinite() {
      repair(workspace.assumingMemoryBound(to: Float.self), elements, length &* runsPerBlock)
    }
    turn(workspace, to: workspace + 4096)
    if !Weights.isUniform, let importance {
      copy(UnsafeRawPointer(importance), to: workspace + 2048, elements)
      turn(workspace + 2048, to: workspace + 6144)
    }
  }

  /// Elements of the runs, run after run.
  @inline(__always)
  var plain: UnsafePointer<Float> {
    UnsafePointer(workspace.assumingMemoryBound(to: Float.self))
  }
  /// A byte for each element, run after run.
  @inline(__always)
  var codes: UnsafeMutablePointer<UInt8> {
    (workspace + 8192).assumingMemoryBound(to: UInt8.self)
  }
  /// What of the workspace is left to the format.
  @inline(__always)
  var rest: UnsafeMutableRawPointer { workspace + 8704 }

  /// Element j of every run.
  @inline(__always)
  func element(_ j: Int) -> f32x16 { f32x16_load(workspace + 4096 + 64 &* j) }
  /// How much its squared error counts.
  @inline(__always)
  func weight(_ j: Int) -> f32x16 {
    Weights.isUniform ? f32x16(repeating: 1) : f32x16_load(workspace + 6144 + 64 &* j)
  }
  /// `x` times that weight.
  @inline(__always)
  func weighted(_ x: f32x16, _ j: Int) -> f32x16 { Weights.isUniform ? x : x * weight(j) }

  /// Sums over the codes of (x − origin) · multiplier.
  @inline(__always)
  func moments<Grid: CodeGrid>(
    _: Grid.Type, multiplier: f32x16, origin: f32x16 = f32x16(repeating: 0)
  ) -> CodeMoments {
    var sums = CodeMoments()
    var j = 0
    while j < length {
      let x = element(j)
      let q = Grid.nearest((x - origin) * multiplier)
      let wq = weighted(q, j)
      sums.xq += x * wq
      sums.qq += q * wq
      sums.q += wq
      j &+= 1
    }
    return sums
  }

  @inline(__always)
  private func copy(_ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ elements: Int)
  {
    var i = 0
    while i < 16 &* length {
      f32x16_store(
        target + 4 &* i, i < elements ? f32x16_load(source + 4 &* i) : f32x16(repeating: 0))
      i &+= 16
    }
  }

  @inline(__always)
  private func turn(_ plain: UnsafeRawPointer, to turned: UnsafeMutableRawPointer) {
    var j = 0
    while j < length {
      f32_transpose_16x16(
        plain.assumingMemoryBound(to: Float.self) + j, length,
        turned.assumingMemoryBound(to: Float.self) + 16 &* j)
      j &+= 16
    }
  }

  @inline(__always)
  private func isFinite() -> Bool {
    var taint = f32x16(repeating: 0)
    var i = 0
    while i < 16 &* length {
      taint = f32x16_tainted(taint, f32x16_load(workspace + 4 &* i))
      i &+= 16
    }
    return f32x16_has_nan(taint) == 0
  }
}

/// Makes NaN 0 and ±Inf the largest finite magnitude of its block.
@inline(never)
func repair(
  _ elements: UnsafeMutablePointer<Float>, _ count: Int, _ elementsPerBlock: Int
) {
  var start = 0
  while start < count {
    let block = elements + start
    var largest: Float = 0
    var i = 0
    while i < elementsPerBlock {
      let magnitude = block[i].magnitude
      if magnitude > largest && magnitude < .infinity { largest = magnitude }
      i &+= 1
    }
    i = 0
    while i < elementsPerBlock {
      let x = block[i]
      if x != x {
        block[i] = 0
      } else if x.magnitude == .infinity {
        block[i] = x < 0 ? -largest : largest
      }
      i &+= 1
    }
    start &+= elementsPerBlock
  }
}
