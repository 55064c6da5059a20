import Kerf

/// Groups of rows among the formats: there is no end of them, so a table has examples.
enum GroupFormats {
  /// Elements of the rows that examples of channels have.
  private static let columns = 4096

  private static let examples = [
    "int8_channel", "int8_g128", "int4_g64", "int4_g64_zp", "int4_g64_bias", "int3_g64_bias",
    "int2_g64_bias", "nf4_g64", "fp4_g64", "e4m3_channel", "e4m3_g32_e8m0", "e2m1_g16_e4m3",
    "e2m1_g32",
  ].compactMap(FormatName.init)

  /// The examples, and what their names are made of.
  static var table: String {
    var table = TextTable([
      ("groups", .left), ("bits/weight", .right), ("held by", .left), ("what it is for", .left),
    ])
    for name in examples {
      guard let format = name.format(columns: columns), case .group(let group) = format else {
        continue
      }
      table.append([
        name.description, Numbers.fixed(format.bitsPerWeight, 4), layouts(group, anyScale: true),
        purpose(name),
      ])
    }
    return table.lines.joined(separator: "\n") + "\n\n" + words
  }

  private static let words = """
      A group is named codes_gLENGTH, or codes_channel where it is a whole row (of \(columns) above).
      Codes are int2 to int8, nf4, fp4, e2m1 and e4m3. Integers may have a zero point (_zp) or a bias
      (_bias). The type of scales comes last, where it is not the usual one: f32, f16, bf16, and for
      floats e8m0 or e4m3.
    """

  /// What the format is for; a channel's groups are rows.
  static func purpose(_ name: FormatName) -> String {
    // The table says already who loads them.
    let purpose = (name.format(columns: columns)?.purpose ?? "")
      .replacing(", as runtimes of the model hub load them", with: "")
    guard case .channel = name else { return purpose }
    return purpose.replacing("per \(columns)", with: "per row")
  }

  /// The layouts that hold a format as it is, or with another type of scales.
  static func layouts(_ group: GroupFormat, anyScale: Bool = false) -> String {
    var groups = [group]
    if anyScale, group.scale.byteCount > 1 {
      groups = [GroupFormat.Scale.f32, .f16, .bf16].compactMap {
        GroupFormat(group.codes, length: group.length, offset: group.offset, scale: $0)
      }
    }
    return Layout.allCases.filter { layout in
      groups.contains { holds(layout, $0) }
    }.map(\.rawValue).joined(separator: ", ")
  }

  /// Whether the layout holds the groups: of a part of a row, or of a whole one.
  private static func holds(_ layout: Layout, _ group: GroupFormat) -> Bool {
    let wide = max(columns / group.length, 2) * group.length
    return layout.holds(group, columns: group.length == columns ? columns : wide)
  }
}
