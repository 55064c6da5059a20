public import KerfBenchmarking
internal import KerfElements

extension MatmulReport {
  /// The report for a terminal.
  public var text: String {
    ([heading, ""] + machineTable.lines + [""] + table.lines + [""] + legend)
      .joined(separator: "\n")
  }

  private var heading: String {
    let name = machine.processor.plain.trimmed
    return "\(name), \(Numbers.counted(machine.processorCount, "processor")), "
      + "\(machine.instructionSet.rawValue) kernels"
      + (machine.openBLAS.map { ", OpenBLAS with its \($0) kernels" } ?? "")
  }

  private var machineTable: TextTable {
    var table = TextTable([
      ("at best", .left), ("threads", .right), ("int8 Gop/s", .right), ("f32 Gflop/s", .right),
      ("read GB/s", .right), ("memcpy GB/s", .right),
    ])
    for best in machine.yardsticks {
      table.append([
        machine.dotInstructions, "\(best.threads)",
        Numbers.fixed(best.dotOperationsPerSecond * 1e-9, 0),
        Numbers.fixed(best.floatOperationsPerSecond * 1e-9, 0),
        Numbers.fixed(best.readBytesPerSecond * 1e-9, 1),
        Numbers.fixed(best.copyBytesPerSecond * 1e-9, 1),
      ])
    }
    return table
  }

  private var table: TextTable {
    var table = TextTable([
      ("weights", .left), ("core", .left), ("M", .right), ("N × K", .right), ("threads", .right),
      ("ms", .right), ("Gop/s", .right), ("GB/s", .right), ("× sgemm", .right),
      ("÷ int8 peak", .right), ("÷ read", .right), ("error", .right),
    ])
    func ratio(_ x: Double?) -> String { x.map { Numbers.fixed($0, 2) } ?? "–" }
    for row in rows {
      table.append([
        row.format.name, row.core.rawValue, "\(row.m)", "\(row.layer.n) × \(row.layer.k)",
        "\(row.threads)", Numbers.fixed(row.seconds * 1e3, 3),
        Numbers.fixed(row.operationsPerSecond * 1e-9, 1),
        Numbers.fixed(row.weightBytesPerSecond * 1e-9, 2) + (isFromMemory(row) ? "" : "*"),
        ratio(ratioToSgemm(row)), ratio(ratioToDotPeak(row)), ratio(ratioToRead(row)),
        row.relativeError.map { Numbers.scientific($0) } ?? "–",
      ])
    }
    return table
  }

  private var legend: [String] {
    var lines = [
      "Times are the best of several turns. GB/s: bytes of weights. × sgemm: how many times as fast",
      "as OpenBLAS with weights that are f32. Peak and read: the same threads, in this run; read from",
      "\(Numbers.bytes(machine.readByteCount)). Error: relative to the f64 product of the decoded "
        + "weights, in a sample of at most 32 rows",
      "and 32 columns of Y.",
    ]
    if !rows.allSatisfy(isFromMemory) {
      lines.append(
        "* All copies of the weights fit the cache of \(Numbers.bytes(machine.cacheByteCount)): "
          + "not a reading from memory.")
    }
    return lines
  }
}

extension String {
  /// Without blanks at its ends.
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
