// What a loss does to products Y = X·Wᵀ, from the elements of W and of its stand-in as they come.
//
// With D = W − Ŵ, the error of Y is X·Dᵀ: D is made tile by tile, so that nothing cancels. Activations
// with outliers are the normal ones with a few columns larger, so their products are those of the
// normal ones and a little more. A row of W may span tiles and pieces; what is known of it is added up
// until it ends.

internal import KerfCodecs
internal import KerfElements
internal import KerfMetrics

/// Sums over the rows of W, of which the first may have begun, and the last end, elsewhere.
struct ProductSums: Sendable {
  /// Parts of products with one row of W: for each of the 8 rows of X, those with W and with D, then
  /// what outliers add to both.
  private typealias Row = InlineArray<32, Double>
  private static var zeros: Row { Row(repeating: 0) }

  /// Of a row that began before, until it ends; all there is where none ends.
  private var head = zeros
  /// Of the row that has not ended.
  private var tail = zeros
  private var hasEnd: Bool
  private var signal = CompensatedSum()
  private var error = CompensatedSum()
  private var outlierSignal = CompensatedSum()
  private var outlierError = CompensatedSum()

  /// No products. What begins a tensor begins a row.
  init(beginsRow: Bool) { hasEnd = beginsRow }

  /// Relative errors; `nil` where there is no signal, or where elements are no numbers.
  var errors: LossReport.ProductErrors? {
    guard let random = ratio(error, signal), let outliers = ratio(outlierError, outlierSignal)
    else { return nil }
    return LossReport.ProductErrors(random: random, outliers: outliers)
  }

  private func ratio(_ error: CompensatedSum, _ signal: CompensatedSum) -> Double? {
    guard error.value.isFinite, signal.value.isFinite else { return nil }
    if error.value == 0 { return 0 }
    return signal.value > 0 ? (error.value / signal.value).squareRoot() : nil
  }

  /// Adds what follows.
  mutating func add(_ other: ProductSums) {
    add(other.head)
    guard other.hasEnd else { return }
    endRow()
    // The row that has just ended was counted there as one without a beginning.
    tail = other.tail
    signal.add(other.signal)
    error.add(other.error)
    outlierSignal.add(other.outlierSignal)
    outlierError.add(other.outlierError)
  }

  private mutating func add(_ row: Row) {
    for i in row.indices {
      if hasEnd { tail[i] += row[i] } else { head[i] += row[i] }
    }
  }

  /// The row is whole.
  private mutating func endRow() {
    guard hasEnd else {
      hasEnd = true
      return
    }
    count(tail)
    tail = ProductSums.zeros
  }

  private mutating func count(_ row: Row) {
    let rows = Activations.rows
    for i in 0..<rows {
      let (y, e) = (row[i], row[i + rows])
      signal.add(y * y)
      error.add(e * e)
      let (z, f) = (y + row[i + 2 * rows], e + row[i + 3 * rows])
      outlierSignal.add(z * z)
      outlierError.add(f * f)
    }
  }
}

extension ProductSums {
  /// Adds the products of `count` elements of W and D, the first of which is in column `column` of
  /// rows of `columns`.
  mutating func add(
    _ w: UnsafePointer<Float>, _ d: UnsafePointer<Float>, _ count: Int, column: Int, columns: Int,
    _ activations: Activations, _ table: KernelTable
  ) {
    activations.withRows { x in
      var done = 0
      var column = column
      while done < count {
        let length = min(columns - column, count - done)
        addPart(w + done, d + done, length, column, columns, activations, x, table)
        done += length
        column += length
        if column == columns {
          endRow()
          column = 0
        }
      }
    }
  }

  /// Adds the products of elements of one row.
  private mutating func addPart(
    _ w: UnsafePointer<Float>, _ d: UnsafePointer<Float>, _ count: Int, _ column: Int,
    _ columns: Int, _ activations: Activations, _ x: UnsafePointer<Float>, _ table: KernelTable
  ) {
    let rows = Activations.rows
    var sums = ProductSums.zeros
    for row in 0..<rows {
      var products: (Float, Float) = (0, 0)
      table.dots(x + row * activations.columns + column, count, w, 1, &products.0)
      table.dots(x + row * activations.columns + column, count, d, 1, &products.1)
      sums[row] = Double(products.0)
      sums[row + rows] = Double(products.1)
    }
    let stretches = column / Activations.stretch...(column + count - 1) / Activations.stretch
    for stretch in stretches {
      guard let outlier = activations.outlier(stretch, columns: columns),
        outlier >= column, outlier < column + count
      else { continue }
      let extra = Activations.magnitude - 1
      for row in 0..<rows {
        let more = extra * Double(x[row * activations.columns + outlier])
        sums[row + 2 * rows] += more * Double(w[outlier - column])
        sums[row + 3 * rows] += more * Double(d[outlier - column])
      }
    }
    add(sums)
  }
}
