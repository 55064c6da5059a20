public import KerfBenchmarking
internal import KerfElements

extension MatmulReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String { JSONText.text(of: JSONMatmulReport(report: self)) }
}

/// The shape of the JSON; other things hold on to its names.
private struct JSONMatmulReport: Encodable {
  let report: MatmulReport

  func encode(to encoder: any Encoder) throws {
    var json = encoder.container(keyedBy: JSONKey.self)
    try json.encode(kerfVersion, forKey: "kerf")
    try json.encode(Machine(facts: report.machine), forKey: "machine")
    try json.encode(report.rows.map { Row(row: $0, report: report) }, forKey: "rows")
  }

  /// The yardsticks of the largest number of threads, and below `by_threads` those of each.
  struct Machine: Encodable {
    let facts: MachineFacts

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(facts.processor, forKey: "cpu")
      try json.encode(facts.processorCount, forKey: "processors")
      try json.encode(facts.instructionSet.rawValue, forKey: "isa")
      try json.encode(facts.dotInstructions, forKey: "int8_dot_instructions")
      try json.encode(facts.cacheByteCount, forKey: "cache_bytes")
      try json.encode(facts.readByteCount, forKey: "read_bytes")
      try json.encode(facts.openBLAS, forKey: "openblas_kernels")
      try json.encode(facts.replacedOpenBLAS, forKey: "openblas_kernels_replaced")
      if let most = facts.yardsticks.max(by: { $0.threads < $1.threads }) {
        try Yardsticks(yardsticks: most).encode(into: &json)
      }
      try json.encode(facts.yardsticks.map(Yardsticks.init), forKey: "by_threads")
    }
  }

  struct Yardsticks: Encodable {
    let yardsticks: MachineFacts.Yardsticks

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try encode(into: &json)
    }

    func encode(into json: inout KeyedEncodingContainer<JSONKey>) throws {
      try json.encode(yardsticks.threads, forKey: "threads")
      try json.encode(yardsticks.dotOperationsPerSecond * 1e-9, forKey: "int8_dot_peak_gops")
      try json.encode(yardsticks.floatOperationsPerSecond * 1e-9, forKey: "f32_fma_peak_gflops")
      try json.encode(yardsticks.readBytesPerSecond * 1e-9, forKey: "read_gbps")
      try json.encode(yardsticks.copyBytesPerSecond * 1e-9, forKey: "memcpy_gbps")
    }
  }

  struct Row: Encodable {
    let row: MatmulReport.Row
    let report: MatmulReport

    func encode(to encoder: any Encoder) throws {
      var json = encoder.container(keyedBy: JSONKey.self)
      try json.encode(row.format.name, forKey: "format")
      try json.encode(row.core.rawValue, forKey: "core")
      try json.encode(row.m, forKey: "m")
      try json.encode(row.layer.n, forKey: "n")
      try json.encode(row.layer.k, forKey: "k")
      try json.encode(row.threads, forKey: "threads")
      try json.encode(row.seconds, forKey: "seconds")
      try json.encode(row.operationsPerSecond * 1e-9, forKey: "gops")
      try json.encode(row.weightBytesPerSecond * 1e-9, forKey: "weight_gbps")
      try json.encode(row.weightByteCount, forKey: "weight_bytes")
      try json.encode(row.rotatedByteCount, forKey: "rotated_bytes")
      try json.encode(report.isFromMemory(row), forKey: "from_memory")
      try json.encode(row.turns, forKey: "turns")
      try json.encode(report.ratioToSgemm(row), forKey: "ratio_to_sgemm")
      try json.encode(report.ratioToDotPeak(row), forKey: "ratio_to_int8_peak")
      try json.encode(report.ratioToRead(row), forKey: "ratio_to_read")
      try json.encode(row.relativeError, forKey: "relative_error")
    }
  }
}
