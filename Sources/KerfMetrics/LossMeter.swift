public import KerfCodecs
public import KerfElements

/// Measures the loss of elements in memory as they come.
public struct LossMeter: Sendable {
  private let table: KernelTable
  private var losses = LossAccumulator()

  /// A meter that has seen nothing.
  ///
  /// - Parameter instructionSet: Kernels to use; the process's own choice where there is none.
  /// - Throws: ``CodecError/dispatch(_:)``.
  public init(instructionSet: InstructionSet? = nil) throws(CodecError) {
    table = try KernelTable.table(for: instructionSet)
  }

  /// Adds `count` elements and what stands in for them.
  public mutating func add(
    reference: UnsafePointer<Float>, candidate: UnsafePointer<Float>, count: Int
  ) {
    losses.add(table.loss(reference, candidate, count), count: count)
  }

  /// The loss so far.
  public var loss: Loss { losses.loss }
}
