public import KerfAnalysis
package import KerfCheckpoints
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

// Other things hold on to the names of members.

extension InspectionReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String {
    // Of two that have a name in common, the bare one is first, and stays.
    var bytes: JSONMembers = [:]
    for row in memory { bytes.add(row.key, row.byteCount) }
    var entries: JSONMembers = [:]
    for entry in metadata { entries.add(entry.key, entry.value) }
    let members: JSONMembers = [
      "kerf": kerfVersion, "source": source, "container": container, "file_bytes": fileByteCount,
      "architecture": model.architecture, "layers": model.layers, "parameters": parameters.json,
      "memory": bytes, "formats": memory.filter { !$0.isBare }.map(\.json),
      "storage": storage.map(\.json), "tensors": tensors.map { $0.json }, "metadata": entries,
    ]
    return JSONText.text(of: members)
  }
}

extension ParameterCounts {
  fileprivate var json: JSONMembers {
    var roles: JSONMembers = [:]
    for role in ParameterRole.allCases { roles.add(role.rawValue, byRole[role] ?? 0) }
    return [
      "total": total, "active": active, "by_role": roles, "experts": experts,
      "experts_used": expertsUsed, "tied": isTied, "duplicates": duplicates,
      "constants": constants,
    ]
  }
}

extension InspectionReport.Memory {
  fileprivate var json: JSONMembers {
    [
      "format": name, "bytes": byteCount, "bits_per_weight": bitsPerWeight, "fallbacks": fallbacks,
    ]
  }
}

extension InspectionReport.Storage {
  fileprivate var json: JSONMembers {
    ["format": format.name, "tensors": tensors, "elements": elements, "bytes": byteCount]
  }
}

extension InspectionReport.Tensor {
  fileprivate var json: JSONMembers {
    var members: JSONMembers = [
      "name": name, "shape": shape.dimensions, "elements": shape.count, "format": format.name,
      "bytes": byteCount, "role": role?.rawValue,
    ]
    if let statistics { members.add("statistics", statistics.json) }
    return members
  }
}

extension TensorStatistics {
  fileprivate var json: JSONMembers {
    var members: JSONMembers = [:]
    members.add(statisticCounts(self))
    members.add(statisticFigures(self))
    guard let histogram else { return members }
    let bins: JSONMembers = [
      "low": histogram.range.lowerBound, "high": histogram.range.upperBound,
      "counts": histogram.counts, "below": histogram.below, "above": histogram.above,
    ]
    members.add("histogram", bins)
    return members
  }
}

extension InspectionReport.Value: JSONRepresentable {
  package var jsonValue: JSONValue {
    switch self {
    case .text(let text): text.jsonValue
    case .integer(let number): number.jsonValue
    case .number(let number): number.jsonValue
    case .bool(let bool): bool.jsonValue
    case .list(let elements, let count):
      (["count": count, "first": elements] as JSONMembers).jsonValue
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
