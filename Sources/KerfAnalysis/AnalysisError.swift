public import KerfCheckpoints
public import KerfCodecs
public import KerfConversion
public import KerfElements
public import KerfMatmul
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
  /// What a conversion would refuse as well.
  case conversion(ConversionError)
  /// A product that could not be measured.
  case matmul(MatmulError)
  /// A file without a tensor that would be quantized; or those of a pattern are not.
  case nothingToQuantize(FilePath, pattern: String?)
  /// A tensor of a format that cannot be turned into numbers yet.
  case notComputed(FilePath, tensor: String, Format)

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
    case .conversion(let error): error.description
    case .matmul(let error): error.description
    case .nothingToQuantize(let path, nil):
      "\(path): no tensor here would be quantized: it has no matrices of weights"
    case .nothingToQuantize(let path, let pattern?):
      "\(path): no tensor that matches “\(pattern)” would be quantized"
    case .notComputed(let path, let tensor, let format):
      "\(path): tensor \"\(tensor)\": \(format) cannot be turned into numbers yet"
    }
  }
}

extension AnalysisError {
  /// What a conversion says, as an analysis would say it.
  init(_ error: ConversionError) {
    self =
      switch error {
      case .checkpoint(let error): .checkpoint(error)
      case .plan(let error): .plan(error)
      case .codec(let error): .codec(error)
      default: .conversion(error)
      }
  }
}
