// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq2_xs: 256 elements in 74 bytes, 2.3125 bits per weight.
//
//     f16 d | 32 × u16: 9 bits of entry, 7 bits of signs | 16 × 4 bits s, one for sixteen elements
//     y = ±number · d · (s + ½) / 4

internal import CVectors
internal import KerfElements

enum IQ2_XS: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 74 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 8 &* g
    let (e, f, h, i) = (at.word(0), at.word(2), at.word(4), at.word(6))
    let signs = u28_signs(e &>> 9 | (f &>> 9) &<< 7 | (h &>> 9) &<< 14 | (i &>> 9) &<< 21)
    let s = block.byte(66 &+ g)
    return (
      iq2_xs_numbers(e & 511, f & 511, signs) * (d * (0.5 + Float(s & 15)) * 0.25),
      iq2_xs_numbers(h & 511, i & 511, signs &>> 16) * (d * (0.5 + Float(s &>> 4)) * 0.25)
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
