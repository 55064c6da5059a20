// Names come from files, and files are hostile: what is shown of them must neither break a line nor
// steer a terminal.

extension Unicode.Scalar {
  /// Whether it shows as what it is, on the line it stands on.
  package var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: false
    default: true
    }
  }
}

extension String {
  /// With everything escaped that could break the line, or hide text on a terminal.
  package var printable: String {
    unicodeScalars.reduce(into: "") { result, scalar in
      if scalar.isPrintable {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
  }
}
