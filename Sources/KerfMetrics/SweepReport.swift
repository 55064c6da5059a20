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
  /// What each format would cost, those of most bits first.
  public var formats: [Row]
  /// Shape of the weights that products were measured with; `nil` where none were.
  public var productShape: Shape?
  /// Bytes of the tensors that keep their format, whatever the others take.
  public var keptByteCount: Int
  /// Wall-clock time of the work, in seconds.
  public var seconds: Double

  /// A value of these properties.
  public init(
    source: String, instructionSet: InstructionSet, rounding: Rounding, sampledShare: Double,
    seed: UInt64?, tensors: [Tensor], formats: [Row], keptByteCount: Int, seconds: Double,
    productShape: Shape? = nil
  ) {
    self.productShape = productShape
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

  /// Bytes of all tensors where those that were tried take the format of `row`.
  public func fileByteCount(_ row: Row) -> Int { row.byteCount + keptByteCount }

  /// The tensor that loses most in the format of `row`, relative to its own size, by its number;
  /// `nil` where nothing is lost.
  public func worstTensor(_ row: Row) -> Int? {
    // The loss itself, for a tensor that has all of it lost has no ratio.
    let lossy = row.outcomes.indices.filter { (row.outcomes[$0]?.loss.squaredError ?? 0) > 0 }
    return lossy.max { a, b in
      (row.outcomes[a]?.loss.nmse ?? .infinity) < (row.outcomes[b]?.loss.nmse ?? .infinity)
    }
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

  /// One format, over all tensors. In a sample, figures are estimates of the whole.
  public struct Row: Sendable {
    /// The format, as users call it: `q4_K`, `int8_channel`.
    public var name: String
    /// Bits of storage per element, scales included; of groups as long as rows, on the average.
    public var bitsPerWeight: Double
    /// What it does to each tensor, in their order; `nil` where its blocks do not fill rows.
    public var outcomes: [Outcome?]
    /// Bytes of the tensors in this format, without those that are kept; tensors that cannot take
    /// it count as what they would fall back to.
    public var byteCount: Int
    /// All tensors that take it together.
    public var loss: Loss
    /// All tensors, those that cannot take the format as what they fall back to: what a conversion
    /// to this format loses.
    public var fileLoss: Loss
    /// The standard error of the total nmse relative to it, where a sample was looked at.
    public var relativeError: Double?
    /// Elements encoded in a second by all threads, in bytes of the source format; 0 where nothing
    /// had to be. It is the time of encoding alone, of elements that are f32 and in the cache.
    public var encodeBytesPerSecond: Double
    /// Matrix products on this machine; empty where they were not measured.
    public var products: [Product]

    /// A row of these properties.
    public init(
      name: String, bitsPerWeight: Double, outcomes: [Outcome?], byteCount: Int, loss: Loss,
      fileLoss: Loss? = nil,
      relativeError: Double?, encodeBytesPerSecond: Double, products: [Product] = []
    ) {
      self.name = name
      self.bitsPerWeight = bitsPerWeight
      self.outcomes = outcomes
      self.byteCount = byteCount
      self.loss = loss
      self.fileLoss = fileLoss ?? loss
      self.relativeError = relativeError
      self.encodeBytesPerSecond = encodeBytesPerSecond
      self.products = products
    }

    /// How many decibels of SQNR the standard error is; `nil` where everything was looked at.
    public var sqnrError: Double? { relativeError.map { 4.342944819032518 * $0 } }

    /// How many tensors take the format.
    public var tensorCount: Int { outcomes.count { $0 != nil } }

    /// How many decibels the loss lies above what the best code of a Gaussian source could leave in
    /// as many bits, 6.02 dB for each; `nil` where nothing was lost. Where a source is not Gaussian,
    /// its own bound is lower: heavy tails can be coded closer than this, and even below 0.
    public var decibelsFromBound: Double? {
      loss.sqnr.map { SweepReport.decibelsPerBit * bitsPerWeight - $0 }
    }
  }

  /// What a format does to a tensor.
  public struct Outcome: Sendable {
    /// Bytes of the whole tensor.
    public var byteCount: Int
    /// The loss of the whole tensor; estimated where a sample was looked at.
    public var loss: Loss
    /// The standard error of its nmse; `nil` where that is no estimate.
    public var nmseStandardError: Double?

    /// An outcome of these properties.
    public init(byteCount: Int, loss: Loss, nmseStandardError: Double? = nil) {
      self.byteCount = byteCount
      self.loss = loss
      self.nmseStandardError = nmseStandardError
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
