import Foundation
import KerfElements
import Testing

/// What `Tests/Goldens/mlx_affine.txt` says: hashes of what `mx.quantize` makes. `test_mlx.py` makes it.
@Suite struct MLXTests {
  @Test("groups with a bias are those of mx.quantize", arguments: tables)
  func affine(table: KernelTable) throws {
    let golden = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Goldens/mlx_affine.txt")
    let lines = try String(contentsOf: golden, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 3 * 6 * 3)
    for line in lines {
      let words = line.split(separator: " ")
      let scale = try #require(GroupFormat.Scale(rawValue: String(words[0])))
      let group = try #require(
        GroupFormat(
          .integers(bits: Int(words[1])!), length: Int(words[2])!, offset: .bias, scale: scale))
      let row = elements.map { x in
        switch scale {
        case .f16: Float(Float16(x))
        case .bf16:
          Float(bitPattern: (x.bitPattern + 0x7FFF + (x.bitPattern >> 16 & 1)) & 0xFFFF_0000)
        default: x
        }
      }
      let bytes = try table.encoded(row, as: .group(group), .reference)
      #expect(digest(bytes) == words[3], "\(group.name)")
    }
  }

  /// The generator's elements.
  private var elements: [Float] {
    (0..<24 * 128).map { i in
      let x = Float((i * 7919 % 4093 - 2046) * (1 + i / 128 % 7)) * 0x1p-14
      return switch i / 128 {
      case 3: 0
      case 5: 0.375
      case 6: abs(x)
      case 9: -abs(x)
      case 11: x * 0x1p-30
      default: x
      }
    }
  }

  /// FNV-1a of 64 bits.
  private func digest(_ bytes: [UInt8]) -> String {
    let value = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    let text = String(value, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }
}
