public import KerfCheckpoints
internal import KerfCodecs
public import KerfElements
public import KerfPlanning
public import SystemPackage

/// What is to be converted into what.
public struct ConversionRequest: Sendable {
  /// A weight file.
  public var input: FilePath
  /// The file to be made.
  public var output: FilePath
  /// The kind of file to be made; `nil` where the output's ending says it.
  public var container: Container?
  /// What tensors get unless a rule says otherwise, or they are laid out for a runtime.
  public var target: Target
  /// The runtime that the output is for, a directory then; `nil` for a file.
  public var layout: LayoutWish?
  /// How codes and scales are chosen.
  public var rounding = Rounding.optimal
  /// A file of activations that says how much errors count, column by column.
  public var importance: FilePath?
  /// Exceptions; the first that matches a tensor decides.
  public var rules: [FormatRule] = []
  /// Whether fallbacks and elements that are not finite are refused.
  public var isStrict = false
  /// Whether the loss is measured.
  public var isMeasuring = true
  /// Whether an existing output is replaced.
  public var isReplacing = false
  /// Threads to work on; the output does not depend on it.
  public var threads: Int

  /// A request with defaults for all but these.
  public init(input: FilePath, output: FilePath, target: Target, threads: Int? = nil) {
    self.input = input
    self.output = output
    self.target = target
    self.threads = threads ?? Threads.defaultCount
  }

  /// A request for a directory that a runtime loads, with defaults for all but these.
  public init(input: FilePath, output: FilePath, layout: LayoutWish, threads: Int? = nil) {
    // Tensors that are not laid out keep their precision.
    self.init(input: input, output: output, target: .format(.f32), threads: threads)
    self.layout = layout
  }

  /// A request that all matrices become the same, with defaults for all but these.
  public init(input: FilePath, output: FilePath, target: Format, threads: Int? = nil) {
    self.init(input: input, output: output, target: .format(target), threads: threads)
  }
}
