import KerfCodecs
import Testing

@Suite struct NestedScalesTests {
  /// Seven hundred scales, a few of them far above the others.
  private static let scales: [Float] = (0..<700).map { (i: Int) -> Float in
    Float(i * 7919 % 1009) / 8192 + (i % 97 == 0 ? 0.25 : 0)
  }

  private func hash(_ words: some Sequence<UInt32>) -> UInt32 { words.reduce(0) { $0 &* 31 &+ $1 } }

  @Test("numbers, codes and values are those of bitsandbytes")
  func reference() {
    #expect(hash(NestedScales.numbers.map(\.bitPattern)) == 2_755_750_508)
    let nested = NestedScales(Self.scales)
    #expect(nested.offset == 0x1.078a6cp-4)
    #expect(nested.largest == [0x1.079d64p-2, 0x1.2c5d64p-2, 0x1.1c7d64p-2])
    #expect(nested.codes.prefix(8) == [235, 194, 185, 159, 77, 61, 56, 198])
    #expect(hash(nested.codes.map { UInt32($0) }) == 1_391_512_540)
    #expect(hash(nested.values.map(\.bitPattern)) == 1_287_937_885)
  }

  @Test("values are near the scales, whatever their sign")
  func error() {
    let signed = Self.scales.enumerated().map { $0 % 3 == 0 ? -$1 : $1 }
    for scales in [Self.scales, signed, Self.scales.map { $0 * 1e30 }, [0.5], [-3, 3]] {
      let nested = NestedScales(scales)
      for (i, (x, y)) in zip(scales, nested.values).enumerated() {
        #expect((x - y).magnitude <= 0.0075 * nested.largest[i / NestedScales.length])
      }
    }
  }

  @Test("no scales, and scales that are all alike")
  func edges() {
    #expect(NestedScales([]).codes.isEmpty && NestedScales([]).offset == 0)
    for scale in [0, 0.125, -7] as [Float] {
      let nested = NestedScales([Float](repeating: scale, count: 300))
      #expect(nested.values.allSatisfy { $0 == scale })
    }
    let nested = NestedScales(Self.scales)
    #expect(
      NestedScales(codes: nested.codes, largest: nested.largest, offset: nested.offset) == nested)
  }
}
