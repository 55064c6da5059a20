import KerfCodecs
import KerfDispatch
import KerfElements
import KerfReference

let tables = Dispatch.available
let packedFormats: [Format] = [.q8_0, .q5_1, .q5_0, .q4_1, .q4_0]

struct Size: Sendable, CustomStringConvertible {
  var m: Int
  var n: Int
  var k: Int
  var description: String { "\(m)×\(n)×\(k)" }
}

/// Every M that makes another tile, N around panels, K around the depth that is unpacked at a time.
let oddSizes: [Size] =
  (1...17).map { Size(m: $0, n: 1 + $0 * 23 % 67, k: 32 * (1 + $0 * 5 % 13)) }
  + [
    Size(m: 1, n: 67, k: 416), Size(m: 3, n: 32, k: 32), Size(m: 4, n: 1, k: 416),
    Size(m: 17, n: 67, k: 416), Size(m: 8, n: 64, k: 512), Size(m: 7, n: 33, k: 544),
    Size(m: 5, n: 31, k: 32),
  ]

/// Weights of arbitrary codes, the outermost among them, and ordinary scales.
func arbitraryWeights(_ format: Format, n: Int, k: Int, seed: Int) throws -> QuantizedTensor {
  var random = SplitMix(seed: UInt64(seed))
  let blocks = n * k / 32
  var bytes = (0..<blocks * format.bytesPerBlock).map { _ in
    let byte = random.next()
    return byte & 0xF00 == 0 ? 0x80 : UInt8(byte & 0xFF)
  }
  for b in 0..<blocks {
    for half in 0..<(format == .q4_1 || format == .q5_1 ? 2 : 1) {
      let bits = Float16(random.normal() / 16).bitPattern
      bytes[b * format.bytesPerBlock + 2 * half] = UInt8(bits & 0xFF)
      bytes[b * format.bytesPerBlock + 2 * half + 1] = UInt8(bits >> 8)
    }
  }
  return try bytes.withUnsafeBytes {
    try QuantizedTensor(format: format, shape: Shape([n, k])!, bytes: $0)
  }
}

/// Activations of many magnitudes, with blocks of zeros and of the largest codes alone.
func arbitraryActivations(m: Int, k: Int, seed: Int) -> [Float] {
  var random = SplitMix(seed: UInt64(seed))
  return (0..<m * k / 32).flatMap { _ -> [Float] in
    let block = random.normals(32)
    switch random.next() % 8 {
    case 0: return block.map { _ in 0 }
    case 1: return block.map { $0 < 0 ? -3 : 3 }
    case 2: return block.map { $0 * 0x1p-20 }
    case 3: return block.map { $0 * 1000 }
    default: return block
    }
  }
}

extension Tensor {
  func bits() throws -> [UInt32] { try floats().map(\.bitPattern) }
}

extension QuantizedTensor {
  var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
