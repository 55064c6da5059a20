import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Opening, recognising and reading, whatever the container.
struct CheckpointTests {
  @Test func whatIsNoFile() throws {
    let directory = TemporaryDirectory()
    let missing = directory.path.appending("missing.gguf")
    #expect(errorOpening(missing) == .notFound(missing))
    #expect(errorOpening(directory.path) == .noWeights(directory.path, found: []))
    #expect(errorOpening("/dev/null") == .notRegularFile("/dev/null"))
    let empty = try directory.file("empty.gguf", [])
    #expect(errorOpening(empty) == .empty(empty))
    let pipe = directory.path.appending("pipe.gguf")
    mkfifo(pipe.string, 0o600)
    #expect(errorOpening(pipe) == .notRegularFile(pipe))
    let secret = try directory.file("secret.gguf", [1])
    chmod(secret.string, 0)
    if geteuid() != 0 { #expect(errorOpening(secret) == .permissionDenied(secret)) }
  }

  @Test(arguments: [
    ("model.bin", Array("PK\u{3}\u{4}".utf8), "PyTorch"),
    ("model.tflite", [8, 7, 6], "bytes 08 07 06"),
    ("model.h5", [0x89] + Array("HDF".utf8), "HDF5"), ("index.json", Array("{ }".utf8), "JSON"),
    ("model", Array("version https://git-lfs.github.com/spec/v1".utf8), "Git LFS"),
  ])
  func whatIsNoCheckpoint(_ name: String, _ bytes: [UInt8], _ word: String) throws {
    let refusal = try #require(try errorOpening(bytes, as: name))
    #expect(refusal == .unrecognized(refusal.path, head: Array(bytes.prefix(16))))
    #expect("\(refusal)".contains(word))
  }

  @Test func contentsDecide() throws {
    let directory = TemporaryDirectory()
    let gguf = try directory.file("a.safetensors", GGUFFile.plain.bytes)
    #expect(try Checkpoint.open(gguf).container == .gguf)
    let tensors = try directory.file("no extension", safetensors("  {}"))
    #expect(try Checkpoint.open(tensors).container == .safetensors)
    #expect(Container(pathExtension: "GGUF") == .gguf)
    #expect(Container(pathExtension: "bin") == nil)
  }

  @Test func pathsWithNewLines() throws {
    let directory = TemporaryDirectory()
    let path = try directory.file("a\nb.gguf", [1])
    let message = "\(try #require(throws: CheckpointError.self) { try Checkpoint.open(path) })"
    #expect(message.contains(#"a\u{a}b.gguf: "#))
    #expect(!message.contains("\n"))
  }

  @Test func aFileThatBecomesShorter() throws {
    let directory = TemporaryDirectory()
    let path = try directory.file("m.gguf", GGUFFile.plain.bytes)
    let checkpoint = try Checkpoint.open(path)
    truncate(path.string, off_t(checkpoint.tensors[0].offset + 5))
    let refusal = try #require(throws: CheckpointError.self) {
      try checkpoint.bytes(of: checkpoint.tensors[0])
    }
    guard case .malformed(path, let fault) = refusal else {
      Issue.record(refusal)
      return
    }
    #expect(fault.reason == .truncated)
    #expect(fault.place == .init(tensor: "a", offset: checkpoint.tensors[0].offset + 5))
  }

  @Test func manyReaders() async throws {
    let directory = TemporaryDirectory()
    let path = directory.path.appending("m.gguf")
    let layout = try write(path, .gguf([]), (0..<16).map { ("t\($0)", .i8, [1000 + $0]) })
    let checkpoint = try Checkpoint.open(path)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for round in 0..<64 {
        let tensor = layout.tensors[round % 16]
        group.addTask {
          try checkpoint.bytes(of: tensor) == sampleBytes(round % 16, tensor.byteCount)
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func sameFile() throws {
    let directory = TemporaryDirectory()
    let file = try directory.file("a", [1])
    let other = try directory.file("b", [1])
    let soft = directory.path.appending("soft")
    let hard = directory.path.appending("hard")
    symlink("a", soft.string)
    link(file.string, hard.string)
    #expect(file.isSameFile(as: file))
    #expect(file.isSameFile(as: soft))
    #expect(file.isSameFile(as: hard))
    #expect(file.isSameFile(as: directory.path.appending(".").appending("a")))
    #expect(!file.isSameFile(as: other))
    #expect(!file.isSameFile(as: directory.path.appending("none")))
  }
}
