package import KerfCodecs
internal import KerfElements

/// One product Y[M,N] = X[M,K] · W[N,K]ᵀ, its operands checked, and where the parts of Y go.
struct Product: Sendable {
  let m: Int
  let n: Int
  let k: Int
  let table: KernelTable
  let threads: Int
  /// Whether Y is added to what was there.
  let isAdding: Bool
  private let x: Tensor
  private let widenX: CodecKernels.Decode
  private let bias: Tensor?
  private let y: MutableAddress

  /// `y` has room for M · N floats.
  init(
    _ x: Tensor, _ weights: Weights, _ y: UnsafeMutableRawBufferPointer, bias: Tensor?,
    isAdding: Bool, threads: Int?, table: KernelTable
  ) {
    m = x.shape.rows
    n = weights.shape.rows
    k = x.shape.columns
    self.table = table
    self.threads = max(1, threads ?? Threads.defaultCount)
    self.isAdding = isAdding
    self.x = x
    // Every table has kernels for scalars.
    widenX = table.codec(x.elementType.format)!.decode
    self.bias = bias
    self.y = MutableAddress(y.baseAddress!)
  }

  /// Row `i` of Y.
  func row(_ i: Int) -> UnsafeMutablePointer<Float> {
    y.pointer.assumingMemoryBound(to: Float.self) + i * n
  }

  /// X as floats, where it has them.
  var floats: UnsafePointer<Float>? {
    guard x.elementType == .float32 else { return nil }
    return x.storage.bytes.baseAddress!.assumingMemoryBound(to: Float.self)
  }

  /// `count` elements of row `i` of X from `column` on, as floats; in `scratch` where they are not.
  func floats(
    _ i: Int, from column: Int, count: Int, scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if let floats { return floats + i * k + column }
    widenX(
      x.storage.bytes.baseAddress! + (i * k + column) * x.elementType.format.bytesPerBlock,
      scratch, count)
    return UnsafePointer(scratch)
  }

  /// Writes sums, `stride` floats a row, to `count` columns of those rows of Y, with bias and what
  /// was there: (sum + bias) + y, rounded in this order.
  func store(
    _ sums: UnsafePointer<Float>, stride: Int, rows: Range<Int>, column: Int, count: Int
  ) {
    var from = sums
    var to = row(rows.lowerBound) + column
    let bias = biasFloats.map { $0 + column }
    for _ in rows {
      if let bias, isAdding {
        for j in 0..<count { to[j] = (from[j] + bias[j]) + to[j] }
      } else if let bias {
        for j in 0..<count { to[j] = from[j] + bias[j] }
      } else if isAdding {
        for j in 0..<count { to[j] = from[j] + to[j] }
      } else {
        to.update(from: from, count: count)
      }
      from += stride
      to += n
    }
  }

  /// Y of operands without columns.
  func storeZeros() {
    let zeros = [Float](repeating: 0, count: n)
    for i in 0..<m { store(zeros, stride: n, rows: i..<i + 1, column: 0, count: n) }
  }

  /// Adds the bias to `count` columns of Y from `column` on.
  func addBias(_ count: Int, column: Int) {
    guard let bias = biasFloats else { return }
    for i in 0..<m {
      let target = row(i) + column
      for j in 0..<count { target[j] += bias[column + j] }
    }
  }

  private var biasFloats: UnsafePointer<Float>? {
    bias?.storage.bytes.baseAddress!.assumingMemoryBound(to: Float.self)
  }
}

/// Weights W[N,K] in either arrangement.
package enum Weights: Sendable {
  case stored(QuantizedTensor)
  case packed(PackedWeights)

  var shape: Shape {
    switch self {
    case .stored(let tensor): tensor.shape
    case .packed(let weights): weights.shape
    }
  }

  var format: Format {
    switch self {
    case .stored(let tensor): tensor.format
    case .packed(let weights): weights.format
    }
  }

  var bytes: Address {
    switch self {
    case .stored(let tensor): Address(tensor.storage.bytes.baseAddress!)
    case .packed(let weights): Address(weights.storage.bytes.baseAddress!)
    }
  }
}
