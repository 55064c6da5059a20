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
