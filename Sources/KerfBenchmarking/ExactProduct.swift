// The product in f64, of a sample of rows and columns.

internal import KerfCodecs
internal import KerfElements

struct ExactProduct {
  private let rows: [Int]
  private let columns: [Int]
  private let values: [Double]

  /// Rows and columns that are computed at most.
  private static let largestCount = 32

  /// X · Wᵀ of some rows of X and some of W.
  init(_ x: Tensor, _ weights: QuantizedTensor) throws(CodecError) {
    rows = ExactProduct.spread(x.shape.rows)
    columns = ExactProduct.spread(weights.shape.rows)
    let k = x.shape.columns
    let x = try x.floats()
    var values: [Double] = []
    let decoded = try columns.map { column throws(CodecError) in try weights.row(column) }
    for row in rows {
      for column in decoded {
        var sum = 0.0
        for i in 0..<k { sum += Double(x[row * k + i]) * Double(column[i]) }
        values.append(sum)
      }
    }
    self.values = values
  }

  /// ‖Y − this‖ / ‖this‖; `nil` where it is no number.
  func relativeError(of y: Tensor) -> Double? {
    let n = y.shape.columns
    return y.withUnsafeBytes { bytes in
      let y = bytes.assumingMemoryBound(to: Float.self)
      var error = 0.0
      var norm = 0.0
      for (i, row) in rows.enumerated() {
        for (j, column) in columns.enumerated() {
          let exact = values[i * columns.count + j]
          let difference = Double(y[row * n + column]) - exact
          error += difference * difference
          norm += exact * exact
        }
      }
      let relative = (error / norm).squareRoot()
      return relative.isFinite ? relative : nil
    }
  }

  /// At most ``largestCount`` of `0..<count`, evenly spread.
  static func spread(_ count: Int) -> [Int] {
    let wanted = min(count, largestCount)
    return (0..<wanted).map { $0 * count / wanted }
  }
}

extension QuantizedTensor {
  /// One row, decoded.
  fileprivate func row(_ index: Int) throws(CodecError) -> [Float] {
    let count = byteCount / shape.rows
    let part = try withUnsafeBytes { bytes throws(CodecError) in
      try QuantizedTensor(
        format: format, shape: Shape([1, shape.columns])!,
        bytes: UnsafeRawBufferPointer(rebasing: bytes[index * count..<(index + 1) * count]))
    }
    return try part.dequantized(threads: 1).floats()
  }
}
