import Foundation
import KerfCheckpoints
import KerfElements
import KerfLayouts
import SystemPackage
import Testing

/// Models that the runtimes wrote themselves, and what they make of their matrices.
struct GoldenTests {
  static let folder = FilePath(#filePath).removingLastComponent().removingLastComponent()
    .appending("Goldens/layouts")

  static let names = [
    "awq", "bitsandbytes-fp4", "bitsandbytes-fp4-nested", "bitsandbytes-int8", "bitsandbytes-nf4",
    "bitsandbytes-nf4-nested", "compressed-tensors", "gptq-2-v1", "gptq-3-v1", "gptq-4-v1",
    "gptq-4-v2", "gptq-8-v1", "mlx",
  ]

  @Test(arguments: names) func valuesAreTheRuntimes(_ name: String) throws {
    let model = try Model.open(Self.folder.appending(name))
    let values = try Checkpoint.open(Self.folder.appending(name).appending("values.safetensors"))
    #expect(model.layout.map { name.hasPrefix($0.rawValue) } == true)
    #expect(Set(model.tensors.map(\.name)) == Set(values.tensors.map(\.name) + ["norm.weight"]))
    for expected in values.tensors {
      let tensor = try #require(model.tensors.first { $0.name == expected.name })
      let arrangement = try #require(tensor.arrangement)
      #expect(tensor.shape == expected.shape, "\(tensor.name)")
      let found = decoded(try model.bytes(of: tensor), arrangement.format)
      let numbers = try values.bytes(of: expected).withUnsafeBytes { bytes in
        (0..<expected.shape.count).map {
          bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
      }
      try #require(found.count == numbers.count)
      let tolerance = Self.tolerance(name, tensor)
      let worst = zip(found, numbers).map { abs($0 - $1) / max(abs($1), 1e-3) }.max() ?? 0
      #expect(worst <= tolerance, "\(name) \(tensor.name) \(tensor.format): \(worst)")
    }
  }

  /// Runtimes that compute with the model's type round once more.
  static func tolerance(_ name: String, _ tensor: ModelTensor) -> Float {
    // It computes in bf16 here, whatever the model's type is.
    if name == "compressed-tensors", tensor.name == "nvfp4.weight" { return 0x1p-8 }
    return switch tensor.arrangement?.format.scale {
    case .bf16: 0x1p-7
    case .f16: 0x1p-10
    default: name.hasSuffix("int8") || name == "mlx" || name.hasSuffix("nested") ? 1e-4 : 1e-6
    }
  }

  @Test(arguments: names) func writtenAgainTheyAreTheSame(_ name: String) throws {
    let model = try Model.open(Self.folder.appending(name))
    for tensor in model.tensors {
      guard let arrangement = tensor.arrangement else { continue }
      // Scales that are made of others are read only.
      if name.hasSuffix("nested") || tensor.name == "nvfp4.weight" && name != "mlx" { continue }
      let planes = Planes(arrangement, try model.bytes(of: tensor))
      for (plane, bytes) in zip(arrangement.planes, planes.bytes) {
        let module = tensor.name.dropLast("weight".count)
        let stored = try #require(model.checkpoint.tensor(named: module + plane.suffix))
        var expected = try model.checkpoint.bytes(of: stored)
        // 127 times a number over 127 is not always the number.
        if plane.suffix == "SCB" { expected = bytes }
        let isEqual = bytes == expected
        #expect(isEqual, "\(name) \(stored.name)")
      }
    }
  }

  @Test(arguments: names) func partsAreParts(_ name: String) throws {
    let model = try Model.open(Self.folder.appending(name))
    for tensor in model.tensors {
      let whole = try model.bytes(of: tensor)
      for range in [
        0..<0, 0..<1, 1..<tensor.byteCount, tensor.byteCount / 3..<tensor.byteCount / 2,
        tensor.byteCount - 1..<tensor.byteCount,
      ] {
        let isEqual = try model.bytes(of: tensor, range) == Array(whole[range])
        #expect(isEqual, "\(tensor.name) \(range)")
      }
    }
  }
}
