/// What users call a format: `q4_K`, `int4_g64`, or `int8_channel`, whose groups are as long as a row.
///
/// The last kind is another ``Format`` for every length of rows, so that a name is one only where
/// a tensor is known.
public enum FormatName: Sendable, Hashable, CustomStringConvertible {
  /// A format of any tensor whose rows its blocks fill.
  case format(Format)
  /// Groups as long as a row, which runtimes call channels.
  case channel(GroupFormat.Codes, offset: GroupFormat.Offset, scale: GroupFormat.Scale)

  /// The word of a channel's name where that of other groups has their length.
  private static let channel = "channel"
  /// A length that goes with any codes and offset.
  private static let anyLength = 16

  /// What is called that, whatever its case; `nil` where there is no such format.
  public init?(_ name: some StringProtocol) {
    var words = name.lowercased().split(separator: "_", omittingEmptySubsequences: false)
    if words.count > 1, words[1] == FormatName.channel {
      words[1] = "g\(FormatName.anyLength)"
      guard case .group(let group)? = Format(name: words.joined(separator: "_")) else { return nil }
      self = .channel(group.codes, offset: group.offset, scale: group.scale)
    } else if let format = Format(name: name) {
      self = .format(format)
    } else {
      return nil
    }
  }

  /// The name, as commands spell it.
  public var description: String {
    guard case .channel = self, let format = format(columns: FormatName.anyLength) else {
      if case .format(let format) = self { return format.name }
      return FormatName.channel
    }
    return format.name.replacing("_g\(FormatName.anyLength)", with: "_" + FormatName.channel)
  }

  /// What it is for rows of so many elements; `nil` where it has no groups of that length. Blocks of
  /// other formats need not fill such rows.
  public func format(columns: Int) -> Format? {
    switch self {
    case .format(let format): format
    case .channel(let codes, let offset, let scale):
      GroupFormat(codes, length: columns, offset: offset, scale: scale).map(Format.group)
    }
  }

  /// Whether there are kernels that write it.
  public var isEncodable: Bool {
    format(columns: FormatName.anyLength)?.isEncodable == true
  }

  /// What it is for rows of so many elements that its blocks fill; `nil` where they do not.
  public func format(filling columns: Int) -> Format? {
    format(columns: columns).flatMap { columns.isMultiple(of: $0.elementsPerBlock) ? $0 : nil }
  }
}
