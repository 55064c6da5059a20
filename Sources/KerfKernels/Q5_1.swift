// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q5_1: 32 elements in 24 bytes, 6 bits per weight.
//
//     f16 d | f16 m | u32: bit i is the fifth bit of q[i] | 16 bytes of nibbles as in q4_0
//     y = q · d + m
//
// What it shares with q4_1 is in `AffineFormat.swift`.

internal import CVectors

enum Q5_1: AffineFormat {
  typealias Codes = FiveBits
  static let bytesPerBlock = 24
  @inline(__always)
  static var axis: CodeAxis { CodeAxis(lowest: 0, highest: 31, fractionBits: 9) }

  @inline(__always)
  static var spans: InlineArray<16, CodeSpan> {
    [
      CodeSpan(-0.4, 0), CodeSpan(-0.4, -0.2), CodeSpan(-0.2, 0.2), CodeSpan(-0.2, -0.8),
      CodeSpan(-0.2, -1.2), CodeSpan(-0.2, -2.2), CodeSpan(0, 0.4), CodeSpan(0, -0.2),
      CodeSpan(0, -1), CodeSpan(0, -2), CodeSpan(0, -3), CodeSpan(0.2, 0.4),
      CodeSpan(0.2, 0), CodeSpan(0.2, -0.8), CodeSpan(0.2, -1.8), CodeSpan(1, -3),
    ]
  }
}
