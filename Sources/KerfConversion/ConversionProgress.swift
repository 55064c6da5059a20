internal import Synchronization

/// How far a conversion is. One thread works, another may look.
public final class ConversionProgress: Sendable {
  private let done = Atomic(0)
  private let total = Atomic(0)

  /// A conversion that has not begun.
  public init() {}

  /// Bytes of input that are done.
  public var completedByteCount: Int { done.load(ordering: .relaxed) }

  /// Bytes of input in all; 0 before the work begins.
  public var totalByteCount: Int { total.load(ordering: .relaxed) }

  package func begin(totalByteCount: Int) { total.store(totalByteCount, ordering: .relaxed) }

  package func advance(by byteCount: Int) { done.wrappingAdd(byteCount, ordering: .relaxed) }
}
