// The walk over blocks whose codes are entries of a codebook.
//
// Such formats are read, and not written yet. A block has 256 elements; 32 of them at a time share
// bytes of signs, indices and scales.

internal import CVectors
internal import KerfElements

/// A format of 256 elements per block whose elements are looked up.
protocol LookedUpFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  /// The scale of a block.
  static func scale(_ block: UnsafeRawPointer) -> Float
  /// Elements 32 · g… of a block.
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale: Float
  ) -> (low: f32x16, high: f32x16)
}

extension LookedUpFormat {
  @inline(__always)
  static func scale(_ block: UnsafeRawPointer) -> Float {
    f16_widened(block.loadUnaligned(as: UInt16.self))
  }

  /// Decodes `blocks` blocks to floats; see ``CodecKernels/Decode``.
  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let scale = scale(block)
      var g = 0
      while g < 8 {
        let (low, high) = elements(block, g, scale: scale)
        let to = target + 1024 &* b + 128 &* g
        f32x16_store(to, low)
        f32x16_store(to + 64, high)
        g &+= 1
      }
      b &+= 1
    }
  }
}

extension UnsafeRawPointer {
  /// A byte, as what indices are made of.
  @inline(__always)
  func byte(_ offset: Int) -> UInt32 { UInt32(load(fromByteOffset: offset, as: UInt8.self)) }
  @inline(__always)
  func word(_ offset: Int) -> UInt32 {
    UInt32(loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
  @inline(__always)
  func long(_ offset: Int) -> UInt32 { loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
}
