// Sixteen groups of at most 128 elements, which fill vectors, turned: vector j holds element j of each.
//
//     workspace   0       8192     16384    24576            32768
//                 plain   turned   weights  turned weights

internal import CVectors

/// Sixteen groups of at most 128 elements, turned: a lane each.
struct TurnedGroups<Weights: Weighting>: GroupElements {
  let length: Int
  private let memory: UnsafeMutableRawPointer
  @inline(__always) var vectors: Int { length }

  /// Copies, repairs and turns `count` groups; the others of the sixteen are zeros.
  @inline(__always)
  init(
    _ source: UnsafeRawPointer, importance: UnsafePointer<Float>?, count: Int, length: Int,
    _ work: GroupWork
  ) {
    self.length = length
    memory = work.memory
    var taint = f32x16(repeating: 0)
    var i = 0
    while i < count &* length {
      let x = f32x16_load(source + 4 &* i)
      taint = f32x16_tainted(taint, x)
      f32x16_store(memory + 4 &* i, x)
      i &+= 16
    }
    if f32x16_has_nan(taint) != 0 {
      repair(memory.assumingMemoryBound(to: Float.self), count &* length, length)
    }
    clear(memory, from: i)
    turn(memory, to: memory + 8192)
    var smallest = element(0)
    var largest = smallest
    var j = 1
    while j < length {
      smallest = f32x16_min(smallest, element(j))
      largest = f32x16_max(largest, element(j))
      j &+= 1
    }
    work.store(smallest: smallest, largest: largest)
    if !Weights.isUniform, let importance {
      i = 0
      while i < count &* length {
        f32x16_store(memory + (16384 &+ 4 &* i), f32x16_load(importance + i))
        i &+= 16
      }
      clear(memory + 16384, from: i)
      turn(memory + 16384, to: memory + 24576)
      level()
    }
  }

  /// The groups as they were, but repaired.
  @inline(__always) var plain: PlainGroups<Floats> {
    PlainGroups(memory: UnsafeRawPointer(memory), length: length)
  }
  @inline(__always)
  func element(_ j: Int) -> f32x16 { f32x16_load(memory + (8192 &+ 64 &* j)) }
  @inline(__always)
  private func weight(_ j: Int) -> f32x16 { f32x16_load(memory + (24576 &+ 64 &* j)) }
  @inline(__always)
  func weighted(_ x: f32x16, _ j: Int) -> f32x16 { Weights.isUniform ? x : x * weight(j) }
  @inline(__always)
  func total(_ x: f32x16) -> f32x16 { x }

  @inline(__always)
  func count(from origin: f32x16) {
    let unit = GroupWork(memory: memory).unit
    var j = 0
    while j < length {
      f32x16_store(memory + (8192 &+ 64 &* j), element(j) * unit - origin)
      j &+= 1
    }
  }

  @inline(__always)
  private func level() {
    var largest = weight(0)
    var j = 1
    while j < length {
      largest = f32x16_max(largest, weight(j))
      j &+= 1
    }
    let level = WeightLevel(largest: largest)
    j = 0
    while j < length {
      f32x16_store(memory + (24576 &+ 64 &* j), level.levelled(weight(j)))
      j &+= 1
    }
  }

  @inline(__always)
  private func clear(_ plain: UnsafeMutableRawPointer, from: Int) {
    var i = from
    while i < 16 &* length {
      f32x16_store(plain + 4 &* i, f32x16(repeating: 0))
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
}
