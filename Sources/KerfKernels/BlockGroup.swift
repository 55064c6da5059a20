// Sixteen blocks of 32 elements, and the scratch to work on them.
//
//     workspace   0      2048       4096        6144         6208     6272         6304         6336
//                 plain  originals  normalized  multipliers  origins  half scales  half minima  codes

internal import CVectors

/// Up to sixteen blocks, their elements finite and, where there are fewer blocks, followed by zeros.
struct BlockGroup<Element: Source> {
  /// How many of the sixteen blocks there are.
  let count: Int
  /// 16 × 32 elements, block after block.
  let elements: UnsafeRawPointer
  private let workspace: UnsafeMutableRawPointer

  /// Sixteen blocks of finite elements, used where they are.
  @inline(__always)
  init(whole source: UnsafeRawPointer, _ workspace: UnsafeMutableRawPointer) {
    count = 16
    elements = source
    self.workspace = workspace
  }

  /// The elements of one block.
  @inline(__always)
  func block(_ b: Int) -> UnsafeRawPointer { elements + 32 &* Element.bytesPerElement &* b }

  @inline(__always)
  var multipliers: UnsafeMutablePointer<Float> {
    (workspace + 6144).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  var origins: UnsafeMutablePointer<Float> {
    (workspace + 6208).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  var halfScales: UnsafeMutablePointer<UInt16> {
    (workspace + 6272).assumingMemoryBound(to: UInt16.self)
  }
  @inline(__always)
  var halfMinima: UnsafeMutablePointer<UInt16> {
    (workspace + 6304).assumingMemoryBound(to: UInt16.self)
  }
  /// The codes of four blocks, packed: 128 bytes.
  @inline(__always)
  var codes: UnsafeMutableRawPointer { workspace + 6336 }
}

extension BlockGroup<Floats> {
  /// A copy of `count` blocks, repaired where elements are not finite.
  @inline(__always)
  init<Original: Source>(
    repairing _: Original.Type, _ source: UnsafeRawPointer, _ count: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let plain = workspace.assumingMemoryBound(to: Float.self)
    var j = 0
    while j < 2 &* count {
      f32x16_store(
        plain + 16 &* j, Original.load(source + 16 &* Original.bytesPerElement &* j))
      j &+= 1
    }
    repair(plain, count)
    self.count = count
    elements = UnsafeRawPointer(workspace)
    self.workspace = workspace
  }

  /// 32 × 16 elements, transposed: vector j holds element j of each block.
  @inline(__always)
  var originals: UnsafeMutablePointer<Float> {
    (workspace + 2048).assumingMemoryBound(to: Float.self)
  }

  /// The same, as the searches normalise them.
  @inline(__always)
  var normalized: UnsafeMutablePointer<Float> {
    (workspace + 4096).assumingMemoryBound(to: Float.self)
  }

  /// Fills ``originals``.
  @inline(__always)
  func fillColumns() {
    let floats = elements.assumingMemoryBound(to: Float.self)
    f32_transpose_16x16(floats, 32, originals)
    f32_transpose_16x16(floats + 16, 32, originals + 256)
  }
}

/// Makes NaN 0 and ±Inf the largest finite magnitude of its block, and fills up with zeros.
private func repair(_ blocks: UnsafeMutablePointer<Float>, _ count: Int) {
  var i = 32 &* count
  while i < 512 {
    blocks[i] = 0
    i &+= 1
  }
  var b = 0
  while b < count {
    let block = blocks + 32 &* b
    var largest: Float = 0
    i = 0
    while i < 32 {
      let magnitude = block[i].magnitude
      if magnitude > largest && magnitude < .infinity { largest = magnitude }
      i &+= 1
    }
    i = 0
    while i < 32 {
      let x = block[i]
      if x != x {
        block[i] = 0
      } else if x.magnitude == .infinity {
        block[i] = x < 0 ? -largest : largest
      }
      i &+= 1
    }
    b &+= 1
  }
}
