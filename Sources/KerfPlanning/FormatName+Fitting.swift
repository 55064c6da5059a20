package import KerfElements

extension FormatName {
  /// What a tensor of `shape` takes that cannot take anything else: the format, or what comes nearest
  /// in smaller blocks.
  package func fitting(_ shape: Shape) -> Format {
    if case .format(let format) = self { return format.fitting(shape) }
    return format(columns: shape.columns).flatMap { $0.isEncodable ? $0 : nil } ?? .f16
  }

  /// Those names, each once: formats in the order of the table, then groups by name.
  package static func ordered(_ names: some Sequence<FormatName>) -> [FormatName] {
    var formats: [Format] = []
    var channels: Set<FormatName> = []
    for name in names {
      if case .format(let format) = name { formats.append(format) } else { channels.insert(name) }
    }
    return Format.ordered(formats).map(FormatName.format)
      + channels.sorted { $0.description < $1.description }
  }
}
