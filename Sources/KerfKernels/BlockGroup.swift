// Sixteen blocks of 32 elements, and the scratch to work on them.
//
//     workspace   0      2048           4096   5120   6144
//                 plain  another plain  words  pairs  differences
//                 7168         7232     7296    7360            7552              7744
//                 normalizers  origins  ratios  lanes of a fit  lanes of another  codes
//
//     lanes       0            64       128          160
//                 multipliers  origins  half scales  half minima

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

  /// Room for one fit, or for another.
  @inline(__always)
  func lanes(_ i: Int) -> FitLanes { FitLanes(memory: workspace + 7360 + 192 &* i) }

  /// The codes of four blocks, packed: 128 bytes.
  @inline(__always)
  var codes: UnsafeMutableRawPointer { workspace + 7744 }
}

extension BlockGroup<Floats> {
  /// A copy of `count` blocks, repaired where elements are not finite, in one of two slots.
  @inline(__always)
  init<Original: Source>(
    repairing _: Original.Type, _ source: UnsafeRawPointer, _ count: Int, slot: Int = 0,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let plain = (workspace + 2048 &* slot).assumingMemoryBound(to: Float.self)
    var j = 0
    while j < 2 &* count {
      f32x16_store(
        plain + 16 &* j, Original.load(source + 16 &* Original.bytesPerElement &* j))
      j &+= 1
    }
    while j < 32 {
      f32x16_store(plain + 16 &* j, f32x16(repeating: 0))
      j &+= 1
    }
    repair(plain, 32 &* count, 32)
    self.count = count
    elements = UnsafeRawPointer(plain)
    self.workspace = workspace
  }

  /// 16 × 32 words, block after block.
  @inline(__always)
  var words: UnsafeMutableRawPointer { workspace + 4096 }

  /// The same, transposed: vector j holds the pair of words j of each block.
  @inline(__always)
  var pairs: UnsafeMutableRawPointer { workspace + 5120 }

  /// 16 × 16 floats, block after block, that tell which of two fits is the better one.
  @inline(__always)
  var differences: UnsafeMutablePointer<Float> {
    (workspace + 6144).assumingMemoryBound(to: Float.self)
  }

  /// What makes words of a block's elements.
  @inline(__always)
  var normalizers: UnsafeMutablePointer<Float> {
    (workspace + 7168).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  var origins: UnsafeMutablePointer<Float> {
    (workspace + 7232).assumingMemoryBound(to: Float.self)
  }

  /// Of the squared scales of the two fits.
  @inline(__always)
  var ratios: UnsafeMutablePointer<Float> {
    (workspace + 7296).assumingMemoryBound(to: Float.self)
  }
}
