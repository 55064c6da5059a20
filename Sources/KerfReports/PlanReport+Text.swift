public import KerfAnalysis
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

extension PlanReport {
  /// The report for a terminal: memory item by item, what the field's mixes would take, the plan in
  /// short, and what it costs.
  public var text: String {
    ([heading, ""] + memoryTable + [""] + presetTable + [""] + mixTable + [""] + summary)
      .joined(separator: "\n")
  }

  /// What a user should know besides, a line each.
  public var remarks: [String] {
    var remarks: [String] = []
    if case .memory = budget, let reason = memory.unknownCache {
      remarks.append("keys and values are not counted: \(reason.description.plain)")
    }
    if !holdsBlocks {
      remarks.append("safetensors holds no blocks: nothing smaller than f16 and bf16 is planned")
    }
    return remarks
  }

  /// Why nothing fits, and what would, in a line.
  public var whyNothingFits: String {
    let items = [
      "weights \(Numbers.bytes(memory.weights))",
      "keys and values \(memory.cache.map(Numbers.bytes) ?? "unknown")",
      "computing \(Numbers.bytes(memory.working.byteCount))",
    ]
    let smallest: String =
      switch budget {
      case .memory: "\(Numbers.bytes(smallestByteCount)) (\(items.joined(separator: ", ")))"
      case .fileSize:
        "\(Numbers.bytes(smallestByteCount)) (\(Numbers.grouped(smallestByteCount)) bytes)"
      case .bitsPerWeight: "\(bits(smallestByteCount)) bits/weight"
      }
    return "\(losses.source): nothing fits \(limit); the smallest that these formats make takes "
      + smallest
  }

  private var heading: String {
    let share =
      measuredShare < 1
      ? "a sample of \(Numbers.fixed(measuredShare * 100, 1))% measured" : "everything measured"
    return "\(losses.source): a plan for \(limit), to \(losses.target)  "
      + "(\(rounding.rawValue) rounding, \(losses.instructionSet.rawValue), \(share))"
  }

  private var limit: String {
    switch budget {
    case .memory(let count): "\(Numbers.bytes(count)) of memory"
    case .fileSize(let count): "a file of \(Numbers.bytes(count))"
    case .bitsPerWeight(let bits): "\(Numbers.fixed(bits, 3)) bits/weight"
    }
  }

  private func bits(_ byteCount: Int) -> String {
    Numbers.fixed(Double(byteCount) * 8 / Double(max(losses.total.elements, 1)), 3)
  }

  private var memoryTable: [String] {
    var table = TextTable([("memory", .left), ("bytes", .right), ("", .left)])
    table.append([
      "weights", Numbers.bytes(memory.weights),
      "\(bits(memory.weights)) bits/weight; the file has \(Numbers.grouped(fileByteCount)) bytes",
    ])
    let extent = memory.extent
    let cache =
      "\(Numbers.counted(extent.context, "token")) × "
      + "\(Numbers.counted(extent.sequences, "sequence")), \(extent.format)"
    let remark =
      switch (memory.cache, memory.unknownCache) {
      case (0, _): "an encoder keeps none"
      case (_, let reason?): "not counted: " + reason.description.plain
      default: cache
      }
    table.append(["keys and values", memory.cache.map(Numbers.bytes) ?? "unknown", remark])
    table.append([
      "activations", Numbers.bytes(memory.working.activationByteCount),
      "estimate: \(WorkingMemory.tokens) tokens at a time, or the context",
    ])
    table.append(["program", Numbers.bytes(memory.working.programByteCount), "estimate"])
    let room =
      if case .memory(let count) = budget { "of \(Numbers.bytes(count))" } else { "" }
    table.append(["total", Numbers.bytes(memory.total), room])
    return table.lines
  }

  private var presetTable: [String] {
    var table = TextTable([
      ("what fits", .left), ("weights", .right), ("bits/weight", .right), ("memory", .right),
      ("", .left), ("total error", .right),
    ])
    func append(_ name: String, _ weights: Int, _ memory: Int, _ fits: Bool, _ error: Double?) {
      table.append([
        name, Numbers.bytes(weights), bits(weights), Numbers.bytes(memory), fits ? "fits" : "–",
        error.map { Numbers.scientific($0) } ?? "",
      ])
    }
    var isListed = false
    for preset in presets {
      if !isListed, preset.weightByteCount <= memory.weights {
        append("this plan", memory.weights, memory.total, fits, totalError)
        isListed = true
      }
      append(
        preset.name, preset.weightByteCount, preset.memoryByteCount, preset.fits,
        preset.totalError)
    }
    if !isListed { append("this plan", memory.weights, memory.total, fits, totalError) }
    return table.lines
  }

  private var mixTable: [String] {
    var table = TextTable([
      ("format", .left), ("tensors", .right), ("bytes", .right), ("SQNR", .right), ("", .left),
    ])
    for format in Format.allCases.sorted(by: { $0.bitsPerWeight > $1.bitsPerWeight }) {
      let rows = losses.rows.filter { $0.format == format }
      guard !rows.isEmpty else { continue }
      let loss = Loss.total(rows.compactMap(\.loss))
      var counts: [(String, Int)] = []
      for row in rows {
        let name = TensorRole(name: row.name).group
        if let index = counts.firstIndex(where: { $0.0 == name }) {
          counts[index].1 += 1
        } else {
          counts.append((name, 1))
        }
      }
      table.append([
        format.name, Numbers.grouped(rows.count),
        Numbers.bytes(rows.reduce(0) { $0 + $1.byteCount }),
        loss.sqnr.map { Numbers.fixed($0, 2) + " dB" } ?? (loss.count > 0 ? "exact" : "–"),
        counts.map { "\($0.0) \(Numbers.grouped($0.1))" }.joined(separator: ", "),
      ])
    }
    return table.lines
  }

  private var summary: [String] {
    var lines: [String] = []
    if let totalError, let loss = losses.total.loss {
      let kind = losses.isWeighted ? "weighted by importance" : "over all tensors"
      lines.append(
        "Total squared error \(kind): \(Numbers.scientific(totalError))"
          + (totalStandardError.map { " ± \(Numbers.scientific($0))" } ?? "")
          + (loss.sqnr.map { ", SQNR \(Numbers.fixed($0, 2)) dB" } ?? ", nothing is lost"))
    }
    // The nearest ones, on either side of the budget.
    let measured = presets.filter { $0.totalError != nil }
    let nearest = [measured.last { !$0.fits }, measured.first { $0.fits }].compactMap(\.self)
    for preset in nearest {
      guard let error = preset.totalError, let totalError, error > 0 else { continue }
      let less = (1 - totalError / error) * 100
      let size = Double(memory.weights) / Double(max(preset.weightByteCount, 1)) * 100
      lines.append(
        "\(preset.name): \(Numbers.scientific(error)); this plan leaves "
          + "\(Numbers.fixed(abs(less), 1))% \(less < 0 ? "more" : "less"), in "
          + "\(Numbers.fixed(size, 1))% of its bytes")
    }
    if let speed {
      lines.append(
        "At most \(Numbers.fixed(speed.tokensPerSecond, 1)) tokens/s, an estimate: each takes "
          + "\(Numbers.bytes(speed.activeByteCount)) of weights, and this machine reads "
          + "\(Numbers.fixed(speed.readBytesPerSecond * 1e-9, 1)) GB/s")
    }
    return lines
  }
}

extension TensorRole {
  /// What a tensor is for, in a word.
  fileprivate var group: String {
    switch part {
    case .tokenEmbedding: "embedding"
    case .output: "output"
    case .attentionQuery: "query"
    case .attentionKey: "key"
    case .attentionValue: "value"
    case .attentionFused, .attentionKeyValue: "attention"
    case .attentionOutput: "attention output"
    case .feedForwardGate: "gate"
    case .feedForwardUp: "up"
    case .feedForwardDown: "down"
    case .norm, .bias: "norm and bias"
    case .positionEmbedding: "position"
    case .router: "router"
    default: "other"
    }
  }
}
