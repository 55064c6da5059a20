// Lines of runs, about to be written: what was decided for all runs, a lane each, is read for one.

internal import CVectors

/// Lines as they are stored, in memory, so that what was decided for all runs can be read for one.
struct StoredLines {
  let runs: UnsafePointer<Float>
  let length: Int
  let highest: Int
  /// multipliers | origins | d and dmin in half precision | s and m, a byte each
  let memory: UnsafeMutableRawPointer

  @inline(__always)
  func store(scale: f32x16, minimum: f32x16, s: f32x16, m: f32x16) {
    store(scale: scale, minimum: minimum, slope: scale * s, origin: 0 - minimum * m)
    u8x16_store(memory + 192, i32x16_low_bytes(f32x16_truncated(s)))
    u8x16_store(memory + 208, i32x16_low_bytes(f32x16_truncated(m)))
  }

  /// Stores two scales, and what codes are made with: (x − origin) / slope.
  @inline(__always)
  func store(scale: f32x16, minimum: f32x16, slope: f32x16, origin: f32x16) {
    f32x16_store(memory, f32x16_inverse_of_positive(slope))
    f32x16_store(memory + 64, origin)
    u16x16_store(memory + 128, f32x16_narrowed_f16(scale))
    u16x16_store(memory + 160, f32x16_narrowed_f16(minimum))
  }

  /// The same, counted from another run.
  @inline(__always)
  func from(run: Int) -> StoredLines {
    StoredLines(
      runs: runs + length &* run, length: length, highest: highest, memory: memory, first: run)
  }

  @inline(__always)
  init(
    runs: UnsafePointer<Float>, length: Int, highest: Int, memory: UnsafeMutableRawPointer,
    first: Int = 0
  ) {
    self.runs = runs
    self.length = length
    self.highest = highest
    self.memory = memory
    self.first = first
  }
  private let first: Int

  /// The bits of d, then those of dmin.
  @inline(__always)
  var halves: UInt32 {
    let d = memory.load(fromByteOffset: 128 &+ 2 &* first, as: UInt16.self)
    let minimum = memory.load(fromByteOffset: 160 &+ 2 &* first, as: UInt16.self)
    return UInt32(d) | UInt32(minimum) &<< 16
  }
  /// The s of runs from `run` on, a byte each; behind them, by sixteen bytes, the m.
  @inline(__always)
  func levels(_ run: Int) -> UnsafeRawPointer { UnsafeRawPointer(memory + 192 + first + run) }

  /// Sixteen codes of a run, from element `offset` on.
  @inline(__always)
  func codes(_ run: Int, _ offset: Int) -> i32x16 {
    let multiplier = memory.load(fromByteOffset: 4 &* (first &+ run), as: Float.self)
    let origin = memory.load(fromByteOffset: 64 &+ 4 &* (first &+ run), as: Float.self)
    let places = (f32x16_load(runs + length &* run + offset) - origin) * multiplier
    let magic: Float = 0x1.8p23
    let sum = f32x16_clamped(places, 0, Float(highest)) + magic
    return unsafeBitCast(sum, to: i32x16.self) & 63
  }
}
