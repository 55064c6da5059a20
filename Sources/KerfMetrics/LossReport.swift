public import KerfElements

/// What a conversion or a comparison did to each tensor, and to all of them.
///
/// Every table, JSON and CSV that shows losses is made from this value.
public struct LossReport: Sendable {
  /// Where the weights came from, as the user named it.
  public var source: String
  /// Where they went to, as the user named it.
  public var target: String
  /// The instruction set that computed.
  public var instructionSet: InstructionSet
  /// A row per tensor, in file order.
  public var rows: [Row]
  /// All tensors together.
  public var total: Total

  /// Whether errors were also counted by importance.
  public var isWeighted: Bool

  /// Whether two files were compared, and none was made of the other.
  public var isComparison = false

  /// Names of one file that nothing of the other stands for, where two files were compared.
  public var unmatched = Unmatched()

  /// Whether products were measured, for any row.
  public var hasProductErrors: Bool { rows.contains { $0.productErrors != nil } }

  /// A value of these properties.
  public init(
    source: String, target: String, instructionSet: InstructionSet, rows: [Row], total: Total,
    isWeighted: Bool = false
  ) {
    self.isWeighted = isWeighted
    self.source = source
    self.target = target
    self.instructionSet = instructionSet
    self.rows = rows
    self.total = total
  }

  /// One tensor.
  public struct Row: Sendable {
    /// The name, as the file spells it.
    public var name: String
    /// What the candidate calls it, where two files were compared and that is not ``name``.
    public var candidateName: String?
    /// Extents, outermost first.
    public var shape: Shape
    /// What the tensor was stored as before.
    public var sourceFormat: Format
    /// What the tensor was stored as.
    public var format: Format
    /// What was asked for; differs from `format` where the tensor could not take it.
    public var wantedFormat: Format
    /// Bytes it was.
    public var sourceByteCount: Int
    /// Bytes it is.
    public var byteCount: Int
    /// `nil` where nothing was measured.
    public var loss: Loss?
    /// What the loss does to products with the tensor; `nil` where that was not measured.
    public var productErrors: ProductErrors?
    /// Why `format` is not `wantedFormat`, or other words for the user.
    public var note: String?

    /// A value of these properties.
    public init(
      name: String, shape: Shape, sourceFormat: Format, format: Format, wantedFormat: Format,
      sourceByteCount: Int, byteCount: Int, loss: Loss? = nil, note: String? = nil
    ) {
      self.name = name
      self.shape = shape
      self.sourceFormat = sourceFormat
      self.format = format
      self.wantedFormat = wantedFormat
      self.sourceByteCount = sourceByteCount
      self.byteCount = byteCount
      self.loss = loss
      self.note = note
    }

    /// Adds to what the user is told of the tensor.
    package mutating func addNote(_ words: String) {
      note = note.map { $0 + "; " + words } ?? words
    }

    /// Whether the tensor got another format than the one asked for.
    public var isFallback: Bool { format != wantedFormat }
    /// Whether the conversion changed any value's representation.
    public var isConverted: Bool { format != sourceFormat }
    /// Bits of storage per element; `nil` for a tensor without elements.
    public var bitsPerWeight: Double? {
      shape.count > 0 ? Double(byteCount) * 8 / Double(shape.count) : nil
    }
  }

  /// Relative errors of the product Y = X·Wᵀ where a matrix stands in for W:
  /// ‖X·(W−Ŵ)ᵀ‖ ÷ ‖X·Wᵀ‖, Frobenius norms.
  public struct ProductErrors: Sendable, Hashable {
    /// With activations from a normal distribution.
    public var random: Double
    /// With activations of which a few columns are many times larger, as those of language models
    /// are.
    public var outliers: Double

    /// Errors of these two products.
    public init(random: Double, outliers: Double) {
      self.random = random
      self.outliers = outliers
    }
  }

  /// Names that found no partner.
  public struct Unmatched: Sendable, Hashable {
    /// Those of the reference.
    public var reference: [String]
    /// Those of the candidate.
    public var candidate: [String]
    /// Why a name found no partner, where more is known than that there is nothing of the kind.
    public var reasons: [String: String] = [:]
    /// Whether there is none.
    public var isEmpty: Bool { reference.isEmpty && candidate.isEmpty }

    /// These names.
    public init(reference: [String] = [], candidate: [String] = []) {
      self.reference = reference
      self.candidate = candidate
    }
  }

  /// All tensors together.
  public struct Total: Sendable {
    /// Elements of all tensors.
    public var elements: Int
    /// Bytes of all tensors before.
    public var bytesIn: Int
    /// Bytes of all tensors after.
    public var bytesOut: Int
    /// `nil` where nothing was measured.
    public var loss: Loss?
    /// Wall-clock time of the work, in seconds; `nil` where there was none.
    public var seconds: Double?

    /// A value of these properties.
    public init(
      elements: Int, bytesIn: Int, bytesOut: Int, loss: Loss? = nil, seconds: Double? = nil
    ) {
      self.elements = elements
      self.bytesIn = bytesIn
      self.bytesOut = bytesOut
      self.loss = loss
      self.seconds = seconds
    }

    /// Bits of storage per element; `nil` where there are none.
    public var bitsPerWeight: Double? {
      elements > 0 ? Double(bytesOut) * 8 / Double(elements) : nil
    }
  }
}
