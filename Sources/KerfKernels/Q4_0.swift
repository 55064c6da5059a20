// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q4_0: 32 elements in 18 bytes, 4.5 bits per weight.
//
//     f16 d | 16 bytes: low nibble q[j], high nibble q[j + 16]        y = (q − 8) · d
//
// What it shares with q5_0 is in `SymmetricFormat.swift`.

internal import CVectors

enum Q4_0: SymmetricFormat {
  typealias Codes = Nibbles
  typealias Grid = Integers<-8, 7>
  static let bytesPerBlock = 18
  @inline(__always) static var zero: Int32 { 8 }
  @inline(__always)
  static var axis: CodeAxis { CodeAxis(lowest: -8, highest: 7, fractionBits: 11) }

  @inline(__always)
  static var positions: InlineArray<8, Int16> {
    axis.places([6.2, 6.9, 7.2, 7.4, 7.75, 8.15, 8.45, 8.85])
  }
  @inline(__always) static var clampedFrom: Int { 4 }
  @inline(__always) static var clamping: Clamping { .both }

  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 4 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<16, Float> = [
        5.1, 6.1, 6.8, 7.2, 8.2, 8.8, 9.9, -7.7, -8, -8.3, -8.7, -9.1, -9.6, -10.1, -10.9, -12,
      ]
      return places[candidate]
    }
  }
}
