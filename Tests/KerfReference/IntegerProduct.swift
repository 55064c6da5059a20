// The integer matrix product, one element at a time.

import KerfElements

/// Codes, scale and minimum of one block of weights: y = q · d + m.
private struct WeightBlock {
  let codes: [Int32]
  let scale: Float
  let minimum: Float?

  /// Blocks of groups: up to 128 elements that share a scale are summed together.
  static func blocks(_ bytes: [UInt8], _ group: GroupFormat) -> [WeightBlock] {
    let (codes, scale, minimum) = ReferenceIntegerGroup(.group(group)).centered(bytes)
    let length = productBlock(.group(group))
    return stride(from: 0, to: group.length, by: length).map {
      WeightBlock(codes: Array(codes[$0..<$0 + length]), scale: scale, minimum: minimum)
    }
  }

  private init(codes: [Int32], scale: Float, minimum: Float?) {
    self.codes = codes
    self.scale = scale
    self.minimum = minimum
  }

  init(_ bytes: [UInt8], _ format: Format) {
    scale = half(bytes, at: 0)
    switch format {
    case .q8_0:
      codes = bytes[2...].map { Int32(Int8(bitPattern: $0)) }
      minimum = nil
    case .q4_0:
      codes = nibbleCodes(bytes[2...]).map { Int32($0) - 8 }
      minimum = nil
    case .q5_0:
      codes = fiveBitCodes(bytes[2...]).map { Int32($0) - 16 }
      minimum = nil
    case .q4_1:
      codes = nibbleCodes(bytes[4...]).map(Int32.init)
      minimum = half(bytes, at: 2)
    case .q5_1:
      codes = fiveBitCodes(bytes[4...]).map(Int32.init)
      minimum = half(bytes, at: 2)
    default: preconditionFailure("\(format) has no integer product")
    }
  }
}

/// Elements that share a scale of activations.
private func productBlock(_ format: Format) -> Int {
  guard case .group(let group) = format else { return 32 }
  return [128, 64, 32].first { group.length % $0 == 0 }!
}

/// Activations of one block as int8 codes and a scale: x ≈ q · d.
private struct ActivationBlock {
  let codes: [Int32]
  let scale: Float

  init(_ x: ArraySlice<Float>) {
    let largest = x.map(\.magnitude).max() ?? 0
    // A NaN makes the maximum NaN or is passed over, so it is looked for.
    guard x.allSatisfy({ $0.magnitude <= 0x1p100 }) else {
      codes = x.map { _ in 0 }
      scale = .nan
      return
    }
    let d = Float(bitPattern: (largest / 127).bitPattern & ~3)
    scale = d < 0x1p-126 ? 0 : d
    let multiplier = scale == 0 ? 0 : 1 / scale
    codes = x.map { Int32(($0 * multiplier).rounded(.toNearestOrEven)) }
  }
}

/// X[m, k] · W[n, k]ᵀ as the integer core computes it, to the bit. `weights` are the blocks of W, row
/// after row.
public func integerProduct(
  _ x: [Float], _ weights: [UInt8], _ format: Format, m: Int, n: Int, k: Int
) -> [Float] {
  let size = format.bytesPerBlock
  let w = stride(from: 0, to: weights.count, by: size).flatMap { start in
    let block = Array(weights[start..<start + size])
    guard case .group(let group) = format else { return [WeightBlock(block, format)] }
    return WeightBlock.blocks(block, group)
  }
  let length = productBlock(format)
  let a = stride(from: 0, to: x.count, by: length).map { ActivationBlock(x[$0..<$0 + length]) }
  let blocks = k / length
  var y = [Float](repeating: 0, count: m * n)
  for i in 0..<m {
    for j in 0..<n {
      var sum: Float = 0
      for b in 0..<blocks {
        let (x, w) = (a[i * blocks + b], w[j * blocks + b])
        let products = zip(x.codes, w.codes).reduce(Int32(0)) { $0 + $1.0 * $1.1 }
        sum = sum.addingProduct(w.scale, Float(products) * x.scale)
        if let minimum = w.minimum {
          sum = sum.addingProduct(minimum, x.scale * Float(x.codes.reduce(0, +)))
        }
      }
      y[i * n + j] = sum
    }
  }
  return y
}
