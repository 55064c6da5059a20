// What a loss does to products Y = X·Wᵀ, from the elements of W and of its stand-in as they come.
//
// With D = W − Ŵ, the error of Y is X·Dᵀ: D is made tile by tile, so that nothing cancels. Activations
// with outliers are the normal ones with a few columns larger, so their products are those of the
// normal ones and a little more. A row of W may span tiles and pieces; what is known of it is added up
// until it ends.

internal import KerfCodecs
internal import KerfElements
internal import KerfMetrics

/// Activations that are the same in every run and on every machine.
///
/// X has ``rows`` rows. Its elements are sums of twelve uniform numbers: mean 0, deviation 1, normal
/// but for the far tails. In each stretch of ``stretch`` columns one is an outlier, in at least one
/// column: there the second kind of X is ``magnitude`` times as large. X is the same for all tensors
/// with rows of the same length.
struct Activations: Sendable {
  static let rows = 8
  static let stretch = 100
  static let magnitude = 30.0
  /// Longer rows are not measured.
  static let maxColumns = 1 << 20

  /// Row after row of as many columns as the longest row of W has.
  private let elements: [Float]
  let columns: Int
  /// The outlier of each stretch, counted from the stretch's first column.
  private let offsets: [Int]

  init(columns: Int) {
    var state: UInt64 = 0x6B65_7266
    func next() -> UInt64 {
      // SplitMix64 (Steele, Lea and Flood, 2014).
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    self.columns = columns
    var elements = [Float](repeating: 0, count: columns * Activations.rows)
    var offsets: [Int] = []
    for column in 0..<columns {
      if column % Activations.stretch == 0 {
        offsets.append(Int(next() % UInt64(Activations.stretch)))
      }
      for row in 0..<Activations.rows {
        // Four words of sixteen bits at a time; their sum is exact in single precision.
        var sum = 0
        for _ in 0..<3 {
          let word = next()
          for shift in [0, 16, 32, 48] { sum += Int(word >> UInt64(shift) & 0xFFFF) }
        }
        elements[row * columns + column] = Float(2 * sum - 12 * 0xFFFF) * 0x1p-17
      }
    }
    self.elements = elements
    self.offsets = offsets
  }

  /// The outlier of stretch `number` in rows of `columns`, or `nil` where they end before it.
  func outlier(_ number: Int, columns: Int) -> Int? {
    let first = number * Activations.stretch
    let column =
      number == 0 ? offsets[0] % min(columns, Activations.stretch) : first + offsets[number]
    return column < columns ? column : nil
  }

  /// Calls `body` with the first row; the others follow.
  func withRows<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    elements.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}

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
