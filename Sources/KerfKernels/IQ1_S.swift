// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq1_s: 256 elements in 50 bytes, 1.5625 bits per weight.
//
//     f16 d | 32 bytes: lower 8 bits of entries of eight elements
//     | 8 × u16: four times upper 3 bits, 3 bits s, 1 bit: whether the shift t of ⅛ is negative
//     y = (number + t) · d · (2 s + 1)

internal import CVectors
internal import KerfElements

enum IQ1_S: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 50 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 4 &* g
    let upper = block.word(34 &+ 2 &* g)
    let scale = d * Float(2 &* (upper &>> 12 & 7) &+ 1)
    let shift: Float = upper &>> 15 == 0 ? 0.125 : -0.125
    @inline(__always) func entry(_ i: Int) -> UInt32 {
      at.byte(i) | (upper &>> UInt32(3 &* i) & 7) &<< 8
    }
    return (
      iq1_numbers(entry(0), entry(1), shift, shift) * scale,
      iq1_numbers(entry(2), entry(3), shift, shift) * scale
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
