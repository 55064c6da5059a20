import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Whatever the bytes are, a file opens or is refused in one line; nothing else happens.
struct HostileFileTests {
  static func valid(_ container: Container) throws -> [UInt8] {
    let directory = TemporaryDirectory()
    let path = directory.path.appending("m.\(container.pathExtension)")
    let metadata: CheckpointMetadata =
      switch container {
      case .safetensors: .safetensors([MetadataEntry("format", "pt")])
      case .gguf:
        .gguf([
          MetadataEntry("general.alignment", .uint32(32)), MetadataEntry("k", .string("text")),
          MetadataEntry("tokens", .array(GGUFArray(["a", "bc", ""]))),
          MetadataEntry("scores", .array(GGUFArray(.float32, [.float32(1), .float32(2)]))),
        ])
      case .onnx: preconditionFailure("ONNX files are made of others only")
      }
    _ = try write(path, metadata, [("w", .f32, [2, 3]), ("b", .f16, [3]), ("s", .i64, [])])
    let descriptor = try FileDescriptor.open(path, .readOnly)
    return try descriptor.closeAfter {
      let size = Int(try descriptor.seek(offset: 0, from: .end))
      return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = try descriptor.read(
          fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }

  /// Opens the file, and where it opens, reads all that it describes.
  static func open(_ path: FilePath) -> CheckpointError? {
    do {
      let checkpoint = try Checkpoint.open(path)
      for tensor in checkpoint.tensors {
        #expect(tensor.offset + tensor.byteCount <= checkpoint.fileSize || tensor.byteCount == 0)
        _ = try checkpoint.bytes(of: tensor)
      }
      if case .gguf(let entries) = checkpoint.metadata {
        for case .array(let array) in entries.map(\.value) {
          #expect(Array(array.elements).count == array.count)
        }
      }
      return nil
    } catch {
      expectOneLine(error, naming: path)
      return error
    }
  }

  @Test(arguments: Container.allCases) func everyTruncationIsRefused(_ container: Container) throws
  {
    let bytes = try Self.valid(container)
    let directory = TemporaryDirectory()
    for count in bytes.indices {
      let path = try directory.file("m.\(container.pathExtension)", Array(bytes[..<count]))
      #expect(Self.open(path) != nil, "\(count) of \(bytes.count) bytes")
    }
    let path = try directory.file("m.\(container.pathExtension)", bytes)
    #expect(Self.open(path) == nil)
  }

  @Test(arguments: Container.allCases, 1...4 as ClosedRange<UInt64>)
  func mutations(_ container: Container, _ seed: UInt64) async {
    await #expect(processExitsWith: .success) { [container, seed] in
      try HostileFileTests.readMutations(container, seed)
    }
  }

  static func readMutations(_ container: Container, _ seed: UInt64) throws {
    try readMutations(
      of: Self.valid(container), as: "m.\(container.pathExtension)", seed, refusing: 300)
  }

  /// Reads damaged files, of which at least so many have to be refused.
  static func readMutations(
    of bytes: [UInt8], as name: String, _ seed: UInt64, refusing least: Int
  ) throws {
    let directory = TemporaryDirectory()
    var generator = SeededGenerator(state: seed)
    let telling: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x2C, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x30]
    var refused = 0
    for _ in 0..<750 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: mutated.indices, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: mutated[index] = .random(in: 0...255, using: &generator)
        case 1: mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: mutated[index] = telling.randomElement(using: &generator)!
        case 3: mutated.insert(telling.randomElement(using: &generator)!, at: index)
        case 4: mutated.remove(at: index)
        default:
          let end = min(mutated.count, index + 8)
          mutated.replaceSubrange(
            index..<end, with: littleEndian(generator.next() >> 1)[..<(end - index)])
        }
      }
      let path = try directory.file(name, mutated)
      if Self.open(path) != nil { refused += 1 }
    }
    #expect(refused > least)
    expectLittleMemory()
  }

  /// The process, which has done nothing but read such files, never had much memory. Peaks are the
  /// process's, so that these tests need one each.
  static func expectLittleMemory() {
    #expect(Self.peakMemory < 512 << 20, "bytes that the process had")
  }

  /// The most memory that the process has had, in bytes.
  static var peakMemory: Int {
    #if os(Linux)
      // Not `ru_maxrss`, in which the memory of the process that started this one counts.
      guard let file = fopen("/proc/self/status", "r") else { return .max }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 256)
      while fgets(&line, Int32(line.count), file) != nil {
        let words = String(
          decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self
        )
        .split(whereSeparator: \.isWhitespace)
        if words.first == "VmHWM:", let kibibytes = Int(words[1]) { return kibibytes * 1024 }
      }
      return .max
    #else
      var usage = rusage()
      getrusage(RUSAGE_SELF, &usage)
      return usage.ru_maxrss
    #endif
  }

  /// Claims of a sparse file that is a terabyte long but has nothing in it.
  @Test func claimsOfASparseFile() async {
    await #expect(processExitsWith: .success) { try HostileFileTests.readSparseFiles() }
  }

  static func readSparseFiles() throws {
    let directory = TemporaryDirectory()
    let strings = GGUFFile.key("k", 9, littleEndian(UInt32(8)) + littleEndian(UInt64(1) << 35))
    let numbers = GGUFFile.key("k", 9, littleEndian(UInt32(0)) + littleEndian(UInt64(1) << 39))
    for key in [strings, numbers] {
      let path = try directory.file("m.gguf", GGUFFile(keys: [key]).bytes)
      guard truncate(path.string, 1 << 40) == 0 else { return }
      #expect(Self.open(path) != nil)
    }
    expectLittleMemory()
  }
}
