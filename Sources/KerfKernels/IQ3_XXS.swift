// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq3_xxs: 256 elements in 98 bytes, 3.0625 bits per weight.
//
//     f16 d | 64 bytes: entries of four elements | 8 × u32: four times 7 bits of signs, 4 bits s
//     y = ±number · d · (s + ½) / 2

internal import CVectors
internal import KerfElements

enum IQ3_XXS: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 98 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 8 &* g
    let last = block.long(66 &+ 4 &* g)
    let signs = u28_signs(last)
    let scale = d * (0.5 + Float(last &>> 28)) * 0.5
    return (
      iq3_xxs_numbers(at.byte(0), at.byte(1), at.byte(2), at.byte(3), signs) * scale,
      iq3_xxs_numbers(at.byte(4), at.byte(5), at.byte(6), at.byte(7), signs &>> 16) * scale
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
