// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq1_m: 256 elements in 56 bytes, 1.75 bits per weight.
//
//     32 bytes: lower 8 bits of entries of eight elements
//     | 32 × 4 bits: upper 3 bits, 1 bit: whether the shift t of ⅛ is negative
//     | 4 × u16: four times 3 bits s, one for sixteen elements, and 4 bits of f16 d, lowest first
//     y = (number + t) · d · (2 s + 1)

internal import CVectors
internal import KerfElements

enum IQ1_M: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 56 }

  @inline(__always)
  static func scale(_ block: UnsafeRawPointer) -> Float {
    let (a, b, c, d) = (block.word(48), block.word(50), block.word(52), block.word(54))
    return f16_widened(
      UInt16(
        truncatingIfNeeded: a &>> 12 | (b &>> 12) &<< 4 | (c &>> 12) &<< 8 | (d &>> 12) &<< 12))
  }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 4 &* g
    let upper = block.word(32 &+ 2 &* g)
    let s = block.word(48 &+ g & ~1) &>> UInt32(6 &* (g & 1))
    @inline(__always) func entry(_ i: Int) -> UInt32 {
      at.byte(i) | (upper &>> UInt32(4 &* i) & 7) &<< 8
    }
    @inline(__always) func shift(_ i: Int) -> Float {
      upper &>> UInt32(4 &* i &+ 3) & 1 == 0 ? 0.125 : -0.125
    }
    return (
      iq1_numbers(entry(0), entry(1), shift(0), shift(1)) * (d * Float(2 &* (s & 7) &+ 1)),
      iq1_numbers(entry(2), entry(3), shift(2), shift(3)) * (d * Float(2 &* (s &>> 3 & 7) &+ 1))
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
