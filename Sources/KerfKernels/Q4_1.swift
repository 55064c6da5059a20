// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q4_1: 32 elements in 20 bytes, 5 bits per weight.
//
//     f16 d | f16 m | 16 bytes: low nibble q[j], high nibble q[j + 16]        y = q · d + m
//
// What it shares with q5_1 is in `AffineFormat.swift`.

internal import CVectors

enum Q4_1: AffineFormat {
  typealias Codes = Nibbles
  static let bytesPerBlock = 20
  @inline(__always)
  static var axis: CodeAxis { CodeAxis(lowest: 0, highest: 15, fractionBits: 10) }

  @inline(__always)
  static var spans: InlineArray<16, CodeSpan> {
    [
      CodeSpan(-0.45, -0.3), CodeSpan(-0.45, 0), CodeSpan(-0.45, 0.3), CodeSpan(-0.3, 0.45),
      CodeSpan(-0.15, -0.3), CodeSpan(-0.15, 0), CodeSpan(-0.15, 0.3), CodeSpan(0, 0.45),
      CodeSpan(0.15, -0.75), CodeSpan(0.15, 0), CodeSpan(0.3, 0.15), CodeSpan(0.3, 0.45),
      CodeSpan(0.75, -0.15), CodeSpan(0.9, -0.9), CodeSpan(0.9, 0.15), CodeSpan(1.05, -0.15),
    ]
  }
}
