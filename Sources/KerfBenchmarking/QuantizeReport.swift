public import KerfElements

/// What was measured, and on what. Times are the best of several turns.
public struct QuantizeReport: Sendable {
  /// One figure: a format and a rounding.
  public struct Row: Sendable {
    /// What weights became.
    public var format: Format
    /// How scales were chosen.
    public var rounding: Rounding
    /// The time of one pass over the weights.
    public var seconds: Double
    /// Weights a second.
    public var weightsPerSecond: Double
    /// √(Σ(x − y)² / Σx²); `nil` where it is not finite, as of zeros.
    public var relativeRMS: Double?
    /// Turns that were taken.
    public var turns: Int
  }

  /// The processor's name.
  public var processor: String
  /// The kernels that ran.
  public var instructionSet: InstructionSet
  /// The weights' shape.
  public var shape: Shape
  /// The weights' type.
  public var elementType: ElementType
  /// The figures, in the order of measuring.
  public var rows: [Row]
}
