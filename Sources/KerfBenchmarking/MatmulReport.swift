public import KerfElements

/// What was measured, and on what.
///
/// Times are the best of several turns: whatever else runs on a machine only ever adds to them.
public struct MatmulReport: Sendable {
  /// One figure: a product by one core.
  public struct Row: Sendable {
    /// Format of the weights.
    public var format: Format
    /// What computed.
    public var core: MatmulBenchmark.Core
    /// Rows of activations.
    public var m: Int
    /// Shape of the weights.
    public var layer: MatmulBenchmark.Layer
    /// Threads that worked.
    public var threads: Int
    /// The time of one product.
    public var seconds: Double
    /// Bytes of the weights of one product.
    public var weightByteCount: Int
    /// Bytes of all copies of the weights, which took turns.
    public var rotatedByteCount: Int
    /// ‖Y − Y′‖ / ‖Y′‖ over sampled elements, where Y′ is the f64 product of the same activations
    /// and the weights as decoded; `nil` where it is not finite.
    public var relativeError: Double?

    /// Turns that were taken.
    public var turns: Int

    /// Multiplications and additions a second.
    public var operationsPerSecond: Double {
      2 * Double(m) * Double(layer.n) * Double(layer.k) / seconds
    }

    /// Bytes of weights a second.
    public var weightBytesPerSecond: Double { Double(weightByteCount) / seconds }
  }

  /// What was measured on.
  public var machine: MachineFacts
  /// The figures, in the order of measuring.
  public var rows: [Row]

  /// The row of f32 weights of the same shape and threads.
  public func sgemm(like row: Row) -> Row? {
    rows.first {
      $0.core == .f32 && $0.m == row.m && $0.layer == row.layer && $0.threads == row.threads
    }
  }

  /// How many times as fast as `sgemm` of f32 weights.
  public func ratioToSgemm(_ row: Row) -> Double? {
    sgemm(like: row).map { $0.seconds / row.seconds }
  }

  /// Operations, in parts of the peak of byte products on as many threads; the integer core only.
  public func ratioToDotPeak(_ row: Row) -> Double? {
    guard row.core == .integer, let peak = machine.yardsticks(row.threads) else { return nil }
    return row.operationsPerSecond / peak.dotOperationsPerSecond
  }

  /// Bytes of weights, in parts of what as many threads can read.
  public func ratioToRead(_ row: Row) -> Double? {
    machine.yardsticks(row.threads).map { row.weightBytesPerSecond / $0.readBytesPerSecond }
  }

  /// Whether weights came from memory rather than from a cache.
  public func isFromMemory(_ row: Row) -> Bool { row.rotatedByteCount > machine.cacheByteCount }
}

/// The machine, and what it can do at best.
public struct MachineFacts: Sendable {
  /// What as many threads reached, the best of several turns.
  public struct Yardsticks: Sendable {
    /// Threads that worked.
    public var threads: Int
    /// Multiplications and additions of bytes, in registers.
    public var dotOperationsPerSecond: Double
    /// Multiplications and additions of floats, in registers.
    public var floatOperationsPerSecond: Double
    /// Bytes read from memory.
    public var readBytesPerSecond: Double
    /// Bytes copied from memory to memory by the C library.
    public var copyBytesPerSecond: Double
  }

  /// The processor's name, as it says itself.
  public var processor: String
  /// Processors that the process may run on.
  public var processorCount: Int
  /// The kernels that ran.
  public var instructionSet: InstructionSet
  /// The instructions of the peak of byte products.
  public var dotInstructions: String
  /// Bytes of the last-level cache, or what is assumed where the system does not say.
  public var cacheByteCount: Int
  /// Bytes that were read for the bandwidth.
  public var readByteCount: Int
  /// The kernels that OpenBLAS ran; `nil` where it did not.
  public var openBLAS: String?
  /// Those that OpenBLAS had chosen itself, where Kerf chose better ones.
  public var replacedOpenBLAS: String?
  /// For each number of threads.
  public var yardsticks: [Yardsticks]

  /// The yardsticks of that many threads.
  public func yardsticks(_ threads: Int) -> Yardsticks? {
    yardsticks.first { $0.threads == threads }
  }
}
