import KerfElements
import KerfPlanning
import Testing

@Suite struct FormatNameTests {
  @Test(
    "names are read whatever their case, and written as the field has them",
    arguments: [
      ("q4_k", "q4_K"), ("F16", "f16"), ("int4_G64_zp", "int4_g64_zp"),
      ("INT8_Channel", "int8_channel"), ("int4_channel_bias_bf16", "int4_channel_bias_bf16"),
      ("e4m3_channel", "e4m3_channel"), ("nf4_channel_f32", "nf4_channel"),
    ])
  func names(text: String, name: String) {
    #expect(FormatName(text)?.description == name)
  }

  @Test(
    "what is no format is none",
    arguments: [
      "", "channel", "q4_0_channel", "int9_channel", "nf4_channel_zp", "int4_channel_",
      "int4_channel_g64",
    ])
  func refused(text: String) { #expect(FormatName(text) == nil) }

  @Test("a channel is groups as long as a row")
  func channels() throws {
    let name = try #require(FormatName("int4_channel_zp"))
    let format = try #require(name.format(columns: 4096))
    #expect(format.name == "int4_g4096_zp" && name.isEncodable)
    // Codes of a group end on a byte, and what cannot be so is stored as f16.
    #expect(name.format(columns: 3) == nil && name.fitting([2, 3]) == .f16)
    #expect(name.format(columns: 0) == nil)
    let bias = try #require(FormatName("int4_channel_bias"))
    #expect(bias.fitting([2, 32]).name == "int4_g32_bias" && bias.fitting([2, 24]) == .f16)
    #expect(FormatName("e4m3_channel_e8m0")?.isEncodable == true)
    #expect(FormatName("int4_channel_e8m0")?.isEncodable == false)
    #expect(FormatName("q4_K")?.fitting([2, 32]) == .q5_0)
    #expect(FormatName("q4_0")?.format(filling: 33) == nil)
  }
}
