// swift-format-ignore-file: AlwaysUseLowerCamelCase
// q5_0: 32 elements in 22 bytes, 5.5 bits per weight.
//
//     f16 d | u32: bit i is the fifth bit of q[i] | 16 bytes of nibbles as in q4_0
//     y = (q − 16) · d
//
// What it shares with q4_0 is in `SymmetricFormat.swift`.

internal import CVectors

enum Q5_0: SymmetricFormat {
  typealias Codes = FiveBits
  typealias Grid = Integers<-16, 15>
  static let bytesPerBlock = 22
  @inline(__always) static var zero: Int32 { 16 }
  @inline(__always)
  static var axis: CodeAxis { CodeAxis(lowest: -16, highest: 15, fractionBits: 10) }

  @inline(__always)
  static var positions: InlineArray<8, Int16> {
    axis.places([13.1, 14.1, 14.8, 15.2, 15.75, 15.95, 16.2, 16.45])
  }
  @inline(__always) static var clampedFrom: Int { 4 }
  @inline(__always) static var clamping: Clamping { .above }

  enum WeightedCandidates: Placements {
    @inline(__always) static var count: Int { 16 }
    @inline(__always) static var countWithin: Int { 6 }
    @inline(__always)
    static func place(_ candidate: Int) -> Float {
      let places: InlineArray<16, Float> = [
        11, 12, 13, 14, 14.6, 15, 15.4, 16.8, -15.8, -16.2, -16.6, -17.2, -17.8, -18.6, -19.8,
        -21.6,
      ]
      return places[candidate]
    }
  }
}
