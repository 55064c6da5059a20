// What blocks are encoded from and decoded to: floats, or half words that are widened and narrowed
// on the way.
//
// A half word's largest and smallest elements are found among the half words themselves, twice as
// many to a vector.

internal import CVectors

/// A type of elements in memory, one after another; no pointer needs alignment.
protocol Scalar: SendableMetatype {
  static var bytesPerElement: Int { get }
  /// Sixteen elements, and one.
  static func load(_ elements: UnsafeRawPointer) -> f32x16
  static func loadOne(_ element: UnsafeRawPointer) -> Float
  /// Each the nearest that the type has.
  static func store(_ elements: UnsafeMutableRawPointer, _ values: f32x16)
  static func storeOne(_ element: UnsafeMutableRawPointer, _ value: Float)
}

/// Elements that stand in blocks of 32, to be encoded.
protocol Source: Scalar {
  /// Asks for a block that is going to be read.
  static func prefetchBlock(_ block: UnsafeRawPointer)

  // Of sixteen blocks, a lane each.

  /// Whether no element is NaN or infinite. The answer may also be yes where that shows in the
  /// figures below: they are not finite then.
  static func areFinite(_ blocks: UnsafeRawPointer) -> Bool
  /// max |x|
  static func magnitudes(_ blocks: UnsafeRawPointer) -> f32x16
  /// max x and min x; of a zero, either sign.
  static func extremes(_ blocks: UnsafeRawPointer) -> (maxima: f32x16, minima: f32x16)
  /// The element of largest magnitude; bits are set where it is there with either sign.
  static func signedLargest(_ blocks: UnsafeRawPointer) -> (largest: f32x16, ties: UInt32)
}

enum Floats: Source {
  @inline(__always) static var bytesPerElement: Int { 4 }
  @inline(__always) static func load(_ x: UnsafeRawPointer) -> f32x16 { f32x16_load(x) }
  @inline(__always)
  static func loadOne(_ x: UnsafeRawPointer) -> Float { x.loadUnaligned(as: Float.self) }
  @inline(__always)
  static func store(_ x: UnsafeMutableRawPointer, _ values: f32x16) { f32x16_store(x, values) }
  @inline(__always)
  static func storeOne(_ x: UnsafeMutableRawPointer, _ value: Float) {
    x.storeBytes(of: value, as: Float.self)
  }

  @inline(__always)
  static func prefetchBlock(_ block: UnsafeRawPointer) {
    bytes_prefetch(block)
    bytes_prefetch(block + 64)
  }

  @inline(__always)
  static func areFinite(_ x: UnsafeRawPointer) -> Bool {
    var taints = InlineArray<4, f32x16>(repeating: f32x16(repeating: 0))
    for j in 0..<8 {
      for c in 0..<4 {
        taints[c] = f32x16_tainted(taints[c], f32x16_load(x + 256 &* j + 64 &* c))
      }
    }
    let taint = (taints[0] + taints[1]) + (taints[2] + taints[3])
    return f32x16_equal_bits(taint, taint) == 0xFFFF
  }

  @inline(__always)
  static func magnitudes(_ x: UnsafeRawPointer) -> f32x16 { f32_block_magnitudes(x) }
  @inline(__always)
  static func extremes(_ x: UnsafeRawPointer) -> (maxima: f32x16, minima: f32x16) {
    (f32_block_maxima(x), f32_block_minima(x))
  }
  @inline(__always)
  static func signedLargest(_ x: UnsafeRawPointer) -> (largest: f32x16, ties: UInt32) {
    let (maxima, minima) = extremes(x)
    return (
      f32x16_where_at_least(maxima, 0 - minima, maxima, minima),
      f32x16_equal_bits(maxima, 0 - minima)
    )
  }
}

/// f16 and bf16: a sign, and bits that order like the magnitude.
protocol HalfWords: Source {
  static func widened(_ x: u16x16) -> f32x16
  static func widened(one x: UInt16) -> Float
  static func narrowed(_ x: f32x16) -> u16x16
  static func narrowed(one x: Float) -> UInt16
}

extension HalfWords {
  @inline(__always) static var bytesPerElement: Int { 2 }
  @inline(__always)
  static func load(_ x: UnsafeRawPointer) -> f32x16 { widened(u16x16_load(x)) }
  @inline(__always)
  static func loadOne(_ x: UnsafeRawPointer) -> Float {
    widened(one: x.loadUnaligned(as: UInt16.self))
  }
  @inline(__always)
  static func store(_ x: UnsafeMutableRawPointer, _ values: f32x16) {
    u16x16_store(x, narrowed(values))
  }
  @inline(__always)
  static func storeOne(_ x: UnsafeMutableRawPointer, _ value: Float) {
    x.storeBytes(of: narrowed(one: value), as: UInt16.self)
  }
  @inline(__always)
  static func prefetchBlock(_ block: UnsafeRawPointer) { bytes_prefetch(block) }

  // As integers, NaN and the infinities are beyond all other elements.
  @inline(__always) static func areFinite(_ x: UnsafeRawPointer) -> Bool { true }
  @inline(__always)
  static func magnitudes(_ x: UnsafeRawPointer) -> f32x16 { widened(u16_block_magnitudes(x)) }
  @inline(__always)
  static func extremes(_ x: UnsafeRawPointer) -> (maxima: f32x16, minima: f32x16) {
    var minima = u16x16()
    let maxima = u16_block_maxima(x, &minima)
    return (widened(maxima), widened(minima))
  }
  @inline(__always)
  static func signedLargest(_ x: UnsafeRawPointer) -> (largest: f32x16, ties: UInt32) {
    var ties: UInt32 = 0
    let largest = u16_block_signed_largest(x, &ties)
    return (widened(largest), ties)
  }
}

enum Halves: HalfWords {
  @inline(__always) static func widened(_ x: u16x16) -> f32x16 { f16x16_widened(x) }
  @inline(__always) static func widened(one x: UInt16) -> Float { f16_widened(x) }
  @inline(__always) static func narrowed(_ x: f32x16) -> u16x16 { f32x16_narrowed_f16(x) }
  @inline(__always) static func narrowed(one x: Float) -> UInt16 { f16_narrowed(x) }
}

enum BrainHalves: HalfWords {
  @inline(__always) static func widened(_ x: u16x16) -> f32x16 { bf16x16_widened(x) }
  @inline(__always) static func widened(one x: UInt16) -> Float { bf16_widened(x) }
  @inline(__always) static func narrowed(_ x: f32x16) -> u16x16 { f32x16_narrowed_bf16(x) }
  @inline(__always) static func narrowed(one x: Float) -> UInt16 { bf16_narrowed(x) }
}
