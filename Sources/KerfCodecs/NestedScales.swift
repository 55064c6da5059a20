// Scales of scales: what bitsandbytes calls double quantization.
//
//     scales of a tensor's groups − their mean → 256 at a time: a largest magnitude, codes of 8 bits
//
// A code stands for a number of a dynamic map: 127 of either sign, 64 of them between 0.1 and 1, 32
// between 0.01 and 0.1, and so on; 0; and 1. Whoever reads a tensor computes number · largest + mean,
// so codes of weights that are chosen for least error have to be chosen again, for that scale.

/// Scales of a tensor's groups in eight bits each.
package struct NestedScales: Sendable, Equatable {
  /// Scales that share a largest magnitude.
  package static let length = 256

  /// What is added to every scale: the mean of them all.
  package let offset: Float
  /// For each ``length`` scales, the last of them perhaps fewer, what their numbers are multiplied by.
  package let largest: [Float]
  /// A code for each scale.
  package let codes: [UInt8]

  /// Scales as `bitsandbytes.functional.quantize_4bit` with `compress_statistics` stores them.
  ///
  /// Byte for byte, given the mean: here it is rounded once, where PyTorch adds up in single precision,
  /// in an order that depends on threads. (The library's own code for CPUs finds numbers by a table
  /// of 65536 places and takes a neighbour of the nearest in one case out of seven hundred; its other
  /// codes take the nearest, as this does.)
  ///
  /// - Parameter scales: Finite numbers.
  package init(_ scales: [Float]) {
    let count = scales.count
    let offset = Float(scales.reduce(0.0) { $0 + Double($1) } / Double(max(count, 1)))
    let numbers = NestedScales.numbers
    let bounds = zip(numbers, numbers.dropFirst()).map { ($0 + $1) / 2 }
    var largest: [Float] = []
    var codes: [UInt8] = []
    codes.reserveCapacity(count)
    for start in stride(from: 0, to: count, by: NestedScales.length) {
      let block = scales[start..<min(start + NestedScales.length, count)].map { $0 - offset }
      let most = block.reduce(0) { max($0, $1.magnitude) }
      let least = max(most, 1e-38)
      let isWhole = block.count == NestedScales.length
      largest.append(isWhole ? most : least)
      for x in block {
        let place = isWhole ? x * (1 / least) : x / least
        codes.append(UInt8(NestedScales.count(of: bounds, below: place)))
      }
    }
    self.offset = offset
    self.largest = largest
    self.codes = codes
  }

  /// Scales as they have been stored.
  package init(codes: [UInt8], largest: [Float], offset: Float) {
    precondition(largest.count == (codes.count + NestedScales.length - 1) / NestedScales.length)
    self.codes = codes
    self.largest = largest
    self.offset = offset
  }

  /// The scales that readers compute.
  package var values: [Float] {
    codes.indices.map {
      NestedScales.numbers[Int(codes[$0])] * largest[$0 / NestedScales.length] + offset
    }
  }

  /// What codes stand for, in order.
  package static let numbers: [Float] = {
    var numbers: [Float] = [0, 1]
    for (power, unit) in ([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1] as [Float]).enumerated() {
      // The middles of equal parts between a tenth and one. Places are counted from the nearer end,
      // with one rounding.
      let parts = 1 << power
      let step = (1 - 0.1 as Float) / Float(parts)
      let ends = (0...parts).map { k in
        k < (parts + 1) / 2
          ? Float(Double(0.1 as Float) + Double(step) * Double(k))
          : Float(1 - Double(step) * Double(parts - k))
      }
      for (a, b) in zip(ends, ends.dropFirst()) {
        let number = unit * ((a + b) / 2)
        numbers += [number, -number]
      }
    }
    return numbers.sorted()
  }()

  /// How many of the bounds, which are in order, lie below x.
  private static func count(of bounds: [Float], below x: Float) -> Int {
    var (low, high) = (0, bounds.count)
    while low < high {
      let middle = (low + high) / 2
      if bounds[middle] < x { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
