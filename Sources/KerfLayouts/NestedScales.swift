// Knows how bitsandbytes quantizes scales themselves, which it calls double quantization.
//
// The mean of all scales of a matrix is taken off; what is left has a scale of its own for each 256,
// and codes of eight bits, for numbers that are dense around zero.

/// The scales of a matrix in a quarter of their bytes.
package struct NestedScales: Sendable {
  /// Scales that share a scale.
  package static let length = 256

  /// A code for each scale.
  package let codes: [UInt8]
  /// The largest magnitude of each 256, less the offset.
  package let absmax: [Float]
  /// What is taken off all of them.
  package let offset: Float

  /// What codes stand for, in order: seven powers of ten, each with twice as many steps as the one
  /// before, either sign, zero and one.
  package static let map: [Float] = {
    var map: [Float] = [0, 1]
    for power in 0..<7 {
      let steps = 1 << power
      let step = (1 - 0.1 as Float) / Float(steps)
      // The library counts from both ends, and rounds once.
      let borders = (0...steps).map { i in
        i < (steps + 1) / 2
          ? Float(Double(0.1 as Float) + Double(step) * Double(i))
          : Float(1 - Double(step) * Double(steps - i))
      }
      let size = Float([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1][power] as Double)
      for (a, b) in zip(borders, borders.dropFirst()) {
        let middle = size * ((a + b) / 2)
        map += [middle, -middle]
      }
    }
    return map.sorted()
  }()

  /// Borders between the numbers of the map.
  private static let borders = zip(map, map.dropFirst()).map { ($0 + $1) / 2 }

  /// - Parameter scales: The scales of a matrix, row by row. What is no number counts as zero.
  package init(_ scales: [Float]) {
    let scales = scales.map { $0.isFinite ? $0 : 0 }
    // The library adds single precision in an order of its own, which may differ in the last bit.
    let sum = scales.reduce(0.0) { $0 + Double($1) }
    let offset = scales.isEmpty ? 0 : Float(sum / Double(scales.count))
    var codes: [UInt8] = []
    codes.reserveCapacity(scales.count)
    var absmax: [Float] = []
    for start in stride(from: 0, to: scales.count, by: NestedScales.length) {
      let part = scales[start..<min(start + NestedScales.length, scales.count)]
      let largest = part.reduce(0) { max($0, abs($1 - offset)) }
      absmax.append(largest)
      let factor = largest > 0 ? 1 / largest : 0
      for scale in part { codes.append(NestedScales.code(of: (scale - offset) * factor)) }
    }
    self.codes = codes
    self.absmax = absmax
    self.offset = offset
  }

  /// The number of the map that is nearest.
  private static func code(of value: Float) -> UInt8 {
    borders.withUnsafeBufferPointer { borders in
      var (low, high) = (0, borders.count)
      while low < high {
        let middle = (low + high) / 2
        if borders[middle] < value { low = middle + 1 } else { high = middle }
      }
      return UInt8(low)
    }
  }

  /// The scales that readers see.
  package var scales: [Float] {
    codes.indices.map {
      NestedScales.map[Int(codes[$0])] * absmax[$0 / NestedScales.length] + offset
    }
  }
}
