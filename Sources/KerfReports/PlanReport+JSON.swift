public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

extension PlanReport {
  /// The report as JSON, which ``FormatMix`` can be read from; keys in snake case, sorted; figures
  /// that are absent are null.
  public var json: String { JSONText.text(of: JSONPlan(plan: self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONPlan: Encodable {
  let plan: PlanReport

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(kerfVersion, forKey: "kerf")
    try json.encode(plan.losses.instructionSet.rawValue, forKey: "isa")
    try json.encode(plan.losses.source, forKey: "source")
    try json.encode(plan.losses.target, forKey: "container")
    try json.encode(plan.rounding.rawValue, forKey: "rounding")
    try json.encode(plan.losses.isWeighted, forKey: "weighted")
    try json.encode(plan.measuredShare, forKey: "measured_share")
    try json.encode(plan.seed, forKey: "seed")

    try json.encode(plan.fits, forKey: "fits")
    try json.encode(plan.budget.name, forKey: "budget")
    try json.encode(plan.budgetByteCount, forKey: "budget_bytes")
    try json.encode(plan.smallestByteCount, forKey: "smallest_budget_bytes")
    try json.encode(plan.memory.weights, forKey: "weights_bytes")
    try json.encode(plan.fileByteCount, forKey: "file_bytes")
    try json.encode(plan.memory.cache, forKey: "kv_cache_bytes")
    try json.encode(plan.memory.unknownCache?.description, forKey: "kv_cache_unknown")
    try json.encode(plan.memory.working.byteCount, forKey: "overhead_bytes")
    try json.encode(plan.memory.working.activationByteCount, forKey: "activation_bytes")
    try json.encode(plan.memory.total, forKey: "memory_bytes")
    try json.encode(plan.memory.extent.context, forKey: "context")
    try json.encode(plan.memory.extent.sequences, forKey: "batch")
    try json.encode(plan.memory.extent.format.name, forKey: "kv")

    try json.encode(plan.totalError, forKey: "total_error")
    try json.encode(plan.totalStandardError, forKey: "total_error_standard_error")
    try json.encode(JSONTotal(plan.losses.total), forKey: "total")
    try json.encode(plan.losses.rows.map(Row.init), forKey: "tensors")
    try json.encode(plan.presets.map(Preset.init), forKey: "presets")
    try json.encode(plan.speed.map(Speed.init), forKey: "speed_estimate")
  }

  struct Row: Encodable {
    let row: LossReport.Row

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.name, forKey: "name")
      try json.encode(row.shape.dimensions, forKey: "shape")
      try json.encode(row.sourceFormat.name, forKey: "source_format")
      try json.encode(row.format.name, forKey: "format")
      try json.encode(row.byteCount, forKey: "bytes")
      try json.encode(row.bitsPerWeight, forKey: "bits_per_weight")
      try json.encode(row.loss?.nmse, forKey: "nmse")
      try json.encode(row.loss?.sqnr, forKey: "sqnr_db")
      try json.encode(row.loss?.squaredError, forKey: "squared_error")
    }
  }

  struct Preset: Encodable {
    let row: PlanReport.PresetRow

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.name, forKey: "name")
      try json.encode(row.weightByteCount, forKey: "weights_bytes")
      try json.encode(row.fileByteCount, forKey: "file_bytes")
      try json.encode(row.memoryByteCount, forKey: "memory_bytes")
      try json.encode(row.fits, forKey: "fits")
      try json.encode(row.totalError, forKey: "total_error")
    }
  }

  struct Speed: Encodable {
    let speed: PlanReport.Speed

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(speed.activeByteCount, forKey: "active_bytes")
      try json.encode(speed.readBytesPerSecond * 1e-9, forKey: "read_gbps")
      try json.encode(speed.tokensPerSecond, forKey: "tokens_per_second_at_most")
    }
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
