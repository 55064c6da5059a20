public import KerfElements

extension MatmulBenchmark {
  /// A format of weights; or of groups as long as a row, whatever its length, as `int8_channel` is.
  public enum WeightFormat: Sendable, Hashable, CustomStringConvertible {
    /// One of the engine's formats.
    case format(Format)
    /// A group for each row, with the codes, the offset and the scales of the format, whose length
    /// does not count.
    case channel(GroupFormat)

    /// The format of that name, whatever its case: `q8_0`, `int4_g64`, `int4_channel_zp`; `nil` where
    /// there is none.
    public init?(name: String) {
      if let format = Format(name: name) {
        self = .format(format)
      } else if case .group(let group)? = Format(
        name: Self.replaced("channel", by: Self.anyLength, in: name.lowercased()))
      {
        self = .channel(group)
      } else {
        return nil
      }
    }

    /// Its name.
    public var description: String {
      switch self {
      case .format(let format): format.name
      case .channel(let group): Self.replaced("g\(group.length)", by: "channel", in: group.name)
      }
    }

    /// The format of rows of `columns`; `nil` where they do not end on a block, or cannot be a group.
    public func format(columns: Int) -> Format? {
      switch self {
      case .format(let format): columns.isMultiple(of: format.elementsPerBlock) ? format : nil
      case .channel(let group):
        GroupFormat(group.codes, length: columns, offset: group.offset, scale: group.scale)
          .map { .group($0) }
      }
    }

    /// A length that every kind of groups may have.
    private static let anyLength = "g128"

    /// A name with another word in the place of one.
    private static func replaced(_ word: String, by other: String, in name: String) -> String {
      name.split(separator: "_", omittingEmptySubsequences: false)
        .map { $0 == word ? other : String($0) }.joined(separator: "_")
    }
  }
}
