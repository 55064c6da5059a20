public import KerfCheckpoints
public import KerfCodecs
public import KerfElements
public import KerfPlanning
public import SystemPackage

/// Why a file could not be looked at. Its description is one line.
public enum AnalysisError: Error, Sendable, CustomStringConvertible {
  /// A file that cannot be read.
  case checkpoint(CheckpointError)
  /// A choice that makes no sense for the file.
  case plan(PlanError)
  /// The kernels that the environment asks for are not there.
  case codec(CodecError)
  /// Two tensors that should be the same and have different shapes.
  case shapesDiffer(
    FilePath, tensor: String, shape: Shape, other: FilePath, counterpart: String, found: Shape)
  /// Two files without a tensor that is in both, and why, where that is known.
  case nothingInCommon(FilePath, FilePath, reason: String?)
  /// What is no regular expression.
  case badPattern(String)
  /// A regular expression that matches the name of no tensor.
  case patternMatchesNothing(String)

  /// One line, for people.
  public var description: String { explanation.printable }

  private var explanation: String {
    switch self {
    case .checkpoint(let error): error.description
    case .plan(let error): error.description
    case .codec(let error): error.description
    case .shapesDiffer(let path, let tensor, let shape, let other, let counterpart, let found):
      "\(path): tensor \"\(tensor)\" has shape \(shape), but \(found) as \"\(counterpart)\" in \(other)"
    case .nothingInCommon(let path, let other, let reason):
      "\(path) and \(other) have no tensor in common" + (reason.map { ": " + $0 } ?? "")
    case .badPattern(let pattern): "--tensors '\(pattern)': not a regular expression"
    case .patternMatchesNothing(let pattern):
      "--tensors '\(pattern)': no tensor of either file has such a name"
    }
  }
}
