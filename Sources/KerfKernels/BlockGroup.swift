// Sixteen blocks of 32 elements, and the scratch to work on them.
//
//     workspace   0      2048       4096        6144         6208      6272         6304
//                 plain  originals  normalized  multipliers  origins   half scales  half minima

internal import CVectors

/// Up to sixteen blocks, their elements finite and, where there are fewer blocks, followed by zeros.
struct BlockGroup {
  /// How many of the sixteen blocks there are.
  let count: Int
  /// 16 × 32 elements, block after block.
  let elements: UnsafePointer<Float>
  private let workspace: UnsafeMutableRawPointer

  @inline(__always)
  init(_ source: UnsafePointer<Float>, _ count: Int, _ workspace: UnsafeMutableRawPointer) {
    self.count = count
    self.workspace = workspace
    if count == 16 && BlockGroup.isFinite(source) {
      elements = source
    } else {
      elements = repaired(source, count, workspace.assumingMemoryBound(to: Float.self))
    }
  }

  /// Whether none of 512 elements is NaN or infinite.
  @inline(__always)
  private static func isFinite(_ source: UnsafePointer<Float>) -> Bool {
    var taints = InlineArray<4, f32x16>(repeating: f32x16(repeating: 0))
    for j in 0..<8 {
      for c in 0..<4 {
        taints[c] = f32x16_tainted(taints[c], f32x16_load(source + 64 &* j + 16 &* c))
      }
    }
    let taint = (taints[0] + taints[1]) + (taints[2] + taints[3])
    return f32x16_equal_bits(taint, taint) == 0xFFFF
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
    f32_transpose_16x16(elements, 32, originals)
    f32_transpose_16x16(elements + 16, 32, originals + 256)
  }

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
}

/// A copy with zeros after the last block, NaN read as 0, and ±Inf as the largest finite magnitude
/// of its block.
private func repaired(
  _ source: UnsafePointer<Float>, _ count: Int, _ target: UnsafeMutablePointer<Float>
) -> UnsafePointer<Float> {
  var b = 0
  while b < 16 {
    let block = target + 32 &* b
    var largest: Float = 0
    var i = 0
    while i < 32 {
      let x = b < count ? source[32 &* b &+ i] : 0
      block[i] = x
      if x.magnitude > largest && x.magnitude < .infinity { largest = x.magnitude }
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
  return UnsafePointer(target)
}
