public import KerfBenchmarking
internal import KerfElements

// Other things hold on to the names of members.

extension MatmulReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String {
    let members: JSONMembers = [
      "kerf": kerfVersion, "machine": machine.json, "rows": rows.map(json),
    ]
    return JSONText.text(of: members)
  }

  private func json(of row: Row) -> JSONMembers {
    [
      "format": row.format.name, "core": row.core.rawValue, "m": row.m, "n": row.layer.n,
      "k": row.layer.k, "threads": row.threads, "seconds": row.seconds,
      "gops": row.operationsPerSecond * 1e-9, "weight_gbps": row.weightBytesPerSecond * 1e-9,
      "weight_bytes": row.weightByteCount, "rotated_bytes": row.rotatedByteCount,
      "from_memory": isFromMemory(row), "turns": row.turns,
      "ratio_to_sgemm": ratioToSgemm(row), "ratio_to_int8_peak": ratioToDotPeak(row),
      "ratio_to_read": ratioToRead(row), "relative_error": row.relativeError,
    ]
  }
}

extension MachineFacts {
  /// The yardsticks of the largest number of threads, and below `by_threads` those of each.
  fileprivate var json: JSONMembers {
    var members: JSONMembers = [
      "cpu": processor, "processors": processorCount, "isa": instructionSet.rawValue,
      "int8_dot_instructions": dotInstructions, "cache_bytes": cacheByteCount,
      "read_bytes": readByteCount, "openblas_kernels": openBLAS,
      "openblas_kernels_replaced": replacedOpenBLAS, "by_threads": yardsticks.map(\.json),
    ]
    if let most = yardsticks.max(by: { $0.threads < $1.threads }) { members.add(most.json) }
    return members
  }
}

extension MachineFacts.Yardsticks {
  fileprivate var json: JSONMembers {
    [
      "threads": threads, "int8_dot_peak_gops": dotOperationsPerSecond * 1e-9,
      "f32_fma_peak_gflops": floatOperationsPerSecond * 1e-9,
      "read_gbps": readBytesPerSecond * 1e-9, "memcpy_gbps": copyBytesPerSecond * 1e-9,
    ]
  }
}
