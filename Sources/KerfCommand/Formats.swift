import ArgumentParser
import Kerf

struct Formats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Every format: bits per weight, block, bytes, what it is for.",
    discussion: """
      EXAMPLES
        kerf formats          the formats that can be written, and those that can be read
        kerf formats --all    also those that are only carried from file to file
        kerf formats q4_0     one of them
      """)

  @Argument(help: "A format's name.")
  var name: String?

  @Flag(help: "List formats that are only carried, too.")
  var all = false

  func run() throws {
    if let name {
      guard let format = Format(name: name) else {
        throw Terminal.failure("there is no format “\(name)”; 'kerf formats --all' lists them")
      }
      try Terminal.output(Formats.details(format))
    } else {
      try Terminal.output(Formats.table(all ? Format.allCases : Format.decodable))
    }
  }

  private static func table(_ formats: [Format]) -> String {
    var table = TextTable([
      ("format", .left), ("bits/weight", .right), ("block", .right), ("bytes", .right),
      ("kerf can", .left), ("held by", .left), ("what it is for", .left),
    ])
    for format in formats {
      table.append([
        format.name, Numbers.fixed(format.bitsPerWeight, 4), "\(format.elementsPerBlock)",
        "\(format.bytesPerBlock)", ability(format), containers(format),
        format.purpose ?? "carried unchanged",
      ])
    }
    return table.lines.joined(separator: "\n")
  }

  private static func details(_ format: Format) -> String {
    var table = TextTable([("", .left), ("", .left)])
    table.append(["format", format.name])
    table.append(["purpose", format.purpose ?? "carried from file to file unchanged"])
    table.append(["bits/weight", Numbers.fixed(format.bitsPerWeight, 4)])
    table.append([
      "block", "\(format.elementsPerBlock) elements in \(format.bytesPerBlock) bytes",
    ])
    table.append(["kerf can", ability(format)])
    if let layout = format.layout { table.append(["layout", layout]) }
    table.append(["held by", containers(format)])
    return table.lines.joined(separator: "\n")
  }

  private static func ability(_ format: Format) -> String {
    format.isEncodable ? "read, write" : format.isDecodable ? "read" : "carry"
  }

  private static func containers(_ format: Format) -> String {
    Container.allCases.filter { $0.canHold(format) }.map(\.rawValue).joined(separator: ", ")
  }
}
