internal import KerfCodecs
public import KerfElements
internal import KerfMatmul

/// What is to be measured: formats × layers × rows of activations × cores × threads.
public struct MatmulBenchmark: Sendable {
  /// What computes.
  public enum Core: String, Sendable, Hashable, CaseIterable {
    /// Kerf's product in integers, of packed weights.
    case integer
    /// Kerf's product through OpenBLAS, of weights as files have them.
    case openblas
    /// OpenBLAS alone, of weights that are f32: the yardstick of the others.
    case f32
  }

  /// A layer: weights of `n` rows and `k` columns.
  public struct Layer: Sendable, Hashable {
    /// Rows of the weights.
    public var n: Int
    /// Columns of the weights.
    public var k: Int

    /// A layer of `n` rows and `k` columns.
    public init(n: Int, k: Int) {
      self.n = n
      self.k = k
    }

    /// Those of a common transformer with 7 to 8 billion parameters.
    public static let usual = [
      Layer(n: 4096, k: 4096), Layer(n: 4096, k: 14336), Layer(n: 14336, k: 4096),
    ]
  }

  /// Formats that `matmul` is measured with by default: those of the integer core.
  public static let usualFormats =
    ["q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "int8_channel", "int4_g128", "int4_g64"]
    .compactMap { FormatName($0) }

  /// Formats of the weights.
  public var formats = MatmulBenchmark.usualFormats
  /// Shapes of the weights.
  public var layers = Layer.usual
  /// Rows of activations: 1 is what one token takes, 512 a prompt.
  public var rows = [1, 8, 32, 512]
  /// What computes; `f32` is what the others' ratios are made of.
  public var cores = Core.allCases
  /// Numbers of threads.
  public var threads = [Threads.defaultCount]
  /// How long each figure is measured, in seconds; at least three turns.
  public var seconds = 0.5

  /// The usual measurement.
  public init() {}

  /// Whether this build can multiply through OpenBLAS, and the system has it.
  public static var hasOpenBLAS: Bool { SgemmYardstick.isAvailable }
}
