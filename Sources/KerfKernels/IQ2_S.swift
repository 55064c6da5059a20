// swift-format-ignore-file: AlwaysUseLowerCamelCase
// iq2_s: 256 elements in 82 bytes, 2.5625 bits per weight.
//
//     f16 d | 32 bytes: lower 8 bits of entries | 32 bytes of signs | 8 bytes: upper 2 bits of entries
//     | 16 × 4 bits s, one for sixteen elements
//     y = ±number · d · (s + ½) / 4

internal import CVectors
internal import KerfElements

enum IQ2_S: LookedUpFormat {
  @inline(__always) static var bytesPerBlock: Int { 82 }

  @inline(__always)
  static func elements(
    _ block: UnsafeRawPointer, _ g: Int, scale d: Float
  ) -> (low: f32x16, high: f32x16) {
    let at = block + 2 + 4 &* g
    let upper = block.byte(66 &+ g)
    let signs = at.long(32)
    let s = block.byte(74 &+ g)
    @inline(__always) func entry(_ i: Int) -> UInt32 {
      at.byte(i) | (upper &>> UInt32(2 &* i) & 3) &<< 8
    }
    return (
      iq2_s_numbers(entry(0), entry(1), signs) * (d * (0.5 + Float(s & 15)) * 0.25),
      iq2_s_numbers(entry(2), entry(3), signs &>> 16) * (d * (0.5 + Float(s &>> 4)) * 0.25)
    )
  }

  static let kernels = CodecKernels(decode: { decode($0, $1, $2) })
}
