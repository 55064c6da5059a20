import KerfElements
import KerfLayouts
import Testing

@Suite struct HoldingTests {
  @Test(
    "a layout holds what can be converted to it",
    arguments: [
      ("int4_g64", [Layout.compressedTensors, .awq, .gptq]),
      ("int4_g64_zp_bf16", [.compressedTensors]), ("int4_g64_bias_bf16", [.mlx]),
      ("int8_g256_f32", [.compressedTensors, .bitsandbytes]), ("nf4_g64", [.bitsandbytes]),
      ("e2m1_g32", [.compressedTensors, .mlx]), ("int3_g48_bias", []),
    ])
  func holds(name: String, layouts: [Layout]) throws {
    guard case .group(let group)? = Format(name: name) else {
      Issue.record("\(name) is no group")
      return
    }
    #expect(
      [Layout.compressedTensors, .mlx, .bitsandbytes, .awq, .gptq].filter {
        $0.holds(group, columns: 256)
      }.sorted { $0.rawValue < $1.rawValue } == layouts.sorted { $0.rawValue < $1.rawValue })
    #expect(!Layout.gptq.holds(group, columns: 0) && !Layout.mlx.holds(group, columns: 7))
  }
}
