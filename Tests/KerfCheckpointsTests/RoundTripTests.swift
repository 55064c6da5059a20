import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

/// What is written is what is read.
struct RoundTripTests {
  static let values: [GGUFValue] = [
    .uint8(200), .int8(-3), .uint16(65535), .int16(-300), .uint32(.max), .int32(.min),
    .uint64(.max), .int64(.min), .float32(1.5), .float64(0.1), .float32(-.infinity),
    .bool(true), .bool(false), .string("héllo"), .string(""),
    .string(GGUFString(bytes: [0xFF, 0x00, 0xC3])),
    .array(GGUFArray(["a", "", "long enough to be no small string"])),
    .array(GGUFArray(.int32, (0..<1000).map { .int32($0 - 500) })),
    .array(GGUFArray(.bool, [.bool(true), .bool(false)])),
    .array(GGUFArray(.float64, [.float64(0.25)])), .array(GGUFArray(.uint8, [])),
    .array(GGUFArray(.string, [.string(GGUFString(bytes: [0xFE]))])),
  ]

  static func metadata(_ container: Container) -> CheckpointMetadata {
    switch container {
    case .safetensors:
      .safetensors([MetadataEntry("format", "pt"), MetadataEntry("ключ \"\\\n", "\u{1}😀")])
    case .gguf:
      .gguf(values.enumerated().map { MetadataEntry("key.\($0)", $1) })
    case .onnx: preconditionFailure("ONNX files are made of others only")
    }
  }

  @Test(arguments: Container.allCases) func everyFormat(_ container: Container) throws {
    let tensors = container.heldFormats.map { format in
      (name: "tensor.\(format)", format: format, shape: [2, 3, 256] as Shape)
    }
    try roundTrip(Self.metadata(container), tensors)
  }

  @Test(arguments: Container.allCases) func oddShapes(_ container: Container) throws {
    try roundTrip(
      Self.metadata(container),
      [
        ("scalar", .f32, []), ("one", .i8, [1]), ("none", .f32, [0]),
        ("none of many", .f16, [5, 0, 3]),
        ("last", .i8, [3, 1, 1]), ("", .f64, [2]), ("é", .i16, [7]), ("e\u{301}", .i16, [7]),
      ])
  }

  @Test(arguments: Container.allCases) func nothing(_ container: Container) throws {
    try roundTrip(container == .gguf ? .gguf([]) : .safetensors([]), [])
    try roundTrip(Self.metadata(container), [])
  }

  @Test(arguments: [1, 8, 32, 64, 4096] as [UInt32]) func alignment(_ alignment: UInt32) throws {
    let layout = try roundTrip(
      .gguf([MetadataEntry("general.alignment", .uint32(alignment))]),
      [("a", .i8, [5]), ("b", .i8, [4097]), ("c", .q4_0, [1, 32]), ("d", .i8, [1])])
    let step = Int(alignment)
    #expect(layout.tensors.allSatisfy { $0.offset % step == 0 })
    #expect(layout.fileSize % step == 0)
    for (a, b) in zip(layout.tensors, layout.tensors.dropFirst()) {
      #expect(b.offset == a.offset + (a.byteCount + step - 1) / step * step)
    }
  }

  @discardableResult
  func roundTrip(
    _ metadata: CheckpointMetadata, _ tensors: [(name: String, format: Format, shape: Shape)]
  ) throws -> CheckpointLayout {
    let directory = TemporaryDirectory()
    let path = directory.path.appending("m.\(metadata.container.pathExtension)")
    let layout = try write(path, metadata, tensors)
    let checkpoint = try Checkpoint.open(path)
    #expect(checkpoint.container == metadata.container)
    #expect(checkpoint.metadata == metadata)
    #expect(checkpoint.fileSize == layout.fileSize)
    #expect(checkpoint.tensors.count == tensors.count)
    #expect(checkpoint.tensors.map(\.offset) == checkpoint.tensors.map(\.offset).sorted())
    for (index, placed) in layout.tensors.enumerated() {
      let tensor = try #require(checkpoint.tensor(named: placed.name))
      #expect(tensor == placed)
      let bytes = sampleBytes(index, tensor.byteCount)
      #expect(try checkpoint.bytes(of: tensor) == bytes)
      let middle = tensor.byteCount / 3..<tensor.byteCount / 2
      #expect(try checkpoint.bytes(of: tensor, middle) == Array(bytes[middle]))
    }
    #expect(checkpoint.tensor(named: "no such tensor") == nil)
    return layout
  }

  @Test func longMetadata() throws {
    // Longer than the pieces in which a header is fetched, strings across their borders.
    let words = (0..<40_000).map { "word \($0)" }
    let numbers = GGUFArray(.float32, (0..<100_000).map { .float32(Float($0)) })
    let metadata = CheckpointMetadata.gguf([
      MetadataEntry("tokens", .array(GGUFArray(words))), MetadataEntry("scores", .array(numbers)),
      MetadataEntry("text", .string(String(repeating: "x", count: 600_000))),
    ])
    try roundTrip(metadata, [("a", .f32, [3])])
    #expect(GGUFArray(words).strings?.last?.text == "word 39999")
  }

  @Test func arraysGiveTheirElements() {
    let array = GGUFArray(.int32, [.int32(-1), .int32(7)])
    #expect(Array(array.elements) == [.int32(-1), .int32(7)])
    #expect(Array(array.elements) == Array(array.elements))
    #expect(array.integers == [-1, 7])
    #expect(array.strings == nil)
    #expect(GGUFArray(["a"]).integers == nil)
    #expect(GGUFArray(.uint64, [.uint64(.max)]).integers == nil)
  }
}
