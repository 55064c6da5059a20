internal import KerfElements

/// A piece of a page.
///
/// A literal is markup, and what is put into it is text: strings are escaped on their way in, so
/// that no name out of a file can become markup. Control characters, and those that would change
/// the direction of the text around them, become U+FFFD.
struct HTML {
  private(set) var text: String

  static func + (left: HTML, right: HTML) -> HTML { HTML(text: left.text + right.text) }
  static func += (left: inout HTML, right: HTML) { left.text += right.text }

  private init(text: String) { self.text = text }

  /// Markup as it stands, which nothing from a file has a part in.
  init(markup: String) { text = markup }

  /// A block of JSON for a script to read. No `<` is left in it, so nothing can end the block.
  init(data value: some JSONRepresentable, id: String) {
    let json = JSONText.compact(value).split(separator: "<", omittingEmptySubsequences: false)
    text =
      "<script type=\"application/json\" id=\"\(id)\">" + json.joined(separator: "\\u003c")
      + "</script>\n"
  }
}

extension HTML: ExpressibleByStringInterpolation {
  private static func isHarmless(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"): false
    case UInt8(ascii: "\""), UInt8(ascii: "'"): false
    default: (0x20...0x7E).contains(byte)
    }
  }

  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ piece: HTML) { text += piece.text }
    mutating func appendInterpolation(_ number: Int) { text += String(number) }

    /// What is markup already, and nothing from a file.
    mutating func appendInterpolation(markup: String) { text += markup }

    /// A coordinate, to a tenth.
    mutating func appendInterpolation(_ coordinate: Double) {
      let tenths = (coordinate * 10).rounded() / 10
      text += tenths == tenths.rounded() ? Numbers.fixed(tenths, 0) : Numbers.fixed(tenths, 1)
    }

    /// Text that may go on in another line behind each dot and slash, as names and paths may.
    mutating func appendInterpolation(breakable string: String) {
      var rest = string[...]
      while let dot = rest.firstIndex(where: { $0 == "." || $0 == "/" }) {
        appendInterpolation(rest[...dot])
        text += "<wbr>"
        rest = rest[dot...].dropFirst()
      }
      appendInterpolation(rest)
    }

    mutating func appendInterpolation(_ string: some StringProtocol) {
      // Nearly all text is figures and plain names.
      guard !string.utf8.allSatisfy(HTML.isHarmless) else { return text += string }
      for scalar in string.unicodeScalars {
        switch scalar {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        default: text.unicodeScalars.append(scalar.isPrintable ? scalar : "\u{FFFD}")
        }
      }
    }
  }
}

extension Sequence where Element == HTML {
  /// One after another.
  func joined() -> HTML { reduce(into: "") { $0 += $1 } }
}
