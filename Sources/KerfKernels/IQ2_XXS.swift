// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq2_xxs: 256 elements in 66 bytes, 2.0625 bits per weight.
//
//     f16 d | 8 × { 4 bytes: entries of eight elements | u32: four times 7 bits of signs, 4 bits s }
//     y = ±number · d · (s + ½) / 4

internal import CVectors
internal import KerfElements

enum IQ2_XXS: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 66 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 8 &* g
    let last = at.long(4)
    let signs = u28_signs(last)
    let scale = d * (0.5 + Float(last &>> 28)) * 0.25
    return (
      iq2_xxs_numbers(at.byte(0), at.byte(1), signs) * scale,
      iq2_xxs_numbers(at.byte(2), at.byte(3), signs &>> 16) * scale
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
