import KerfElements
import Testing

@Suite struct FormatTests {
  @Test("names are found whatever their case")
  func names() {
    #expect(Format(name: "Q4_0") == .q4_0)
    #expect(Format(name: "q4_k") == .q4_K)
    #expect(Format(name: "BF16") == .bf16)
    #expect(Format(name: "q4") == nil)
    #expect(Set(Format.allCases.map { $0.name.lowercased() }).count == Format.allCases.count)
  }

  @Test(
    "bits per weight are the field's",
    arguments: [
      (Format.q8_0, 8.5), (.q4_0, 4.5), (.q4_1, 5), (.q5_0, 5.5), (.q5_1, 6), (.f16, 16),
      (.q2_K, 2.625), (.q3_K, 3.4375), (.q4_K, 4.5), (.q5_K, 5.5), (.q6_K, 6.5625),
      (.iq4_xs, 4.25), (.tq1_0, 1.6875), (.tq2_0, 2.0625), (.mxfp4, 4.25), (.nvfp4, 4.5), (.f4, 4),
    ])
  func bitsPerWeight(format: Format, bits: Double) {
    #expect(format.bitsPerWeight == bits)
  }

  @Test("byte counts know blocks and overflow")
  func byteCounts() {
    #expect(Format.q4_0.byteCount(forColumns: 64) == 36)
    #expect(Format.q4_0.byteCount(forColumns: 33) == nil)
    #expect(Format.q4_0.byteCount(for: [3, 32]) == 54)
    #expect(Format.f32.byteCount(for: []) == 4)
    #expect(Format.f32.byteCount(for: [0, 7]) == 0)
    #expect(Format.f32.byteCount(for: [1 << 61]) == nil)
  }

  @Test("shapes refuse what cannot be counted")
  func shapes() {
    #expect(Shape([1 << 40, 1 << 40]) == nil)
    #expect(Shape([0, 1 << 40, 1 << 40]) == nil)
    #expect(Shape([-1, 2]) == nil)
    #expect(Shape([2, 3, 4])?.count == 24)
    #expect(Shape([2, 3, 4])?.rows == 6)
    #expect(Shape([])?.count == 1)
    #expect(Shape([0, 5])?.rows == 0)
  }
}
