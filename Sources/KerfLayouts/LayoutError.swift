public import KerfCheckpoints
public import KerfElements
public import SystemPackage

/// Why a model could not be read from, or laid out for, a runtime. Its description is one line.
public enum LayoutError: Error, Sendable, Hashable {
  /// A file could not be read or written.
  case checkpoint(CheckpointError)
  /// What config.json says of quantization is not what it may be.
  case config(FilePath, key: String, expected: String, found: String)
  /// Tensors that make up one matrix do not agree with each other, or with config.json.
  case disagreement(FilePath, tensor: String, expected: String, found: String)
  /// A matrix in a way that is known, and not read.
  case unreadable(FilePath, tensor: String, because: String)
  /// The layout has no way to say a tensor's format.
  case cannotHold(Layout, tensor: String, Format, expected: String)
  /// The layout cannot say that tensors have these formats side by side.
  case cannotMix(Layout, tensor: String, Format, beside: Format)
}

extension LayoutError: CustomStringConvertible {
  /// One line: the file or tensor, what was expected and what was found.
  public var description: String {
    switch self {
    case .checkpoint(let error): error.description
    case .config(let path, let key, let expected, let found):
      "\(path.string.printable): key \(quoted(key)): expected \(expected), found \(found)"
    case .disagreement(let path, let tensor, let expected, let found):
      "\(path.string.printable): tensor \(quoted(tensor)): expected \(expected), found \(found)"
    case .unreadable(let path, let tensor, let reason):
      "\(path.string.printable): tensor \(quoted(tensor)) cannot be read: \(reason)"
    case .cannotHold(let layout, let tensor, let format, let expected):
      "tensor \(quoted(tensor)): \(layout) cannot hold \(format), expected \(expected)"
    case .cannotMix(let layout, let tensor, let format, let other):
      "tensor \(quoted(tensor)): \(layout) cannot hold \(format) beside \(other)"
    }
  }
}

/// `text` in quotation marks, on one line and not endless, whatever a file put into it.
func quoted(_ text: String) -> String {
  let limit = 100
  let shown = String(text.unicodeScalars.prefix(limit)).printable
  return "\"" + shown + (text.unicodeScalars.count > limit ? "…\"" : "\"")
}
