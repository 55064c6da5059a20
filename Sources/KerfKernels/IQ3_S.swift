// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq3_s: 256 elements in 110 bytes, 3.4375 bits per weight.
//
//     f16 d | 64 bytes: lower 8 bits of entries of four elements | 8 bytes: their ninth bits
//     | 32 bytes of signs | 8 × 4 bits s, one for 32 elements
//     y = ±number · d · (2 s + 1)

internal import CVectors
internal import KerfElements

enum IQ3_S: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 110 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 8 &* g
    let ninth = block.byte(66 &+ g)
    let signs = block.long(74 &+ 4 &* g)
    let s = block.byte(106 &+ g / 2) &>> UInt32(4 &* (g & 1)) & 15
    let scale = d * Float(2 &* s &+ 1)
    @inline(__always) func entry(_ i: Int) -> UInt32 {
      at.byte(i) | (ninth &>> UInt32(i) & 1) &<< 8
    }
    return (
      iq3_s_numbers(entry(0), entry(1), entry(2), entry(3), signs) * scale,
      iq3_s_numbers(entry(4), entry(5), entry(6), entry(7), signs &>> 16) * scale
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
