// What some layouts want to know of a whole matrix before its first weight is encoded.
//
//     divisor   the largest weight
//     shared    the largest of the scales that reference rounding takes
//     nested    all scales, which are quantized themselves
//
// Scales are found by encoding weights for a sink that keeps nothing else.

internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
internal import KerfLayouts
internal import Synchronization

struct ScaleDecisions {
  let input: Checkpoint
  let placed: [TensorDescription]
  let passages: [Passage]
  let importance: ModelImportance?
  let rounding: Rounding
  let threads: Int
  let table: KernelTable

  /// What a matrix is written with.
  struct Decision {
    let scales: MatrixScales
    let passage: Passage
  }

  /// Decides for matrices, by their numbers.
  func decide(_ kinds: [Int: MatrixScales.Kind]) throws(ConversionError) -> [Int: Decision] {
    let divided = kinds.filter { $0.value == .divisor }.keys.sorted()
    let largest = try Largest.magnitudes(of: divided, in: input, threads: threads, table)
    let scales = try survey(kinds.filter { $0.value != .divisor })
    var decisions: [Int: Decision] = [:]
    for (index, kind) in kinds {
      let decision: Decision?
      switch kind {
      case .divisor: decision = divisor(index, largest[index] ?? 0)
      case .shared: decision = scales[index].flatMap { shared(index, $0) }
      case .nested(let length): decision = scales[index].flatMap { nested(index, $0, length) }
      }
      guard let decision else {
        throw .notYet(
          input.path, tensor: input.tensors[index].name, from: input.tensors[index].format,
          to: placed[index].format)
      }
      decisions[index] = decision
    }
    return decisions
  }

  private func divisor(_ index: Int, _ largest: Float) -> Decision? {
    guard case .group(let group) = placed[index].format else { return nil }
    var divisor = group.scaleDivisor(largest: largest)
    // Dividing by a power of two rounds nothing, in whatever precision a loader does it.
    if rounding == .optimal {
      divisor = Float(sign: .plus, exponent: divisor.exponent, significand: 1)
    }
    return Passage(
      from: input.tensors[index].format, to: .group(group), rounding: rounding, divisor: divisor,
      table: table
    ).map { Decision(scales: .divisor(divisor), passage: $0) }
  }

  private func shared(_ index: Int, _ scales: SharedScales) -> Decision? {
    guard case .group(let group) = placed[index].format,
      let bytes = group.scale.bytes(scales.values, table)
    else { return nil }
    return passages[index].scaled(scales, .nearest, table: table).map {
      Decision(scales: .shared(bytes), passage: $0)
    }
  }

  /// Readers see scales that have been rounded. The public code does not look at weights again.
  private func nested(_ index: Int, _ scales: SharedScales, _ length: Int) -> Decision? {
    let nested = NestedScales(scales.values)
    precondition(length == NestedScales.length, "scales of \(length) scales")
    return passages[index].scaled(
      SharedScales(nested.values), rounding == .optimal ? .nearest : .kept, table: table
    ).map {
      Decision(
        scales: .nested(
          nested.codes,
          Plane.Nested(
            map: NestedScales.numbers, absmax: nested.largest, offset: nested.offset,
            length: length)), passage: $0)
    }
  }

  /// The scales that matrices have without being told, or the largest that rows share.
  private func survey(
    _ kinds: [Int: MatrixScales.Kind]
  ) throws(ConversionError) -> [Int: SharedScales] {
    var passages = passages
    var scales: [Int: SharedScales] = [:]
    for (index, kind) in kinds {
      let (from, placed) = (input.tensors[index], placed[index])
      let groupsPerRow = placed.shape.columns / placed.format.elementsPerBlock
      var rows = 1
      if case .shared(let sharing) = kind {
        rows = sharing.rowsPerScale(of: placed.shape.rows)
        passages[index] =
          Passage(from: from.format, to: placed.format, rounding: .reference, table: table)
          ?? passages[index]
      }
      scales[index] = SharedScales(
        rows: placed.shape.rows, groupsPerRow: groupsPerRow, rowsPerScale: rows)
    }
    let sink = ScaleSink(scales, placed, table)
    _ = try Pipeline(
      input: input, output: sink, placed: placed, units: placed.map { _ in 1 },
      passages: passages, importance: importance, isMeasuring: false,
      progress: ConversionProgress()
    ).run(kinds.keys.sorted(), threads: threads)
    return sink.scales.withLock { $0 }
  }
}

/// Keeps the scales of groups, and nothing else.
private final class ScaleSink: Sink {
  let scales: Mutex<[Int: SharedScales]>
  private let placed: [TensorDescription]
  private let table: KernelTable

  init(_ scales: [Int: SharedScales], _ placed: [TensorDescription], _ table: KernelTable) {
    self.scales = Mutex(scales)
    self.placed = placed
    self.table = table
  }

  func write(
    _ bytes: UnsafeRawBufferPointer, of tensor: Int, at offset: Int,
    spare: UnsafeMutableRawPointer
  ) throws(ConversionError) {
    guard case .group(let group) = placed[tensor].format, let blocks = bytes.baseAddress,
      let decode = table.codec(group.scale.float)?.decode
    else { return }
    let (count, width) = (bytes.count / group.byteCount, group.scale.byteCount)
    for block in 0..<count {
      (spare + block * width).copyMemory(
        from: blocks + block * group.byteCount, byteCount: width)
    }
    let found = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if let base = buffer.baseAddress { decode(spare, base, count) }
      initialized = count
    }
    found.withUnsafeBufferPointer { found in
      scales.withLock { $0[tensor]?.take(found, from: offset / group.byteCount) }
    }
  }

  func commit() {}
}

extension GroupFormat.Scale {
  /// Scales as they are stored; `nil` for those that are no floating-point type of weights.
  fileprivate func bytes(_ scales: [Float], _ table: KernelTable) -> [UInt8]? {
    guard byteCount > 1, let encode = table.codec(float)?.encode(.reference) else { return nil }
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    return [UInt8](unsafeUninitializedCapacity: scales.count * byteCount) { buffer, initialized in
      if let base = buffer.baseAddress {
        encode(scales, base, scales.count, workspace.baseAddress)
      }
      initialized = buffer.count
    }
  }
}
