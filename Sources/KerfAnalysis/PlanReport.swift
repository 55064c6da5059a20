public import KerfCheckpoints
public import KerfElements
public import KerfMetrics
public import KerfPlanning

/// A format for every tensor, and what that takes and costs.
///
/// Every table and JSON of a plan is made from this value.
public struct PlanReport: Sendable {
  /// What weights must keep to.
  public var budget: Budget
  /// The budget in bytes: bits per weight are those of all tensors.
  public var budgetByteCount: Int
  /// The least that the budget could be for anything to fit, in its own bytes.
  public var smallestByteCount: Int
  /// Whether anything does; if not, the plan is the smallest that there is, and its losses are
  /// absent.
  public var fits: Bool
  /// The kind of file that the plan is for.
  public var container: Container
  /// Whether such a file can hold quantized blocks.
  public var holdsBlocks: Bool { container != .safetensors }
  /// How codes and scales are chosen.
  public var rounding: Rounding
  /// A row for every tensor in file order, with the losses that were measured; those of a sample
  /// are estimates for the whole tensor.
  public var losses: LossReport
  /// What is minimised: Σ(x−y)² over all tensors, weighted by importance where that is given.
  public var totalError: Double?
  /// The standard error of that sum, where a sample was measured, without importance.
  public var totalStandardError: Double?
  /// What share of the elements was measured: 1 is all of them.
  public var measuredShare: Double
  /// What the choice of a sample started from; `nil` where everything was measured.
  public var seed: UInt64?
  /// Bytes of the file.
  public var fileByteCount: Int
  /// What the model takes in memory, with these weights.
  public var memory: Memory
  /// What the field's mixes would take, the largest first.
  public var presets: [PresetRow]
  /// How fast the model could be, from the speed of this machine's memory.
  public var speed: Speed?

  /// Bytes of memory, item by item.
  public struct Memory: Sendable, Hashable {
    /// Weights.
    public var weights: Int
    /// Keys and values; `nil` where that is not known.
    public var cache: Int?
    /// Why it is not.
    public var unknownCache: KeyValueCache.Unknown?
    /// What the cache holds.
    public var extent: KeyValueCache
    /// What computing takes: an estimate.
    public var working: WorkingMemory

    /// All of it, as far as it is known. What overflows counts as the most that there is.
    public var total: Int {
      [cache ?? 0, working.byteCount].reduce(weights) { sum, next in
        let (sum, overflow) = sum.addingReportingOverflow(next)
        return overflow ? .max : sum
      }
    }
  }

  /// What one of the field's mixes, or one format for all matrices, would take.
  public struct PresetRow: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// Bytes of all tensors.
    public var weightByteCount: Int
    /// Bytes of the file.
    public var fileByteCount: Int
    /// Bytes of memory with cache and computing.
    public var memoryByteCount: Int
    /// Whether it keeps to the budget.
    public var fits: Bool
    /// What it would cost, in the measure of ``PlanReport/totalError``; `nil` where it was not
    /// measured.
    public var totalError: Double?
  }

  /// How fast one sequence could be continued.
  public struct Speed: Sendable, Hashable {
    /// Bytes of weights that each token takes; those of experts by the share that is used.
    public var activeByteCount: Int
    /// Bytes that this machine reads in a second, from memory.
    public var readBytesPerSecond: Double

    /// Tokens in a second, at most: as if nothing but weights were read, at full speed.
    public var tokensPerSecond: Double { readBytesPerSecond / Double(max(activeByteCount, 1)) }
  }

  /// The formats, for a conversion.
  public var mix: FormatMix {
    FormatMix(losses.rows.map { .init(name: $0.name, shape: $0.shape, format: $0.format) })
  }
}
