public import KerfElements

/// What many formats would cost the tensors of one file.
///
/// Every table, JSON, CSV and page of a sweep is made from this value.
public struct SweepReport: Sendable {
  /// The file, as the user named it.
  public var source: String
  /// The instruction set that computed.
  public var instructionSet: InstructionSet
  /// How codes and scales were chosen.
  public var rounding: Rounding
  /// What share of the elements was looked at: 1 is all of them.
  public var sampledShare: Double
  /// What the choice of a sample started from; `nil` where everything was looked at.
  public var seed: UInt64?
  /// The tensors that would be quantized, in file order.
  public var tensors: [Tensor]
  /// What each format would cost, in the order asked for.
  public var formats: [Row]
  /// Bytes of the tensors that keep their format, whatever the others take.
  public var keptByteCount: Int
  /// Wall-clock time of the work, in seconds.
  public var seconds: Double

  /// A value of these properties.
  public init(
    source: String, instructionSet: InstructionSet, rounding: Rounding, sampledShare: Double,
    seed: UInt64?, tensors: [Tensor], formats: [Row], keptByteCount: Int, seconds: Double
  ) {
    self.source = source
    self.instructionSet = instructionSet
    self.rounding = rounding
    self.sampledShare = sampledShare
    self.seed = seed
    self.tensors = tensors
    self.formats = formats
    self.keptByteCount = keptByteCount
    self.seconds = seconds
  }

  /// What one bit more is worth at the bound of a Gaussian source: 20·log₁₀ 2.
  package static let decibelsPerBit = 6.020599913279624

  /// A tensor that each format was tried on.
  public struct Tensor: Sendable {
    /// The name, as the file spells it.
    public var name: String
    /// Extents, outermost first.
    public var shape: Shape
    /// What it is stored as.
    public var format: Format
    /// Bytes it is.
    public var byteCount: Int

    /// A tensor of these properties.
    public init(name: String, shape: Shape, format: Format, byteCount: Int) {
      self.name = name
      self.shape = shape
      self.format = format
      self.byteCount = byteCount
    }
  }

  /// One format, over all tensors.
  public struct Row: Sendable {
    /// The format.
    public var format: Format
    /// What it does to each tensor, in their order; `nil` where its blocks do not fill rows.
    public var outcomes: [Outcome?]
    /// Bytes of the tensors in this format, without those that are kept; tensors that cannot take
    /// it count as what they would fall back to.
    public var byteCount: Int
    /// All tensors that take it together.
    public var loss: Loss
    /// The standard error of the total nmse relative to it, where a sample was looked at.
    public var relativeError: Double?
    /// Elements encoded in a second, in bytes of the source format.
    public var encodeBytesPerSecond: Double
    /// Matrix products on this machine; empty where they were not measured.
    public var products: [Product]

    /// A row of these properties.
    public init(
      format: Format, outcomes: [Outcome?], byteCount: Int, loss: Loss, relativeError: Double?,
      encodeBytesPerSecond: Double, products: [Product] = []
    ) {
      self.format = format
      self.outcomes = outcomes
      self.byteCount = byteCount
      self.loss = loss
      self.relativeError = relativeError
      self.encodeBytesPerSecond = encodeBytesPerSecond
      self.products = products
    }

    /// How many decibels the loss lies above what the best code of a Gaussian source could leave in
    /// as many bits, 6.02 dB for each; `nil` where nothing was lost.
    public var decibelsFromBound: Double? {
      loss.sqnr.map { SweepReport.decibelsPerBit * format.bitsPerWeight - $0 }
    }
  }

  /// What a format does to a tensor.
  public struct Outcome: Sendable {
    /// Bytes of the whole tensor.
    public var byteCount: Int
    /// The loss of the elements that were looked at.
    public var loss: Loss

    /// An outcome of these properties.
    public init(byteCount: Int, loss: Loss) {
      self.byteCount = byteCount
      self.loss = loss
    }
  }

  /// The speed of a matrix product.
  public struct Product: Sendable, Hashable {
    /// Rows of activations.
    public var m: Int
    /// Multiplications and additions in a second.
    public var operationsPerSecond: Double
    /// Bytes of weights read in a second.
    public var weightBytesPerSecond: Double

    /// A speed of these properties.
    public init(m: Int, operationsPerSecond: Double, weightBytesPerSecond: Double) {
      self.m = m
      self.operationsPerSecond = operationsPerSecond
      self.weightBytesPerSecond = weightBytesPerSecond
    }
  }
}
