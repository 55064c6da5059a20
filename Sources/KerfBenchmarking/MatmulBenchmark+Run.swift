internal import CProcessor
internal import KerfCodecs
internal import KerfElements
public import KerfMatmul

extension MatmulBenchmark {
  /// Measures.
  ///
  /// - Parameter progress: Told of each contest before it starts: its number, how many there are,
  ///   and a name for people.
  /// - Precondition: Rows of every layer end on a block of every format.
  /// - Throws: ``MatmulError``: too little memory to count.
  public func run(
    progress: (_ done: Int, _ of: Int, _ name: String) -> Void = { _, _, _ in }
  ) throws(MatmulError) -> MatmulReport {
    let table = try MatmulBenchmark.table()
    let memory = YardstickMemory(atLeast: min(readByteCount, MatmulBenchmark.memoryByteCount / 8))
    var meters = Meters(threads, table.yardsticks)
    var found: [MatmulReport.Row] = []
    var sgemm: [MatmulReport.Row] = []
    let contests = formats.count * layers.count * rows.count * threads.count
    var done = 0
    for layer in layers {
      let floats =
        cores.contains(.f32) && MatmulBenchmark.hasOpenBLAS
        ? Operands(f32: layer, copies: copies) : nil
      sgemm.removeAll()
      for weights in formats {
        guard let format = weights.format(filling: layer.k) else {
          preconditionFailure("rows of \(layer.k) do not end on a block of \(weights)")
        }
        let operands = try Operands(
          format, layer, copies: copies, cores: cores.filter { canRun($0, format, table) })
        for m in rows {
          let activations = Activations(m, layer)
          for threads in threads {
            progress(done, contests, "\(format) \(m) × \(layer.n) × \(layer.k)")
            done += 1
            meters.measure(memory)
            let contest = Match(
              operands: operands, floats: floats, activations: activations, threads: threads)
            for row in try contest.rows(seconds: seconds) {
              if row.core == .f32 { sgemm.keepBest(row) } else { found.append(row) }
            }
          }
        }
      }
      found += sgemm
    }
    meters.measure(memory)
    return MatmulReport(
      machine: facts(table, memory, meters.results(memory)), rows: found)
  }

  private func canRun(_ core: Core, _ format: Format, _ table: KernelTable) -> Bool {
    switch core {
    case .integer: table.packed(format) != nil
    case .openblas: MatmulBenchmark.hasOpenBLAS
    case .f32: false
    }
  }

  private func facts(
    _ table: KernelTable, _ memory: borrowing YardstickMemory,
    _ yardsticks: [MachineFacts.Yardsticks]
  ) -> MachineFacts {
    MachineFacts(
      processor: MatmulBenchmark.processorName, processorCount: Int(kerf_processor_count()),
      instructionSet: table.instructionSet, dotInstructions: table.yardsticks.dotInstructions,
      cacheByteCount: MatmulBenchmark.cacheByteCount, readByteCount: memory.byteCount,
      openBLAS: cores.contains { $0 != .integer } ? SgemmYardstick.kernels : nil,
      replacedOpenBLAS: cores.contains { $0 != .integer } ? SgemmYardstick.replacedKernels : nil,
      yardsticks: yardsticks)
  }

  private static func table() throws(MatmulError) -> KernelTable {
    do throws(CodecError) { return try KernelTable.current() } catch { throw .codec(error) }
  }
}

extension [MatmulReport.Row] {
  /// Adds a row, or improves the one of the same product.
  fileprivate mutating func keepBest(_ row: MatmulReport.Row) {
    guard let index = firstIndex(where: { $0.m == row.m && $0.threads == row.threads }) else {
      return append(row)
    }
    self[index].seconds = Swift.min(self[index].seconds, row.seconds)
    self[index].turns += row.turns
  }
}

/// Yardsticks for each number of threads.
private struct Meters {
  private var meters: [YardstickMeter]

  init(_ threads: [Int], _ kernels: YardstickKernels) {
    meters = threads.map { YardstickMeter(threads: $0, kernels) }
  }

  mutating func measure(_ memory: borrowing YardstickMemory) {
    for index in meters.indices { meters[index].measure(memory) }
  }

  func results(_ memory: borrowing YardstickMemory) -> [MachineFacts.Yardsticks] {
    var results: [MachineFacts.Yardsticks] = []
    for meter in meters { results.append(meter.result(memory)) }
    return results
  }
}
