public import KerfCheckpoints
public import KerfCodecs
public import KerfElements
public import KerfLayouts
public import KerfPlanning
public import SystemPackage

/// Why a conversion was not done. Its description is one line.
public enum ConversionError: Error, Sendable, CustomStringConvertible {
  /// A file that cannot be read or written.
  case checkpoint(CheckpointError)
  /// A model whose layout cannot be read, or that a layout cannot hold.
  case layout(LayoutError)
  /// What is to be laid out for a runtime is no model of the hub: `missing` is what it lacks.
  case noHubModel(FilePath, missing: String)
  /// Only an ONNX model, with the codes of its layout, makes an ONNX model.
  case noGraph(FilePath)
  /// An ONNX model without products whose weights could be quantized.
  case noProducts(FilePath)
  /// A rule that makes no sense for the input.
  case plan(PlanError)
  /// The kernels that the environment asks for are not there.
  case codec(CodecError)
  /// Input and output are one file.
  case outputIsInput(FilePath)
  /// The output's ending names no container.
  case unknownContainer(FilePath)
  /// A tensor whose present format cannot be decoded, or whose wanted one cannot be encoded, yet.
  case notYet(FilePath, tensor: String, from: Format, to: Format)
  /// An importance matrix for a tensor of another shape.
  case importanceSize(FilePath, tensor: String, shape: Shape, found: Int)
  /// Output and importance matrix are one file.
  case outputIsImportance(FilePath)
  /// A file that is not the plan that it should be.
  case notAPlan(FilePath, reason: String)
  /// What `--strict` refuses: each line names a tensor and says what it is.
  case refused(FilePath, [Objection])

  /// Something that a strict conversion does not let pass.
  public enum Objection: Sendable, Hashable, CustomStringConvertible {
    /// The tensor could not take the format that was asked for.
    case fallback(tensor: String, wanted: Format, got: Format, columns: Int)
    /// The tensor has elements that are NaN or infinite.
    case nonFinite(tensor: String, count: Int)
    /// Finite elements that the format could only store as infinite.
    case overflow(tensor: String, count: Int)

    /// One line, for people.
    public var description: String { explanation.printable }

    private var explanation: String {
      switch self {
      case .fallback(let tensor, let wanted, let got, let columns):
        "\(tensor): rows of \(columns) do not fill blocks of \(wanted), \(got) instead"
      case .nonFinite(let tensor, let count):
        "\(tensor): \(counted(count, "element")) not finite (NaN or infinite)"
      case .overflow(let tensor, let count):
        "\(tensor): \(counted(count, "element")) too large for the format, stored as infinite"
      }
    }
  }

  /// One line, for people.
  public var description: String { explanation.printable }

  private var explanation: String {
    switch self {
    case .checkpoint(let error): error.description
    case .layout(let error): error.description
    case .noHubModel(let path, let missing):
      "\(path): expected a model of the hub to lay out for a runtime, found no \(missing)"
    case .noGraph(let path):
      "\(path): an ONNX model is made of an ONNX model, and of int2, int4 or int8 (--to int4); "
        + "other files have no graph to put into it, and a graph no other formats"
    case .noProducts(let path):
      "\(path): expected products with weights that are f32, f16 or bf16 constants (MatMul, Gemm), "
        + "found none"
    case .plan(let error): error.description
    case .codec(let error): error.description
    case .outputIsInput(let path):
      "\(path): output and input are the same file; the input is never touched"
    case .unknownContainer(let path):
      "\(path): the ending of the output chooses its container: expected "
        + Container.allCases.map { ".\($0.pathExtension)" }.joined(separator: " or ")
    case .notYet(let path, let tensor, let from, let to):
      "\(path): tensor \"\(tensor)\": converting \(from) to \(to) is not possible yet; "
        + "it can write " + Format.encodable.map(\.name).joined(separator: ", ")
    case .importanceSize(let path, let tensor, let shape, let found):
      "\(path): importance of tensor \"\(tensor)\": expected a sum for every column of every matrix "
        + "of \(shape), found \(found)"
    case .outputIsImportance(let path):
      "\(path): output and importance matrix are the same file"
    case .notAPlan(let path, let reason): "\(path): no plan: \(reason)"
    case .refused(let path, let objections):
      "\(path): refused by --strict: \(objections[0])"
        + (objections.count > 1 ? " (and \(objections.count - 1) more)" : "")
    }
  }
}

/// “1 element”, “2 elements”
func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// Runs `body`, its error made into a ``ConversionError``.
func checked<Result>(
  _ body: () throws(CheckpointError) -> Result
) throws(ConversionError) -> Result {
  do { return try body() } catch { throw .checkpoint(error) }
}

extension Checkpoint {
  /// The model at `path` as the engine sees it: matrices, whatever layout they are in.
  package static func model(_ path: FilePath) throws(ConversionError) -> Checkpoint {
    do {
      return try Model.open(path).view
    } catch .checkpoint(let error) {
      throw .checkpoint(error)
    } catch {
      throw .layout(error)
    }
  }
}
