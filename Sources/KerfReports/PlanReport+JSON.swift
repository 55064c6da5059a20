public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

// Other things hold on to the names of members.

extension PlanReport {
  /// The report as JSON, which ``FormatMix`` can be read from; keys in snake case, sorted; figures
  /// that are absent are null.
  public var json: String {
    var members: JSONMembers = [
      "kerf": kerfVersion, "isa": losses.instructionSet.rawValue, "source": losses.source,
      "container": losses.target, "rounding": rounding.rawValue, "weighted": losses.isWeighted,
      "measured_share": measuredShare, "seed": seed, "fits": fits, "budget": budget.name,
      "budget_bytes": budgetByteCount, "smallest_budget_bytes": smallestByteCount,
      "file_bytes": fileByteCount, "total_error": totalError,
      "total_error_standard_error": totalStandardError, "total": losses.total.json,
      "tensors": losses.rows.map(PlanReport.json), "presets": presets.map(\.json),
      "speed_estimate": speed?.json,
    ]
    members.add(memory.json)
    return JSONText.text(of: members)
  }

  private static func json(of row: LossReport.Row) -> JSONMembers {
    [
      "name": row.name, "shape": row.shape.dimensions, "source_format": row.sourceFormat.name,
      "format": row.format.name, "bytes": row.byteCount, "bits_per_weight": row.bitsPerWeight,
      "nmse": row.loss?.nmse, "sqnr_db": row.loss?.sqnr, "squared_error": row.loss?.squaredError,
    ]
  }
}

extension PlanReport.Memory {
  fileprivate var json: JSONMembers {
    [
      "weights_bytes": weights, "kv_cache_bytes": cache,
      "kv_cache_unknown": unknownCache?.description, "overhead_bytes": working.byteCount,
      "activation_bytes": working.activationByteCount, "memory_bytes": total,
      "context": extent.context, "batch": extent.sequences, "kv": extent.format.name,
    ]
  }
}

extension PlanReport.PresetRow {
  fileprivate var json: JSONMembers {
    [
      "name": name, "weights_bytes": weightByteCount, "file_bytes": fileByteCount,
      "memory_bytes": memoryByteCount, "fits": fits, "total_error": totalError,
    ]
  }
}

extension PlanReport.Speed {
  fileprivate var json: JSONMembers {
    [
      "active_bytes": activeByteCount, "read_gbps": readBytesPerSecond * 1e-9,
      "tokens_per_second_at_most": tokensPerSecond,
    ]
  }
}

extension Budget {
  /// What is limited, as options are called.
  fileprivate var name: String {
    switch self {
    case .memory: "memory"
    case .fileSize: "size"
    case .bitsPerWeight: "bits"
    }
  }
}
