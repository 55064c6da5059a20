public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

extension InspectionReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String { JSONText.text(of: JSONInspection(report: self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONInspection: Encodable {
  let report: InspectionReport

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(kerfVersion, forKey: "kerf")
    try json.encode(report.source, forKey: "source")
    try json.encode(report.container, forKey: "container")
    try json.encode(report.fileByteCount, forKey: "file_bytes")
    try json.encode(report.model.architecture, forKey: "architecture")
    try json.encode(report.model.layers, forKey: "layers")
    try json.encode(Parameters(counts: report.parameters), forKey: "parameters")
    var memory = json.nestedContainer(keyedBy: JSONKey.self, forKey: "memory")
    // Of two that have a name in common, the bare one is first, and stays.
    var keys: Set<String> = []
    for row in report.memory where keys.insert(row.key).inserted {
      try memory.encode(row.byteCount, forKey: JSONKey(stringValue: row.key))
    }
    try json.encode(report.memory.filter { !$0.isBare }.map(Memory.init), forKey: "formats")
    try json.encode(report.storage.map(Storage.init), forKey: "storage")
    try json.encode(report.tensors.map(Tensor.init), forKey: "tensors")
    var metadata = json.nestedContainer(keyedBy: JSONKey.self, forKey: "metadata")
    for entry in report.metadata {
      try metadata.encode(Value(value: entry.value), forKey: JSONKey(stringValue: entry.key))
    }
  }

  struct Parameters: Encodable {
    let counts: ParameterCounts

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(counts.total, forKey: "total")
      try json.encode(counts.active, forKey: "active")
      var roles = json.nestedContainer(keyedBy: JSONKey.self, forKey: "by_role")
      for role in ParameterRole.allCases {
        try roles.encode(counts.byRole[role] ?? 0, forKey: JSONKey(stringValue: role.rawValue))
      }
      try json.encode(counts.experts, forKey: "experts")
      try json.encode(counts.expertsUsed, forKey: "experts_used")
      try json.encode(counts.isTied, forKey: "tied")
      try json.encode(counts.duplicates, forKey: "duplicates")
      try json.encode(counts.constants, forKey: "constants")
    }
  }

  struct Memory: Encodable {
    let row: InspectionReport.Memory

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.name, forKey: "format")
      try json.encode(row.byteCount, forKey: "bytes")
      try json.encode(row.bitsPerWeight, forKey: "bits_per_weight")
      try json.encode(row.fallbacks, forKey: "fallbacks")
    }
  }

  struct Storage: Encodable {
    let row: InspectionReport.Storage

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.format.name, forKey: "format")
      try json.encode(row.tensors, forKey: "tensors")
      try json.encode(row.elements, forKey: "elements")
      try json.encode(row.byteCount, forKey: "bytes")
    }
  }

  struct Tensor: Encodable {
    let tensor: InspectionReport.Tensor

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(tensor.name, forKey: "name")
      try json.encode(tensor.shape.dimensions, forKey: "shape")
      try json.encode(tensor.shape.count, forKey: "elements")
      try json.encode(tensor.format.name, forKey: "format")
      try json.encode(tensor.byteCount, forKey: "bytes")
      try json.encode(tensor.role?.rawValue, forKey: "role")
      if let statistics = tensor.statistics {
        try json.encode(Statistics(statistics: statistics), forKey: "statistics")
      }
    }
  }

  struct Statistics: Encodable {
    let statistics: TensorStatistics

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      for (name, count) in statisticCounts(statistics) {
        try json.encode(count, forKey: JSONKey(stringValue: name))
      }
      for (name, figure) in statisticFigures(statistics) {
        try json.encode(figure, forKey: JSONKey(stringValue: name))
      }
      guard let histogram = statistics.histogram else { return }
      var bins = json.nestedContainer(keyedBy: JSONKey.self, forKey: "histogram")
      try bins.encode(histogram.range.lowerBound, forKey: "low")
      try bins.encode(histogram.range.upperBound, forKey: "high")
      try bins.encode(histogram.counts, forKey: "counts")
      try bins.encode(histogram.below, forKey: "below")
      try bins.encode(histogram.above, forKey: "above")
    }
  }

  struct Value: Encodable {
    let value: InspectionReport.Value

    func encode(to encoder: any Encoder) throws {
      if case .list(let elements, let count) = value {
        var json = encoder.container(keyedBy: JSONKey.self)
        try json.encode(count, forKey: "count")
        try json.encode(elements.map(Value.init), forKey: "first")
        return
      }
      var json = encoder.singleValueContainer()
      switch value {
      case .text(let text): try json.encode(text)
      case .integer(let number): try json.encode(number)
      case .number(let number):
        if number.isFinite { try json.encode(number) } else { try json.encodeNil() }
      case .bool(let bool): try json.encode(bool)
      case .list: break
      }
    }
  }
}

/// The figures of statistics by the names that JSON and CSV give them.
func statisticFigures(_ statistics: TensorStatistics?) -> [(name: String, value: Double?)] {
  [
    ("min", statistics?.minimum), ("max", statistics?.maximum), ("mean", statistics?.mean),
    ("std", statistics?.standardDeviation), ("skewness", statistics?.skewness),
    ("excess_kurtosis", statistics?.excessKurtosis),
  ]
}

func statisticCounts(_ statistics: TensorStatistics?) -> [(name: String, value: Int?)] {
  [
    ("finite", statistics?.count), ("outliers", statistics?.outliers),
    ("zeros", statistics?.zeros), ("nan", statistics?.notNumbers),
    ("inf", statistics?.infinities),
  ]
}
