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

@Suite struct GroupFormatTests {
  @Test(
    "bytes and bits are those of runtimes",
    arguments: [
      ("int4_g64", 34, 4.25), ("int4_g32_bf16", 18, 4.5), ("int4_g128_zp", 67, 4.15625),
      ("int4_g64_bias", 36, 4.5), ("int3_g64_bias_f32", 32, 4.0), ("int8_g4096", 4098, 8.00390625),
      ("nf4_g64", 36, 4.5), ("fp4_g64", 36, 4.5), ("e2m1_g32", 17, 4.25),
      ("e2m1_g16_e4m3", 9, 4.5), ("e4m3_g32_e8m0", 33, 8.25), ("e4m3_g4096", 4100, 8.0078125),
    ])
  func geometry(name: String, bytes: Int, bits: Double) throws {
    let format = try #require(Format(name: name))
    #expect(format.name == name)
    #expect(Format(name: name.uppercased()) == format)
    #expect(format.bytesPerBlock == bytes)
    #expect(format.bitsPerWeight == bits)
    #expect(format.kind == .block)
  }

  @Test("lengths that end on blocks of both")
  func lengths() throws {
    let channel = try #require(Format(name: "int8_g384"))
    #expect(Format.length(about: 4096, of: [.f32, .q4_K]) == 4096)
    #expect(Format.length(about: 4096, of: [channel]) == 3840)
    #expect(Format.length(about: 4096, of: [channel, .q4_K]) == 3840)
    #expect(Format.length(about: 256, of: [channel, .q8_0]) == 384)
  }

  @Test(
    "what is no format",
    arguments: [
      "int4", "int4_64", "int4_g", "int4_g0", "int4_g-8", "int1_g64", "int9_g64", "int4_g3",
      "int4_g64_", "int4_g64_zp_zp", "int4_g64_f16_zp", "nf4_g64_zp", "int4_g99999999999",
      "int4_g64_q8", "_g64", "", "int04_g64",
    ])
  func noFormat(name: String) { #expect(Format(name: name) == nil) }
}
