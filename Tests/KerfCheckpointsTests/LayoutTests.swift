import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

/// What cannot be written is refused before a byte is.
struct LayoutTests {
  typealias Request = (name: String, format: Format, shape: Shape)

  func error(_ metadata: CheckpointMetadata, _ tensors: [Request]) -> CheckpointError? {
    do {
      _ = try CheckpointLayout(path: "out", metadata: metadata, tensors: tensors)
      return nil
    } catch {
      expectOneLine(error, naming: "out")
      return error
    }
  }

  func reason(_ metadata: CheckpointMetadata, _ tensors: Request...) -> Malformation.Reason? {
    guard case .unwritable(_, let fault) = error(metadata, tensors) else { return nil }
    return fault.reason
  }

  @Test(arguments: [
    (Container.safetensors, Format.q4_0), (.safetensors, .iq4_xs), (.gguf, .f8_e4m3),
    (.gguf, .bool), (.gguf, .u8), (.gguf, .c64),
  ])
  func formatsThatCannotBeHeld(_ container: Container, _ format: Format) throws {
    #expect(!container.canHold(format))
    let metadata = container == .gguf ? CheckpointMetadata.gguf([]) : .safetensors([])
    let refusal = try #require(self.error(metadata, [("a", .f32, [1]), ("b", format, [256])]))
    #expect(refusal == .cannotHold("out", container, tensor: "b", format))
    #expect("\(refusal)".contains("tensor \"b\": \(container) cannot hold \(format), it holds "))
  }

  @Test func everyFormatIsHeldSomewhere() {
    for format in Format.allCases {
      #expect(Container.allCases.contains { $0.canHold(format) }, "\(format)")
    }
    for container in Container.allCases {
      #expect(container.heldFormats.allSatisfy(container.canHold))
      #expect(Set(container.heldFormats).count == container.heldFormats.count)
    }
  }

  @Test func names() {
    let long = String(repeating: "n", count: 64)
    #expect(reason(.gguf([]), (long, .f32, [1])) == .name)
    #expect(reason(.safetensors([]), (long, .f32, [1])) == nil)
    #expect(reason(.gguf([]), (String(long.dropLast()), .f32, [1])) == nil)
    #expect(reason(.gguf([]), ("a", .f32, [1]), ("a", .f32, [1])) == .duplicate)
    #expect(reason(.safetensors([]), ("a", .f32, [1]), ("a", .f16, [1])) == .duplicate)
    #expect(reason(.safetensors([]), ("__metadata__", .f32, [1])) == .name)
  }

  @Test func keys() {
    let entry = MetadataEntry("k", GGUFValue.bool(true))
    #expect(reason(.gguf([entry, entry])) == .duplicate)
    #expect(reason(.gguf([MetadataEntry("", .bool(true))])) == .name)
    #expect(reason(.safetensors([MetadataEntry("k", "1"), MetadataEntry("k", "2")])) == .duplicate)
  }

  @Test func shapes() {
    #expect(reason(.gguf([]), ("a", .f32, [1, 1, 1, 1, 1])) == .shape)
    #expect(reason(.safetensors([]), ("a", .f32, [1, 1, 1, 1, 1])) == nil)
    #expect(reason(.gguf([]), ("a", .q4_0, [32, 31])) == .shape)
    #expect(reason(.safetensors([]), ("a", .f4, [3])) == .shape)
    #expect(reason(.safetensors([]), ("a", .f4, [2, 1])) == nil)
    #expect(reason(.gguf([]), ("a", .f32, [1 << 61])) == .shape)
    let huge: Request = ("a", .i8, [1 << 62])
    #expect(reason(.gguf([]), huge, ("b", .i8, [1 << 62])) == .length)
    #expect(reason(.safetensors([]), huge, ("b", .i8, [1 << 62])) == .length)
  }

  @Test(arguments: [.uint32(0), .uint32(3), .int32(32), .uint64(32)] as [GGUFValue])
  func alignment(_ value: GGUFValue) {
    #expect(reason(.gguf([MetadataEntry("general.alignment", value)])) == .alignment)
  }

  @Test func aLargeAlignmentTakesNoMemory() throws {
    let entry = MetadataEntry("general.alignment", GGUFValue.uint32(1 << 31))
    let layout = try CheckpointLayout(
      path: "out", metadata: .gguf([entry]), tensors: [("a", .i8, [1]), ("b", .i8, [1])])
    #expect(layout.tensors.map(\.offset) == [1 << 31, 2 << 31])
    #expect(layout.fileSize == 3 << 31)
    #expect(layout.header.count < 1000)
  }
}
