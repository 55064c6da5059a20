import KerfElements
import KerfPlanning
import Testing

@Suite struct FormatMixTests {
  private let tensors = [
    TensorSummary(name: "a.weight", shape: [64, 256], format: .f16),
    TensorSummary(name: "b.weight", shape: [64, 256], format: .f16),
    TensorSummary(name: "norm.weight", shape: [64], format: .f32),
  ]

  private func mix(_ names: [String], _ shape: Shape = [64, 256]) -> FormatMix {
    FormatMix(
      zip(names, [Format.q4_K, .q6_K]).map { .init(name: $0, shape: shape, format: $1) }
        + [.init(name: "norm.weight", shape: [64], format: .f32)])
  }

  @Test("every tensor takes what the mix says, whatever the order")
  func choices() throws {
    for (names, expected) in [
      (["a.weight", "b.weight"], [Format.q4_K, .q6_K, .f32]),
      (["b.weight", "a.weight"], [.q6_K, .q4_K, .f32]),
    ] {
      let choices = try FormatPlan(target: .mix(mix(names))).choices(for: tensors)
      #expect(choices.map(\.format) == expected)
      #expect(choices.allSatisfy { !$0.isFallback })
    }
  }

  @Test("a rule wins over the mix")
  func rule() throws {
    let plan = FormatPlan(
      target: .mix(mix(["a.weight", "b.weight"])), rules: [try FormatRule("^b=q8_0")])
    #expect(try plan.choices(for: tensors).map(\.format) == [.q4_K, .q8_0, .f32])
  }

  @Test("a mix of other tensors is refused")
  func others() throws {
    for mix in [
      mix(["a.weight", "c.weight"]), mix(["a.weight"]), mix(["a.weight", "b.weight"], [64, 512]),
      mix(["a.weight", "a.weight"]), FormatMix([]),
      FormatMix(
        mix(["a.weight", "b.weight"]).entries + [.init(name: "x", shape: [1], format: .f32)]),
    ] {
      #expect(throws: PlanError.self) { try FormatPlan(target: .mix(mix)).choices(for: tensors) }
    }
  }

  @Test("what most elements take gives the mix its name")
  func most() {
    #expect(mix(["a.weight", "b.weight"]).format == .q4_K)
    #expect(FormatMix([]).format == .f32)
  }
}
