import ArgumentParser
import Foundation
import Kerf

struct Formats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Every format and preset: bits per weight, block, bytes, what it is for.",
    discussion: """
      A format says how one tensor is stored; a preset, which tensor gets which format. Blocks of \
      GGUF have lengths of their own; groups, which other runtimes load, have any.

      EXAMPLES
        kerf formats          the formats that can be made or read, and the presets
        kerf formats --all    also those that are only carried from file to file
        kerf formats q4_0     one of them: its layout, and what its codes stand for
        kerf formats q4_K_M   a preset: which tensors get what
        kerf formats int4_g64_zp   groups of 64 that share a scale and a zero point
      """)

  @Argument(help: "A format's or preset's name.")
  var name: String?

  @Flag(help: "List formats that are only carried, too.")
  var all = false

  @Flag(help: "Print JSON, and nothing else, on standard output.")
  var json = false

  func run() throws {
    var formats = all ? Format.allCases : Format.decodable
    var presets = Preset.allCases
    if let name {
      formats = FormatName(name)?.format(columns: Formats.columns).map { [$0] } ?? []
      presets = Preset(name: name).map { [$0] } ?? []
      guard !formats.isEmpty || !presets.isEmpty else {
        throw Terminal.failure(
          "there is no format or preset “\(name)”; 'kerf formats --all' lists them, but for groups such as int4_g64"
        )
      }
    }
    if json {
      try Terminal.output(Formats.json(formats, presets))
    } else if name != nil {
      let parts = formats.map(Formats.details) + presets.map(Formats.details)
      try Terminal.output(parts.joined(separator: "\n\n"))
    } else {
      try Terminal.output(
        [Formats.table(formats), GroupFormats.table, Formats.table(presets)]
          .joined(separator: "\n\n"))
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
        "\(format.bytesPerBlock)", ability(format), containers(format), format.purpose ?? "",
      ])
    }
    return table.lines.joined(separator: "\n")
  }

  private static func table(_ presets: [Preset]) -> String {
    var table = TextTable([("preset", .left), ("mostly", .left), ("what it is for", .left)])
    for preset in presets { table.append([preset.name, preset.format.name, preset.purpose]) }
    return table.lines.joined(separator: "\n")
  }

  private static func details(_ format: Format) -> String {
    var table = TextTable([("", .left), ("", .left)])
    table.append(["format", format.name])
    if let purpose = format.purpose { table.append(["for", purpose]) }
    table.append(["kerf can", ability(format)])
    table.append(["bits/weight", Numbers.fixed(format.bitsPerWeight, 4)])
    table.append([
      "block", "\(format.elementsPerBlock) elements in \(format.bytesPerBlock) bytes",
    ])
    if let layout = format.layout {
      // The layout's last part says what the codes stand for.
      let parts = layout.components(separatedBy: "; y = ")
      table.append(["layout", parts[0]])
      for formula in parts.dropFirst() { table.append(["formula", "y = " + formula]) }
    }
    table.append(["held by", containers(format)])
    return table.lines.joined(separator: "\n")
  }

  private static func details(_ preset: Preset) -> String {
    var table = TextTable([("", .left), ("", .left)])
    table.append(["preset", preset.name])
    table.append(["for", preset.purpose])
    table.append(["mostly", preset.format.name])
    for (index, exception) in preset.exceptions.enumerated() {
      table.append([index == 0 ? "but" : "", exception])
    }
    return table.lines.joined(separator: "\n")
  }

  private static func ability(_ format: Format) -> String {
    format.isEncodable ? "read, write" : format.isDecodable ? "read" : "carry"
  }

  private static func containers(_ format: Format) -> String {
    if case .group(let group) = format { return GroupFormats.layouts(group) }
    return Container.allCases.filter { $0.canHold(format) }.map(\.rawValue).joined(separator: ", ")
  }

  /// Elements of the rows that a channel is told of.
  private static let columns = 4096

  private static func json(_ formats: [Format], _ presets: [Preset]) -> String {
    let members: JSONMembers = [
      "formats": formats.map(members), "presets": presets.map(members),
    ]
    return JSONText.text(of: members)
  }

  private static func members(_ format: Format) -> JSONMembers {
    [
      "name": format.name, "bits_per_weight": format.bitsPerWeight,
      "block_elements": format.elementsPerBlock, "block_bytes": format.bytesPerBlock,
      "encodable": format.isEncodable, "decodable": format.isDecodable,
      "held_by": containers(format).split(separator: ", ").map(String.init),
      "layout": format.layout, "purpose": format.purpose,
    ]
  }

  private static func members(_ preset: Preset) -> JSONMembers {
    [
      "name": preset.name, "mostly": preset.format.name, "exceptions": preset.exceptions,
      "purpose": preset.purpose,
    ]
  }
}
