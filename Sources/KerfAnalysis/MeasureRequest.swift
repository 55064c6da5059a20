internal import KerfCodecs
public import KerfPlanning
public import SystemPackage

/// Which two weight files are to be compared, and how.
public struct MeasureRequest: Sendable {
  /// The file that counts as right.
  public var reference: FilePath
  /// The file that stands in for it.
  public var candidate: FilePath
  /// Only tensors whose name matches, in either file; `nil` for all.
  public var tensors: NameExpression?
  /// Whether the errors of products are measured.
  public var isMeasuringProducts = true
  /// Threads to work on; figures do not depend on it.
  public var threads: Int

  /// A request with defaults for all but these.
  public init(reference: FilePath, candidate: FilePath, threads: Int? = nil) {
    self.reference = reference
    self.candidate = candidate
    self.threads = threads ?? Threads.defaultCount
  }
}
