import KerfCheckpoints
import KerfElements
import Testing

/// What is read and what is refused: the rules of the public reader, one by one.
struct GGUFTests {
  typealias File = GGUFFile

  static func aligned(_ alignment: Int, _ type: UInt32 = 4) -> File {
    .with(key: "general.alignment", type, littleEndian(UInt32(alignment)))
  }

  static func tensors(_ tensors: [UInt8]..., data: Int) -> File {
    File(tensors: tensors, data: data)
  }

  static let acceptedFiles: [(String, File)] = {
    var alignment1 = aligned(1)
    alignment1.tensors = [
      File.tensor("a", [3], type: 24, at: 0), File.tensor("b", [1], type: 24, at: 3),
    ]
    (alignment1.alignment, alignment1.data) = (1, 4)
    var alignment64 = aligned(64)
    (alignment64.alignment, alignment64.data) = (64, 64)
    var version2 = File.plain
    version2.version = 2
    var trailing = File.plain
    trailing.data += 5
    return [
      ("plain", .plain), ("version 2", version2), ("nothing at all", File()),
      ("no tensors", File(keys: [File.key("k", 0, [1])])), ("alignment 1", alignment1),
      ("alignment 64", alignment64), ("trailing data", trailing),
      ("no elements", tensors(File.tensor("a", [0, 3], at: 0), data: 0)),
      (
        "no elements first",
        tensors(File.tensor("a", [0], at: 0), File.tensor("b", [8], at: 0), data: 32)
      ),
      ("scalar", tensors(File.tensor("a", [], at: 0), data: 32)),
      ("four dimensions", tensors(File.tensor("a", [2, 2, 2, 1], at: 0), data: 32)),
      (
        "63 bytes of name",
        tensors(File.tensor(String(repeating: "n", count: 63), [8], at: 0), data: 32)
      ),
      ("empty array", .with(key: "k", 9, littleEndian(UInt32(4)) + littleEndian(UInt64(0)))),
      ("string of any bytes", .with(key: "k", 8, File.string([0xFF, 0]))),
      ("padding", tensors(File.tensor("a", [1], at: 0), File.tensor("b", [9], at: 32), data: 96)),
    ]
  }()

  @Test(arguments: acceptedFiles.indices) func accepted(_ index: Int) throws {
    let (what, file) = Self.acceptedFiles[index]
    #expect(try errorOpening(file.bytes, as: "m.gguf") == nil, "\(what)")
  }

  static let refusedFiles: [(String, File, Malformation.Reason)] = {
    func changed(_ change: (inout File) -> Void) -> File {
      var file = File.plain
      change(&file)
      return file
    }
    let u32 = littleEndian(UInt32(4))
    return [
      ("magic", changed { $0.magic = "GGUX" }, .magic),
      ("version 0", changed { $0.version = 0 }, .version),
      ("version 1", changed { $0.version = 1 }, .version),
      ("version 4", changed { $0.version = 4 }, .version),
      ("big-endian", changed { $0.version = 3 << 24 }, .version),
      ("negative tensor count", changed { $0.tensorCount = -1 }, .length),
      ("negative key count", changed { $0.keyCount = -1 }, .length),
      ("endless tensors", changed { $0.tensorCount = 1 << 62 }, .truncated),
      ("endless keys", changed { $0.keyCount = 1 << 62 }, .truncated),
      ("empty key", .with(key: "", 4, u32), .name),
      (
        "key twice", changed { $0.keys = [File.key("k", 4, u32), File.key("k", 5, u32)] },
        .duplicate
      ),
      ("unknown value type", .with(key: "k", 13, u32), .type),
      (
        "array of arrays", .with(key: "k", 9, littleEndian(UInt32(9)) + littleEndian(UInt64(0))),
        .type
      ),
      (
        "unknown element type",
        .with(key: "k", 9, littleEndian(UInt32(77)) + littleEndian(UInt64(0))), .type
      ),
      ("endless array", .with(key: "k", 9, u32 + littleEndian(UInt64(1) << 62)), .truncated),
      ("negative array", .with(key: "k", 9, u32 + littleEndian(Int64(-1))), .length),
      ("endless string", .with(key: "k", 8, littleEndian(UInt64(1) << 40)), .truncated),
      ("negative string", .with(key: "k", 8, littleEndian(Int64(-8))), .length),
      ("alignment 0", aligned(0), .alignment), ("alignment 3", aligned(3), .alignment),
      ("alignment of i32", aligned(32, 5), .alignment),
      (
        "alignment of u64", .with(key: "general.alignment", 10, littleEndian(UInt64(32))),
        .alignment
      ),
      (
        "64 bytes of name",
        tensors(File.tensor(String(repeating: "n", count: 64), [8], at: 0), data: 32), .name
      ),
      ("five dimensions", tensors(File.tensor("a", [8, 1, 1, 1, 1], at: 0), data: 32), .shape),
      ("negative extent", tensors(File.tensor("a", [-8], at: 0), data: 32), .shape),
      ("overflow", tensors(File.tensor("a", [1 << 62, 4], at: 0), data: 32), .shape),
      ("byte overflow", tensors(File.tensor("a", [1 << 62], at: 0), data: 32), .shape),
      ("withdrawn type", tensors(File.tensor("a", [8], type: 4, at: 0), data: 32), .type),
      ("negative type", tensors(File.tensor("a", [8], type: -1, at: 0), data: 32), .type),
      ("unknown type", tensors(File.tensor("a", [8], type: 999, at: 0), data: 32), .type),
      ("part of a block", tensors(File.tensor("a", [33], type: 8, at: 0), data: 64), .shape),
      (
        "name twice",
        tensors(File.tensor("a", [8], at: 0), File.tensor("a", [8], at: 32), data: 64), .duplicate
      ),
      ("hole", tensors(File.tensor("a", [8], at: 32), data: 64), .offset),
      (
        "overlap", tensors(File.tensor("a", [8], at: 0), File.tensor("b", [8], at: 0), data: 64),
        .offset
      ),
      (
        "out of order",
        tensors(File.tensor("a", [8], at: 32), File.tensor("b", [8], at: 0), data: 64), .offset
      ),
      (
        "unaligned", tensors(File.tensor("a", [1], at: 0), File.tensor("b", [1], at: 4), data: 64),
        .offset
      ),
      ("endless offset", tensors(File.tensor("a", [8], at: .max), data: 32), .offset),
      ("a byte short", tensors(File.tensor("a", [8], at: 0), data: 31), .truncated),
      ("padding short", tensors(File.tensor("a", [1], at: 0), data: 31), .truncated),
      ("no data", tensors(File.tensor("a", [8], at: 0), data: 0), .truncated),
      ("endless data", tensors(File.tensor("a", [1 << 60], at: 0), data: 32), .truncated),
    ]
  }()

  @Test(arguments: refusedFiles.indices) func refused(_ index: Int) throws {
    let (what, file, reason) = Self.refusedFiles[index]
    try expectRefusal(file.bytes, as: "m.gguf", reason, what)
  }

  @Test func faultsSayWhatIsWrong() throws {
    func fault(_ file: File) throws -> String {
      guard case .malformed(_, let fault) = try errorOpening(file.bytes, as: "m.gguf") else {
        return "accepted"
      }
      return fault.description
    }
    var swapped = File.plain
    swapped.version = 3 << 24
    #expect(try fault(swapped).contains("big-endian"))
    let unknown = Self.tensors(File.tensor("a\nb", [8], type: 999, at: 0), data: 32)
    #expect(
      try fault(unknown)
        == #"tensor "a\u{a}b", byte 47: expected a tensor type that is known, found type id 999"#)
    #expect(try fault(.with(key: "k", 13, [])).hasPrefix(#"key "k", byte 33: "#))
  }

  @Test func namesOfOtherBytesAreRefused() throws {
    var file = File.plain
    file.keys = [File.string([0xFF]) + littleEndian(UInt32(0)) + [1]]
    try expectRefusal(file.bytes, as: "m.gguf", .encoding)
    file = File.plain
    file.tensors[0][8] = 0xFF
    try expectRefusal(file.bytes, as: "m.gguf", .encoding)
  }

  @Test func extentsAreReversed() throws {
    let directory = TemporaryDirectory()
    let file = Self.tensors(File.tensor("a", [32, 3, 2], type: 8, at: 0), data: 224)
    let checkpoint = try Checkpoint.open(try directory.file("m.gguf", file.bytes))
    #expect(checkpoint.tensors[0].shape == [2, 3, 32])
    #expect(checkpoint.tensors[0].format == .q8_0)
    #expect(checkpoint.tensors[0].byteCount == 6 * 34)
    #expect(checkpoint.tensors[0].offset == 96)
  }
}
