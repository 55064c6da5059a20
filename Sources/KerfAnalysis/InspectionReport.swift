public import KerfElements
public import KerfMetrics
public import KerfPlanning

/// What is in a weight file.
///
/// Every table, JSON and CSV of an inspection is made from this value.
public struct InspectionReport: Sendable {
  /// The file, as the user named it.
  public var source: String
  /// The kind of file: `gguf`, `safetensors`.
  public var container: String
  /// Bytes of the file.
  public var fileByteCount: Int
  /// What the model says of itself.
  public var model: ModelFacts
  /// How many parameters there are, and for what.
  public var parameters: ParameterCounts
  /// What the parameters, and the tensors as other formats, would take.
  public var memory: [Memory]
  /// How the tensors are stored: a row per format, in the table's order.
  public var storage: [Storage]
  /// How many tensors the file has.
  public var tensorCount: Int
  /// The tensors that were asked for, in file order; all of them where no choice was made.
  public var tensors: [Tensor]
  /// What the file says about itself, in its order.
  public var metadata: [Entry]

  /// The memory that weights take at one precision.
  public struct Memory: Sendable, Hashable {
    /// How people call it: `FP16`, `q4_K`, `q4_K_M`.
    public var name: String
    /// The name in JSON.
    public var key: String
    /// Whether only parameters are counted, so many bits each; elsewhere all tensors are, as a
    /// conversion to GGUF would write them.
    public var isBare: Bool
    /// Bytes.
    public var byteCount: Int
    /// Bits for each element that was counted; `nil` where there are none.
    public var bitsPerWeight: Double?
    /// Tensors that would take another format, since their rows do not fill its blocks.
    public var fallbacks: Int
  }

  /// Tensors of one format.
  public struct Storage: Sendable, Hashable {
    /// The format.
    public var format: Format
    /// How many tensors have it.
    public var tensors: Int
    /// Their elements.
    public var elements: Int
    /// Their bytes.
    public var byteCount: Int
  }

  /// A tensor of the file.
  public struct Tensor: Sendable {
    /// The name, as the file spells it.
    public var name: String
    /// Extents, outermost first.
    public var shape: Shape
    /// How it is stored.
    public var format: Format
    /// Bytes it takes.
    public var byteCount: Int
    /// What it is for; `nil` where it holds no parameters.
    public var role: ParameterRole?
    /// What its elements are like; `nil` where that was not asked for, or cannot be computed.
    public var statistics: TensorStatistics?
  }

  /// A key of the file, and its value.
  public struct Entry: Sendable, Hashable {
    /// The key, as the file spells it.
    public var key: String
    /// The value.
    public var value: Value
  }

  /// A value of a file's metadata.
  public enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int)
    /// An integer beyond those, or a number that is none; a value that is not finite is as well.
    case number(Double)
    case bool(Bool)
    /// The first elements of an array, and how many it has.
    case list([Value], count: Int)
  }
}
