import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Models in several files, and in directories.
struct ModelFilesTests {
  private let directory = TemporaryDirectory()

  /// A safetensors file of tensors of one byte each.
  private func shard(_ name: String, _ tensors: [String]) throws {
    let entries = tensors.enumerated().map { offset, name in
      #""\#(name)":{"dtype":"U8","shape":[1],"data_offsets":[\#(offset),\#(offset + 1)]}"#
    }
    try directory.file(
      name, safetensors("{" + entries.joined(separator: ",") + "}", data: tensors.count))
  }

  private func index(_ map: [(String, String)], _ name: String = "model") throws -> FilePath {
    let entries = map.map { #""\#($0)":"\#($1)""# }
    return try directory.file(
      name + ".safetensors.index.json",
      Array(
        #"{"metadata":{"total_size":3},"weight_map":{\#(entries.joined(separator: ","))}}"#.utf8))
  }

  private let names = (1...3).map { "model-0000\($0)-of-00003.safetensors" }

  private func makeShards() throws -> FilePath {
    try shard(names[0], ["a", "b"])
    try shard(names[1], ["c"])
    try shard(names[2], ["d"])
    return try index([("d", names[2]), ("a", names[0]), ("b", names[0]), ("c", names[1])])
  }

  @Test func allPartsAreOneModel() throws {
    let index = try makeShards()
    for path in [index, directory.path, directory.path.appending(names[0])] {
      let model = try Checkpoint.open(path)
      #expect(model.path == path)
      #expect(model.tensors.map(\.name) == ["a", "b", "c", "d"])
      #expect(model.parts.map { $0.lastComponent?.string } == names)
      #expect(model.directory == directory.path)
      for tensor in model.tensors { #expect(try model.bytes(of: tensor).count == 1) }
    }
    // A later part can be looked at on its own.
    #expect(try Checkpoint.open(directory.path.appending(names[1])).tensors.map(\.name) == ["c"])
  }

  @Test func partsWithoutAnIndex() throws {
    try shard(names[0], ["a"])
    try shard(names[1], ["b"])
    #expect(
      refusal(directory.path)
        == .missingPart(
          directory.path.appending(names[2]), of: directory.path.appending(names[0])))
    try shard(names[2], ["c"])
    #expect(try Checkpoint.open(directory.path).tensors.map(\.name) == ["a", "b", "c"])
  }

  @Test func whatIsMissing() throws {
    let index = try makeShards()
    let gone = directory.path.appending(names[1])
    unlink(gone.string)
    #expect(refusal(index) == .missingPart(gone, of: index))
    #expect(refusal(directory.path) == .missingPart(gone, of: index))
  }

  @Test func anIndexThatNamesWhatIsNotThere() throws {
    try shard(names[0], ["a"])
    let absent = try index([("a", names[0]), ("b", names[0])])
    try expectMalformed(absent, .structure, tensor: "b")
    try shard(names[1], ["b"])
    let elsewhere = try index([("a", names[1]), ("b", names[1]), ("b2", names[0])])
    try expectMalformed(elsewhere, .structure, tensor: "a")
  }

  @Test func aNameInTwoParts() throws {
    try shard(names[0], ["a"])
    try shard(names[1], ["b", "a"])
    let index = try index([("a", names[0]), ("b", names[1])])
    guard case .malformed(let path, let fault) = try #require(refusal(index)) else {
      Issue.record("expected a malformed file")
      return
    }
    #expect(path.lastComponent?.string == names[1])
    #expect(fault.reason == .duplicate && fault.place.tensor == "a")
  }

  @Test(arguments: [
    "../other.safetensors", "/etc/passwd", "a/b.safetensors", "..", "", "weights.bin",
  ])
  func anIndexLeadsNowhereElse(_ file: String) throws {
    try expectMalformed(index([("a", file)]), .name, tensor: "a")
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"weight_map":{}}"#, #"{"weight_map":{"a":1}}"#, #"{"weight_map":[]}"#,
  ])
  func whatIsNoIndex(_ text: String) throws {
    let path = try directory.file("model.safetensors.index.json", Array(text.utf8))
    guard case .malformed(path, _) = try #require(refusal(path)) else {
      Issue.record("expected a malformed file")
      return
    }
  }

  @Test func aDirectoryOfSeveralModels() throws {
    try shard("one.safetensors", ["a"])
    #expect(try Checkpoint.open(directory.path).tensors.count == 1)
    try shard("two.safetensors", ["b"])
    #expect(
      refusal(directory.path)
        == .severalModels(directory.path, names: ["one.safetensors", "two.safetensors"]))
    try shard("model.safetensors", ["c"])
    #expect(try Checkpoint.open(directory.path).tensors.map(\.name) == ["c"])
    let empty = TemporaryDirectory()
    try empty.file("pytorch_model.bin", [1])
    #expect(refusal(empty.path) == .noWeights(empty.path, found: ["pytorch_model.bin"]))
  }

  @Test func partsOfGGUF() throws {
    func part(_ number: Int, _ name: String) throws {
      var file = GGUFFile.plain
      file.keys = [
        GGUFFile.key("split.no", 2, littleEndian(UInt16(number))),
        GGUFFile.key("split.count", 2, littleEndian(UInt16(2))),
      ]
      try directory.file(name, file.bytes)
    }
    let first = directory.path.appending("m-00001-of-00002.gguf")
    try part(0, "m-00001-of-00002.gguf")
    #expect(
      refusal(first)
        == .missingPart(directory.path.appending("m-00002-of-00002.gguf"), of: first))
    try part(1, "renamed.gguf")
    let renamed = directory.path.appending("renamed.gguf")
    #expect(refusal(renamed) == .notFirstPart(renamed, part: 2, of: 2))
  }

  /// The error that opening ends in, which is one line.
  private func refusal(_ path: FilePath) -> CheckpointError? {
    do {
      _ = try Checkpoint.open(path)
      return nil
    } catch {
      expectOneLine(error, naming: error.path)
      return error
    }
  }

  private func expectMalformed(
    _ path: FilePath, _ reason: Malformation.Reason, tensor: String
  ) throws {
    guard case .malformed(path, let fault) = try #require(refusal(path)) else {
      Issue.record("expected a malformed index")
      return
    }
    #expect(fault.reason == reason && fault.place.tensor == tensor)
  }
}
