import KerfCodecs
import KerfDispatch
import KerfElements
import KerfReference

let tables = Dispatch.available
let blockFormats: [Format] = [.q8_0, .q5_1, .q5_0, .q4_1, .q4_0]
/// Groups of every kind that the integer core takes; 96 is three blocks of the product, 256 two.
let groupFormats = [
  "int8_g32", "int8_g64_zp", "int8_g128_bias", "int8_g96_f32", "int8_g256_zp_bf16", "int4_g32",
  "int4_g64", "int4_g64_zp", "int4_g64_bias_bf16", "int4_g128", "int4_g96_zp_f32", "int4_g256_bias",
].map { Format(name: $0)! }
let packedFormats = blockFormats + groupFormats

extension Format {
  /// A format of groups as long as rows of `columns`.
  static func channel(
    bits: Int, _ columns: Int, offset: GroupFormat.Offset = .none,
    scale: GroupFormat.Scale? = nil
  ) -> Format {
    .group(GroupFormat(.integers(bits: bits), length: columns, offset: offset, scale: scale)!)
  }

  /// As many columns, or a few more, so that rows end on a block.
  func columns(_ wanted: Int) -> Int {
    (wanted + elementsPerBlock - 1) / elementsPerBlock * elementsPerBlock
  }
}

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

/// Weights of arbitrary codes and zero points, the outermost among them, and ordinary scales.
func arbitraryWeights(_ format: Format, n: Int, k: Int, seed: Int) throws -> QuantizedTensor {
  var random = SplitMix(seed: UInt64(seed))
  let blocks = n * k / format.elementsPerBlock
  var bytes = (0..<blocks * format.bytesPerBlock).map { _ in
    let byte = random.next()
    return byte & 0xF00 == 0 ? 0x80 : UInt8(byte & 0xFF)
  }
  let (count, scale) = format.numbers
  for b in 0..<blocks {
    for i in 0..<count {
      let x = random.normal() / 16
      let word: UInt32 =
        switch scale {
        case .f32: x.bitPattern
        case .bf16: x.bitPattern >> 16
        default: UInt32(Float16(x).bitPattern)
        }
      for byte in 0..<scale.byteCount {
        bytes[b * format.bytesPerBlock + i * scale.byteCount + byte] =
          UInt8(truncatingIfNeeded: word >> (8 * byte))
      }
    }
  }
  return try bytes.withUnsafeBytes {
    try QuantizedTensor(format: format, shape: Shape([n, k])!, bytes: $0)
  }
}

extension Format {
  /// How many numbers a block begins with, its scale and what is added, and their type.
  fileprivate var numbers: (count: Int, type: GroupFormat.Scale) {
    if case .group(let group) = self { return (group.offset == .bias ? 2 : 1, group.scale) }
    return (self == .q4_1 || self == .q5_1 ? 2 : 1, .f16)
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
