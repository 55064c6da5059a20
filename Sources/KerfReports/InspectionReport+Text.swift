public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

extension InspectionReport {
  /// The report for a terminal: parameters, formats and memory.
  public var text: String {
    let facts =
      [model.architecture?.plain, Numbers.counted(tensorCount, "tensor")]
      .compactMap { $0 } + [Numbers.bytes(fileByteCount)]
    let heading = "\(source)  (\(container), \(facts.joined(separator: ", ")))"
    return
      ([heading, ""] + parameterTable + [""] + parameterNotes + [""] + storageTable + [""]
      + memoryTable).joined(separator: "\n")
  }

  /// The tensors that were asked for, for a terminal: a line each.
  public var tensorTable: String {
    var table = TextTable([
      ("tensor", .left), ("shape", .left), ("format", .left), ("bytes", .right), ("role", .left),
    ])
    for tensor in tensors {
      table.append([
        tensor.name.plain.shortened(to: 60), tensor.shape.description, tensor.format.name,
        Numbers.grouped(tensor.byteCount), tensor.role?.words ?? "–",
      ])
    }
    return table.lines.joined(separator: "\n")
  }

  /// What the file says about itself, for a terminal: a line for each key.
  public var metadataTable: String {
    var table = TextTable([("key", .left), ("value", .left)])
    for entry in metadata {
      table.append([entry.key.plain.shortened(to: 48), entry.value.words])
    }
    return table.lines.joined(separator: "\n")
  }

  /// What the elements of tensors are like, for a terminal: a line each.
  public var statisticsTable: String {
    var table = TextTable([
      ("tensor", .left), ("mean", .right), ("std dev", .right), ("min", .right), ("max", .right),
      ("skewness", .right), ("ex. kurtosis", .right), ("past 6σ", .right), ("zeros", .right),
      ("NaN", .right), ("Inf", .right),
    ])
    func scientific(_ x: Double?) -> String { x.map(Numbers.scientific) ?? "–" }
    func fixed(_ x: Double?) -> String { x.map { Numbers.fixed($0, 2) } ?? "–" }
    for tensor in tensors {
      let name = tensor.name.plain.shortened(to: 56)
      guard let found = tensor.statistics else {
        table.append([name] + [String](repeating: "–", count: 10))
        continue
      }
      table.append([
        name, scientific(found.mean), scientific(found.standardDeviation),
        scientific(found.minimum), scientific(found.maximum), fixed(found.skewness),
        fixed(found.excessKurtosis), Numbers.grouped(found.outliers),
        Numbers.grouped(found.zeros), Numbers.grouped(found.notNumbers),
        Numbers.grouped(found.infinities),
      ])
    }
    return table.lines.joined(separator: "\n")
  }

  /// The distribution of each tensor that has a histogram, drawn for a terminal.
  /// - Parameter isLogarithmic: Whether the height of a bin is the logarithm of its count.
  public func histograms(isLogarithmic: Bool) -> String {
    tensors.compactMap { tensor in
      tensor.statistics?.histogram.map { histogram in
        (["  \(tensor.name.plain)  \(tensor.shape) \(tensor.format)"]
          + HistogramDrawing.lines(histogram, isLogarithmic: isLogarithmic)).joined(separator: "\n")
      }
    }.joined(separator: "\n\n")
  }

  // MARK: Tables of the summary

  private var parameterTable: [String] {
    var table = TextTable([("parameters", .left), ("", .right), ("", .right)])
    for role in ParameterRole.allCases {
      guard let count = parameters.byRole[role] else { continue }
      table.append([
        role.words, Numbers.grouped(count),
        Numbers.fixed(parameters.share(of: role) * 100, 1) + "%",
      ])
    }
    table.append([
      "total", Numbers.grouped(parameters.total), Numbers.scaled(parameters.total),
    ])
    return table.lines
  }

  private var parameterNotes: [String] {
    var notes: [String] = []
    if let experts = parameters.experts {
      let used = parameters.expertsUsed.map { "\($0) of \(experts) experts work" }
      if let active = parameters.active, let used {
        let share = Double(active) / Double(max(parameters.total, 1)) * 100
        notes.append(
          "mixture of experts: \(used) for a token, and so do \(Numbers.grouped(active)) "
            + "parameters (\(Numbers.scaled(active)), \(Numbers.fixed(share, 1))%)")
      } else {
        notes.append(
          "mixture of \(experts) experts; nothing says how many work for a token")
      }
    } else if parameters.total > 0 {
      notes.append("dense: every parameter works for every token")
    }
    if parameters.duplicates > 0 {
      notes.append(
        "the output is the embedding once more, and not counted: "
          + Numbers.counted(parameters.duplicates, "element"))
    } else if parameters.isTied {
      notes.append("the embedding is the output as well")
    }
    if parameters.constants > 0 {
      notes.append(
        "no parameters, and not counted: \(Numbers.counted(parameters.constants, "element")) of "
          + "integers, masks or frequencies")
    }
    return notes.map { "  " + $0 }
  }

  private var storageTable: [String] {
    var table = TextTable([
      ("stored as", .left), ("tensors", .right), ("elements", .right), ("bytes", .right),
      ("bits/weight", .right),
    ])
    for row in storage {
      table.append([
        row.format.name, Numbers.grouped(row.tensors), Numbers.grouped(row.elements),
        Numbers.bytes(row.byteCount),
        row.elements > 0
          ? Numbers.fixed(Double(row.byteCount) * 8 / Double(row.elements), 3) : "–",
      ])
    }
    return table.lines
  }

  private var memoryTable: [String] {
    var table = TextTable([
      ("memory", .left), ("bits/weight", .right), ("", .right), ("bytes", .right), ("", .left),
    ])
    for row in memory {
      table.append([
        row.name, row.bitsPerWeight.map { Numbers.fixed($0, 3) } ?? "–",
        Numbers.bytes(row.byteCount), Numbers.grouped(row.byteCount),
        row.fallbacks > 0 ? "\(Numbers.counted(row.fallbacks, "tensor")) in another format" : "",
      ])
    }
    return table.lines + [
      "",
      "  FP32 to INT4: bare parameters. Formats: all tensors, with scales, as a conversion to GGUF",
      "  writes them.",
    ]
  }
}

extension ParameterRole {
  /// The name in a table.
  fileprivate var words: String { self == .feedForward ? "feed-forward" : rawValue }
}

extension InspectionReport.Value {
  /// The value on a line of a table.
  fileprivate var words: String {
    switch self {
    case .text(let text): text.shortened(to: 72).plain
    case .integer(let number): String(number)
    case .number(let number): "\(number)"
    case .bool(let bool): String(bool)
    case .list(let elements, let count):
      "[" + elements.map { $0.element }.joined(separator: ", ")
        + (count > elements.count ? ", … \(Numbers.grouped(count)) in all" : "") + "]"
    }
  }

  /// The same among others.
  private var element: String {
    if case .text(let text) = self { "“\(text.shortened(to: 24).plain)”" } else { words }
  }
}

extension Numbers {
  /// 46702792704 as “46.7 B”: thousands, millions, billions, trillions.
  static func scaled(_ n: Int) -> String {
    var value = Double(n)
    for unit in ["", " K", " M", " B"] {
      if value < 999.95 { return unit.isEmpty ? String(n) : fixed(value, 1) + unit }
      value /= 1000
    }
    return fixed(value, 1) + " T"
  }
}
