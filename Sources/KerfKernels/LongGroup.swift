// One group of any length, where it lies: a channel, or one that does not fill vectors.
//
//     workspace   0                             64
//                 the last elements, if they    their weights
//                 fill no vector, then zeros
//
// Every pass repairs and normalises anew, which costs less than memory for a copy that may be too large
// for the caches.

internal import CVectors

/// One group of any length, where it lies.
struct LongGroup<Weights: Weighting>: GroupElements, PlainElements {
  private let source, tail: UnsafeRawPointer
  private let weights: UnsafeRawPointer?
  /// Vectors that are whole.
  private let whole: Int
  let vectors: Int
  /// The largest finite magnitude.
  private var bound: Float = .greatestFiniteMagnitude
  private var unit: Float = 1
  private var origin: Float = 0
  private var weightUnit: Float = 0
  private var weightFloor: Float = 1

  @inline(__always)
  init(
    _ source: UnsafeRawPointer, importance: UnsafePointer<Float>?, length: Int, _ work: GroupWork
  ) {
    self.source = source
    tail = UnsafeRawPointer(work.memory)
    weights = importance.map { UnsafeRawPointer($0) }
    whole = length &>> 4
    vectors = (length &+ 15) &>> 4
    if vectors > whole {
      let bytes = 4 &* (length & 15)
      f32x16_store(work.memory, f32x16(repeating: 0))
      work.memory.copyMemory(from: source + 64 &* whole, byteCount: bytes)
      if let weights {
        f32x16_store(work.memory + 64, f32x16(repeating: 0))
        (work.memory + 64).copyMemory(from: weights + 64 &* whole, byteCount: bytes)
      }
    }
    bound = largestFinite()
    var smallest = plain(0)
    var largest = smallest
    var j = 1
    while j < whole {
      smallest = f32x16_min(smallest, plain(j))
      largest = f32x16_max(largest, plain(j))
      j &+= 1
    }
    // The zeros past the end are no elements: the first one stands in for them.
    if vectors > whole {
      let lanes = i32x16_below(
        i32x16_lanes(), i32x16(repeating: Int32(truncatingIfNeeded: length & 15)))
      let first = f32x16(repeating: plain(0)[0])
      let last = f32x16_select(lanes, plain(whole), first)
      smallest = f32x16_min(whole == 0 ? last : smallest, last)
      largest = f32x16_max(whole == 0 ? last : largest, last)
    }
    work.store(
      smallest: 0 - f32x16_whole_maxima(0 - smallest), largest: f32x16_whole_maxima(largest))
    if !Weights.isUniform { level() }
  }

  @inline(__always)
  func plain(_ j: Int, of _: Int) -> f32x16 { plain(j) }
  @inline(__always)
  private func plain(_ j: Int) -> f32x16 {
    let x = f32x16_load(j < whole ? source + 64 &* j : tail)
    let number = f32x16_select(f32x16_equal(x, x), x, f32x16(repeating: 0))
    return f32x16_clamped(number, -bound, bound)
  }
  @inline(__always)
  func element(_ j: Int) -> f32x16 { plain(j) * unit - origin }
  @inline(__always)
  private func weight(_ j: Int) -> f32x16 {
    guard let weights else { return f32x16(repeating: 1) }
    return f32x16_load(j < whole ? weights + 64 &* j : tail + 64)
  }
  @inline(__always)
  func weighted(_ x: f32x16, _ j: Int) -> f32x16 {
    if Weights.isUniform { return x }
    return x * f32x16_max(weight(j) * weightUnit, f32x16(repeating: weightFloor))
  }
  @inline(__always)
  func total(_ x: f32x16) -> f32x16 { f32x16_whole_sums(x) }

  @inline(__always)
  mutating func count(from origin: f32x16) {
    unit = GroupWork(memory: UnsafeMutableRawPointer(mutating: tail)).unit[0]
    self.origin = origin[0]
  }

  @inline(__always)
  private func largestFinite() -> Float {
    var taint = f32x16(repeating: 0)
    var j = 0
    while j < vectors {
      taint = f32x16_tainted(taint, f32x16_load(j < whole ? source + 64 &* j : tail))
      j &+= 1
    }
    if f32x16_has_nan(taint) == 0 { return .greatestFiniteMagnitude }
    let infinity = f32x16(repeating: .infinity)
    var largest = f32x16(repeating: 0)
    j = 0
    while j < vectors {
      let x = f32x16_abs(f32x16_load(j < whole ? source + 64 &* j : tail))
      largest = f32x16_select(
        f32x16_below(x, infinity), f32x16_max(largest, x), largest)
      j &+= 1
    }
    return f32x16_whole_maxima(largest)[0]
  }

  @inline(__always)
  private mutating func level() {
    var largest = weight(0)
    var j = 1
    while j < vectors {
      largest = f32x16_max(largest, weight(j))
      j &+= 1
    }
    let level = WeightLevel(largest: f32x16_whole_maxima(largest))
    weightUnit = level.unit[0]
    weightFloor = level.floor[0]
  }
}
