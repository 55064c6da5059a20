internal import KerfCodecs
package import KerfElements
package import KerfMatmul

/// How fast products with many formats are on this machine, found in little time.
///
/// Formats take turns. Their weights are those of one layer and stay in the cache where they fit,
/// so what is compared is the work; what memory adds to it, ``MatmulBenchmark`` measures.
package struct ProductSpeeds: Sendable {
  /// Rows of activations that were multiplied.
  package let rows: [Int]
  /// The weights' shape.
  package let layer: MatmulBenchmark.Layer
  /// The time of a product in seconds, by format, in the order of `rows`.
  package let seconds: [Format: [Double]]

  /// How long each figure is measured, in seconds, at least.
  private static let duration = 0.02

  /// Measures the formats whose blocks fill rows of the layer, through the core that a product takes
  /// by itself: the integer one where the format has it, else OpenBLAS, or the portable one.
  /// - Throws: ``MatmulError``.
  package init(
    _ formats: [Format], layer: MatmulBenchmark.Layer, rows: [Int], threads: Int
  ) throws(MatmulError) {
    self.rows = rows
    self.layer = layer
    let formats = formats.filter { layer.k.isMultiple(of: $0.elementsPerBlock) }
    let table: KernelTable
    let quantized: [QuantizedTensor]
    do throws(CodecError) {
      table = try KernelTable.current()
      let floats = Sample.matrix(rows: layer.n, columns: layer.k, deviation: 0.02)
      quantized = try formats.map { format throws(CodecError) in
        try floats.quantized(as: format, rounding: .reference)
      }
    } catch { throw .codec(error) }
    let packed = try zip(formats, quantized).map { format, weights throws(MatmulError) in
      table.packed(format) == nil ? nil : try weights.packed(threads: threads)
    }

    var seconds = [Format: [Double]](uniqueKeysWithValues: formats.map { ($0, []) })
    for m in rows {
      let x = Activations(m, layer).x
      var y = Sample.matrix(rows: m, columns: layer.n, deviation: 0)
      let contest = try Contest(
        formats.count, stopwatch: Stopwatch(threads: threads), seconds: ProductSpeeds.duration
      ) { index throws(MatmulError) in
        if let packed = packed[index] {
          try matmul(x, packed, into: &y, threads: threads)
        } else {
          try matmul(x, quantized[index], into: &y, threads: threads)
        }
      }
      for (format, best) in zip(formats, contest.best) { seconds[format]?.append(best) }
    }
    self.seconds = seconds
  }
}

extension MatmulBenchmark.Layer {
  /// A layer like those of a model with matrices of these shapes: the shape that most elements have
  /// among those whose rows every format's blocks fill, with fewer rows where that would take long.
  package init(like shapes: [Shape]) {
    func weight(_ shape: Shape) -> (Int, Int, Int, Int) {
      let fills = shape.columns.isMultiple(of: 256)
      let elements = shapes.reduce(0.0) { $0 + ($1 == shape ? Double($1.count) : 0) }
      return (fills ? 1 : 0, Int(min(elements, 1e15)), shape.columns, shape.rows)
    }
    let candidates = Set(shapes).filter { $0.columns >= 32 && $0.rows > 0 }
    let chosen = candidates.max { weight($0) < weight($1) }
    k = min(chosen?.columns ?? 2048, MatmulBenchmark.Layer.mostElements / 32)
    n = min(max(chosen?.rows ?? 1024, 32), max(MatmulBenchmark.Layer.mostElements / k, 32))
  }

  /// So many that a product of 512 rows takes some ten milliseconds.
  private static let mostElements = 1 << 20
}
