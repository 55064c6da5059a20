public import KerfCheckpoints
internal import KerfCodecs
public import KerfElements
public import KerfPlanning
public import SystemPackage

/// What weights must keep to.
public enum Budget: Sendable, Hashable {
  /// Bytes of memory, for weights, cache and computing together.
  case memory(Int)
  /// Bytes of the file, header and padding included.
  case fileSize(Int)
  /// Bits of storage per element, over all tensors.
  case bitsPerWeight(Double)
}

/// What a plan is to be made of, and for what.
public struct PlanRequest: Sendable {
  /// How much of the weights is measured.
  public enum Extent: Sendable, Hashable {
    /// Everything, or a sample where that would take long; chosen from this seed.
    case automatic(seed: UInt64)
    /// Everything.
    case everything
    /// A sample.
    case sample(Sample)
  }

  /// A weight file.
  public var input: FilePath
  /// The kind of file that the plan is for.
  public var container = Container.gguf
  /// What weights must keep to.
  public var budget: Budget
  /// Tokens of a sequence that are remembered; where it is `nil`, ``usualContext``, or what the
  /// model was made for if that is less.
  public var context: Int?
  /// Sequences at a time.
  public var sequences = 1
  /// How keys and values are stored.
  public var cacheFormat = Format.f16
  /// What tensors may take; the usual formats, and what they are, where it is `nil`.
  public var formats: [Format]?
  /// Tensors that take a format whatever that costs; the first that matches decides.
  public var rules: [FormatRule] = []
  /// Tensors that stay what they are.
  public var keep: [NameExpression] = []
  /// Tensors that take at least the bits of a format.
  public var minima: [FormatRule] = []
  /// Tensors that take at most the bits of a format.
  public var maxima: [FormatRule] = []
  /// How much of the weights is measured.
  public var extent = Extent.automatic(seed: 0)
  /// How codes and scales are chosen.
  public var rounding = Rounding.optimal
  /// A file of activations that says how much errors count, column by column.
  public var importance: FilePath?
  /// Whether the speed of this machine's memory is measured, for an estimate of the model's.
  public var isEstimatingSpeed = true
  /// Threads to work on; the plan does not depend on it.
  public var threads: Int

  /// A request with defaults for all but these.
  public init(input: FilePath, budget: Budget, threads: Int? = nil) {
    self.input = input
    self.budget = budget
    self.threads = threads ?? Threads.defaultCount
  }

  /// Tokens of context that are planned for where nothing else is said.
  public static let usualContext = 4096
  /// Elements that are measured where nothing else is said, of a larger model.
  public static let usualSample = 128 << 20
}
