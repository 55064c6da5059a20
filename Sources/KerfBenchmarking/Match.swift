internal import KerfCodecs
internal import KerfElements
internal import KerfMatmul

/// Rows of activations, as norms leave them.
struct Activations {
  let m: Int
  let x: Tensor

  init(_ m: Int, _ layer: MatmulBenchmark.Layer) {
    self.m = m
    x = Sample.matrix(rows: m, columns: layer.k, deviation: 1, offset: 500_009)
  }
}

/// One product, in which the cores compete.
struct Match {
  let operands: Operands
  let floats: Operands?
  let activations: Activations
  let threads: Int

  private var cores: [MatmulBenchmark.Core] {
    (operands.packed.isEmpty ? [] : [.integer]) + (operands.stored.isEmpty ? [] : [.openblas])
      + (floats == nil ? [] : [.f32])
  }

  func rows(seconds: Double) throws(MatmulError) -> [MatmulReport.Row] {
    let cores = cores
    let layer = operands.layer
    var y = Sample.matrix(rows: activations.m, columns: layer.n, deviation: 0)
    var turn = cores.map { _ in 0 }
    let contest = try Contest(
      cores.count, stopwatch: Stopwatch(threads: threads), seconds: seconds
    ) { index throws(MatmulError) in
      turn[index] += 1
      try multiply(cores[index], copy: turn[index], into: &y)
    }
    let errors = try errors(cores, &y)
    return cores.indices.map { index in
      let core = cores[index]
      let operands = core == .f32 ? floats! : operands
      return MatmulReport.Row(
        format: operands.format, core: core, m: activations.m, layer: layer, threads: threads,
        seconds: contest.best[index], weightByteCount: operands.byteCount(core),
        rotatedByteCount: operands.byteCount(core) * operands.copies(core),
        relativeError: errors[index], turns: contest.turns)
    }
  }

  private func multiply(
    _ core: MatmulBenchmark.Core, copy: Int, into y: inout Tensor
  ) throws(MatmulError) {
    switch core {
    case .integer:
      let weights = operands.packed[copy % operands.packed.count]
      try matmul(activations.x, weights, into: &y, core: .integer, threads: threads)
    case .openblas:
      let weights = operands.stored[copy % operands.stored.count]
      try matmul(activations.x, weights, into: &y, core: .openBLAS, threads: threads)
    case .f32:
      let weights = floats!.floats[copy % floats!.floats.count]
      try SgemmYardstick.multiply(activations.x, weights, into: &y, threads: threads)
    }
  }

  private func errors(
    _ cores: [MatmulBenchmark.Core], _ y: inout Tensor
  ) throws(MatmulError) -> [Double?] {
    let exact: ExactProduct?
    let exactOfFloats: ExactProduct?
    do throws(CodecError) {
      exact = try operands.original.map { weights throws(CodecError) in
        try ExactProduct(activations.x, weights)
      }
      exactOfFloats = try floats?.floats.first.map { weights throws(CodecError) in
        try ExactProduct(activations.x, QuantizedTensor(f32: weights))
      }
    } catch {
      throw .codec(error)
    }
    var errors: [Double?] = []
    for core in cores {
      try multiply(core, copy: 0, into: &y)
      errors.append((core == .f32 ? exactOfFloats : exact)?.relativeError(of: y))
    }
    return errors
  }
}

extension QuantizedTensor {
  /// The same elements, under another name.
  fileprivate init(f32 tensor: Tensor) {
    self.init(format: .f32, shape: tensor.shape, storage: tensor.storage)
  }
}
