// Inputs that weights are made of, and those that break kernels.

import KerfReference
import Testing

/// A named row of weights.
struct Input: Sendable, CustomTestStringConvertible {
  let name: String
  let element: @Sendable (_ index: Int, _ random: inout SplitMix) -> Float
  var testDescription: String { name }

  /// `count` elements, always the same.
  func row(_ count: Int) -> [Float] {
    var random = SplitMix(seed: 7)
    return (0..<count).map { element($0, &random) }
  }

  /// Weights that importance matrices have, and those that break kernels.
  static let importance: [Input] = [
    Input(name: "squares") { _, random in
      let x = random.normal()
      return x * x
    },
    Input(name: "one of a kind") { i, _ in i % 29 == 3 ? 1000 : 0.001 },
    Input(name: "mostly zeros") { i, random in i % 300 < 40 ? abs(random.normal()) : 0 },
  ]

  static let all: [Input] = [
    Input(name: "zeros") { _, _ in 0 },
    Input(name: "negative zeros") { _, _ in -0.0 },
    Input(name: "one constant") { _, _ in -0.375 },
    Input(name: "one spike") { i, _ in i % 32 == 7 ? -3 : 0 },
    Input(name: "two equal spikes of either sign") { i, _ in
      i % 32 == 9 ? 5 : i % 32 == 3 ? -5 : 0.5
    },
    Input(name: "ramp") { i, _ in Float(i % 64) - 31.5 },
    Input(name: "plateaus") { i, _ in Float(i / 8 % 4) },
    Input(name: "normal") { _, random in random.normal() },
    Input(name: "small normal") { _, random in random.normal() * 0.02 },
    Input(name: "heavy tails") { _, random in random.normal() / max(abs(random.normal()), 0.05) },
    Input(name: "positive") { _, random in abs(random.normal()) },
    Input(name: "negative") { _, random in -abs(random.normal()) },
    Input(name: "ties") { i, _ in Float(i % 33) * 0.5 - 8 },
    Input(name: "half subnormals") { _, random in random.normal() * 1e-7 },
    Input(name: "float subnormals") { _, random in random.normal() * 0x1p-136 },
    Input(name: "smallest") { i, _ in i % 2 == 0 ? .leastNonzeroMagnitude : -.leastNonzeroMagnitude
    },
    Input(name: "beyond half") { _, random in random.normal() * 1e6 },
    Input(name: "huge") { _, random in random.normal() * 1e37 },
    Input(name: "largest") { i, _ in
      i % 3 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
    },
    Input(name: "a NaN") { i, random in i % 37 == 5 ? .nan : random.normal() },
    Input(name: "infinities") { i, random in
      i % 37 == 5 ? .infinity : i % 41 == 3 ? -.infinity : random.normal()
    },
    Input(name: "only NaN") { _, _ in .nan },
    Input(name: "only infinities") { i, _ in i % 2 == 0 ? .infinity : -.infinity },
  ]
}
