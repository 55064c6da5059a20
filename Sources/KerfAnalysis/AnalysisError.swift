public import KerfCheckpoints
public import KerfCodecs
internal import KerfElements
public import KerfPlanning

/// Why a file could not be looked at. Its description is one line.
public enum AnalysisError: Error, Sendable, CustomStringConvertible {
  /// A file that cannot be read.
  case checkpoint(CheckpointError)
  /// A choice that makes no sense for the file.
  case plan(PlanError)
  /// The kernels that the environment asks for are not there.
  case codec(CodecError)

  /// One line, for people.
  public var description: String { explanation.printable }

  private var explanation: String {
    switch self {
    case .checkpoint(let error): error.description
    case .plan(let error): error.description
    case .codec(let error): error.description
    }
  }
}
