import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A legacy importance matrix, by its parts.
struct LegacyFile {
  var count: Int32?
  var entries: [(name: String, calls: Int32, values: [Float])] = []
  var end: [UInt8] = []

  var bytes: [UInt8] {
    littleEndian(count ?? Int32(entries.count))
      + entries.flatMap { entry in
        littleEndian(Int32(entry.name.utf8.count)) + Array(entry.name.utf8)
          + littleEndian(entry.calls) + littleEndian(Int32(entry.values.count))
          + entry.values.flatMap { littleEndian($0.bitPattern) }
      } + end
  }

  static func text(_ text: String) -> [UInt8] {
    littleEndian(Int32(text.utf8.count)) + Array(text.utf8)
  }

  static let plain = LegacyFile(
    entries: [("blk.0.attn_q.weight", 4, [4, 8, 12, 0]), ("b", 0, [1, .nan])],
    end: littleEndian(Int32(7)) + text("some text"))
}

struct ImportanceFileTests {
  let directory = TemporaryDirectory()

  /// An importance matrix in GGUF of one entry: three experts of two columns.
  static func gguf(
    sums: [Int64] = [2, 3], counts: [Int64] = [1, 3], names: (String, String) = ("a", "a"),
    type: Int32 = 0, data: Int = 64
  ) -> [UInt8] {
    var file = GGUFFile()
    file.keys = [
      GGUFFile.key(
        "imatrix.datasets", 9,
        littleEndian(UInt32(8)) + littleEndian(UInt64(2)) + GGUFFile.string("x")
          + GGUFFile.string("y")),
      GGUFFile.key("imatrix.chunk_count", 4, littleEndian(UInt32(5))),
    ]
    file.tensors = [
      GGUFFile.tensor(names.0 + ".in_sum2", sums, type: type, at: 0),
      GGUFFile.tensor(names.1 + ".counts", counts, at: 32),
    ]
    var bytes = file.bytes
    let values: [Float] = [2, 4, 6, 8, 10, 12, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0]
    bytes += values.prefix(data / 4).flatMap { littleEndian($0.bitPattern) }
    return bytes
  }

  @Test func readsGGUF() throws {
    let file = try ImportanceFile.open(directory.file("i.bin", Self.gguf()))
    #expect(file.datasets == ["x", "y"])
    #expect(file.chunkCount == 5)
    #expect(file.entries.map(\.name) == ["a"])
    let entry = try #require(file.entry(named: "a"))
    #expect(entry.valueCount == 6 && entry.countCount == 3)
    let (sums, counts) = try file.read(entry)
    #expect(sums == [2, 4, 6, 8, 10, 12] && counts == [1, 2, 0])
    #expect(file.entry(named: "b") == nil)
  }

  @Test func readsTheOlderForm() throws {
    let file = try ImportanceFile.open(directory.file("i.gguf", LegacyFile.plain.bytes))
    #expect(file.datasets == ["some text"])
    #expect(file.chunkCount == 7)
    #expect(file.entries.map(\.name) == ["blk.0.attn_q.weight", "b"])
    let (sums, counts) = try file.read(file.entries[0])
    #expect(sums == [4, 8, 12, 0] && counts == [4])
    let (odd, calls) = try file.read(file.entries[1])
    #expect(odd[0] == 1 && odd[1].isNaN && calls == [1])
  }

  @Test func olderFilesEndEarlier() throws {
    var file = LegacyFile.plain
    for (end, chunks) in [([], nil), (littleEndian(Int32(3)), 3)] as [([UInt8], Int?)] {
      file.end = end
      let read = try ImportanceFile.open(directory.file("i.dat", file.bytes))
      #expect(read.chunkCount == chunks && read.datasets.isEmpty)
    }
  }

  /// The error that opening these bytes ends in, one line that names the file.
  private func refusal(_ bytes: [UInt8]) throws -> CheckpointError? {
    let path = try directory.file("i.dat", bytes)
    do {
      let file = try ImportanceFile.open(path)
      for entry in file.entries { _ = try file.read(entry) }
      return nil
    } catch {
      expectOneLine(error, naming: path)
      return error
    }
  }

  @Test func refusesWhatIsNone() throws {
    let files: [[UInt8]] = [
      [], [1], Array("not an importance matrix".utf8), safetensors("{}"), GGUFFile().bytes,
      GGUFFile.plain.bytes, Self.gguf(names: ("a", "b")), Self.gguf(type: 1),
      Self.gguf(sums: [2, 3], counts: [4]), Self.gguf(counts: [0]), Self.gguf(sums: [0, 3]),
      Self.gguf(data: 40), LegacyFile().bytes,
      LegacyFile(count: -1).bytes, LegacyFile(entries: [("", 1, [1])]).bytes,
      LegacyFile(entries: [("a", 1, [])]).bytes,
      LegacyFile(entries: [("a", 1, [1]), ("a", 1, [1])]).bytes,
      LegacyFile(count: 2, entries: [("a", 1, [1])]).bytes,
      LegacyFile(entries: [("a", 1, [1])], end: [0, 0, 0, 0, 1]).bytes,
      LegacyFile(entries: [("a", 1, [1])], end: LegacyFile.plain.end + [0]).bytes,
      LegacyFile(count: .max, entries: [("a", 1, [1])]).bytes,
    ]
    for (index, bytes) in files.enumerated() {
      #expect(try refusal(bytes) != nil, "file \(index)")
    }
  }

  @Test func everyTruncationIsRefusedOrShort() throws {
    let legacy = LegacyFile.plain
    let whole = legacy.bytes
    let body = whole.count - legacy.end.count
    for count in whole.indices where count != body && count != body + 4 {
      #expect(try refusal(Array(whole[..<count])) != nil, "\(count) bytes")
    }
    let gguf = Self.gguf()
    for count in gguf.indices {
      #expect(try refusal(Array(gguf[..<count])) != nil, "\(count) bytes")
    }
  }

  @Test(arguments: [false, true]) func mutations(isLegacy: Bool) async {
    await #expect(processExitsWith: .success) { [isLegacy] in
      let tests = ImportanceFileTests()
      let bytes = isLegacy ? LegacyFile.plain.bytes : ImportanceFileTests.gguf()
      var generator = SeededGenerator(state: 11)
      for _ in 0..<2000 {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          let index = Int.random(in: mutated.indices, using: &generator)
          switch Int.random(in: 0..<4, using: &generator) {
          case 0: mutated[index] = .random(in: 0...255, using: &generator)
          case 1: mutated.remove(at: index)
          case 2: mutated.insert(0xFF, at: index)
          default:
            let end = min(mutated.count, index + 4)
            mutated.replaceSubrange(
              index..<end,
              with: littleEndian(Int32(truncatingIfNeeded: generator.next()))[
                ..<(end - index)])
          }
        }
        _ = try tests.refusal(mutated)
      }
      HostileFileTests.expectLittleMemory()
    }
  }

  /// Claims of a sparse file that is a terabyte long.
  @Test func claimsOfASparseFile() async {
    await #expect(processExitsWith: .success) {
      let tests = ImportanceFileTests()
      let claims: [[UInt8]] = [
        littleEndian(Int32.max) + LegacyFile.text("a") + littleEndian(Int32(1))
          + littleEndian(Int32.max),
        littleEndian(Int32(1)) + littleEndian(Int32.max),
        ImportanceFileTests.gguf(sums: [1 << 38], counts: [1]),
      ]
      for claim in claims {
        let path = try tests.directory.file("i.dat", claim)
        guard truncate(path.string, 1 << 40) == 0 else { return }
        #expect(throws: CheckpointError.self) { try ImportanceFile.open(path) }
      }
      HostileFileTests.expectLittleMemory()
    }
  }
}
