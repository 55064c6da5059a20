import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

/// Messages put together byte by byte.
enum Protobuf {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7F) | 0x80] + varint(value >> 7)
  }

  static func field(_ number: UInt64, _ value: UInt64) -> [UInt8] {
    varint(number << 3) + varint(value)
  }

  static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
  }

  static func field(_ number: UInt64, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
}

/// ONNX files, by their parts.
enum ONNX {
  typealias P = Protobuf

  /// A tensor of raw bytes, f32 unless said otherwise.
  static func tensor(
    _ name: String, _ extents: [UInt64], type: UInt64 = 1, _ raw: [UInt8]? = nil,
    more: [UInt8] = []
  ) -> [UInt8] {
    extents.flatMap { P.field(1, $0) } + P.field(2, type) + P.field(8, name)
      + (raw.map { P.field(9, $0) } ?? []) + more
  }

  /// What a tensor says of bytes in another file.
  static func external(_ location: String, offset: String? = nil, length: String? = nil) -> [UInt8]
  {
    func entry(_ key: String, _ value: String) -> [UInt8] {
      P.field(13, P.field(1, key) + P.field(2, value))
    }
    return entry("location", location) + (offset.map { entry("offset", $0) } ?? [])
      + (length.map { entry("length", $0) } ?? []) + P.field(14, 1)
  }

  /// A product with a matrix.
  static let product = P.field(1, "x") + P.field(1, "w") + P.field(2, "y") + P.field(4, "MatMul")

  static func graph(_ initializers: [[UInt8]], more: [UInt8] = []) -> [UInt8] {
    P.field(1, product) + P.field(2, "graph") + initializers.flatMap { P.field(5, $0) } + more
  }

  /// The graph comes last, so that no part of the file is a file.
  static func file(_ graph: [UInt8], operators: Bool = true, more: [UInt8] = []) -> [UInt8] {
    P.field(1, 8) + P.field(2, "tests")
      + (operators ? P.field(8, P.field(1, "") + P.field(2, 17)) : []) + more + P.field(7, graph)
  }

  static let plain = file(
    graph([
      tensor("w", [2, 3], sampleBytes(0, 24)), tensor("h", [3], type: 10, sampleBytes(1, 6)),
      tensor("i", [], type: 7, sampleBytes(2, 8)),
    ]))
}

/// What an ONNX file holds is read; whatever else it is is refused in one line.
struct ONNXTests {
  @Test func tensorsOfAFile() throws {
    let directory = TemporaryDirectory()
    try directory.file("m.data", sampleBytes(3, 100))
    // Packed extents, numbers instead of bytes, text, and numbers one by one, which stay unseen.
    let packed = Protobuf.field(1, [2, 2]) + Protobuf.field(2, 1) + Protobuf.field(8, "p")
    try directory.file("n.data", sampleBytes(3, 100))
    let path = try directory.file(
      "n.onnx",
      ONNX.file(
        ONNX.graph([
          ONNX.tensor("w", [2, 3], sampleBytes(0, 24)),
          ONNX.tensor(
            "e", [4], type: 16, more: ONNX.external("m.data", offset: "20", length: "8")),
          ONNX.tensor("all", [25], more: ONNX.external("./n.data")),
          ONNX.tensor("again", [5, 5], more: ONNX.external("./n.data", offset: "0")),
          packed + Protobuf.field(4, sampleBytes(1, 16)),
          ONNX.tensor("text", [1], type: 8, more: Protobuf.field(6, "a")),
          ONNX.tensor("ids", [2], type: 7, more: Protobuf.field(7, [1, 2])),
        ]), more: Protobuf.field(14, Protobuf.field(1, "key") + Protobuf.field(2, "value"))))
    let checkpoint = try Checkpoint.open(path)
    #expect(checkpoint.container == .onnx)
    #expect(checkpoint.parts.map { $0.lastComponent?.string } == ["n.onnx", "m.data", "n.data"])
    let expected: [(String, Format, Shape, [UInt8])] = [
      ("w", .f32, [2, 3], sampleBytes(0, 24)),
      ("e", .bf16, [4], Array(sampleBytes(3, 100)[20..<28])),
      ("all", .f32, [25], sampleBytes(3, 100)), ("again", .f32, [5, 5], sampleBytes(3, 100)),
      ("p", .f32, [2, 2], sampleBytes(1, 16)),
    ]
    #expect(checkpoint.tensors.map(\.name) == expected.map(\.0))
    for (tensor, (_, format, shape, bytes)) in zip(checkpoint.tensors, expected) {
      #expect(tensor.format == format && tensor.shape == shape)
      let isEqual = try checkpoint.bytes(of: tensor) == bytes
      #expect(isEqual, "\(tensor.name)")
    }
    guard case .onnx(let model) = checkpoint.metadata else { throw CancellationError() }
    #expect(
      model.entries == [
        MetadataEntry("ir_version", "8"), MetadataEntry("producer", "tests"),
        MetadataEntry("opset.ai.onnx", "17"), MetadataEntry("key", "value"),
      ])
  }

  @Test func everyTruncationIsRefused() throws {
    let directory = TemporaryDirectory()
    for count in ONNX.plain.indices {
      let path = try directory.file("m.onnx", Array(ONNX.plain[..<count]))
      #expect(HostileFileTests.open(path) != nil, "\(count) of \(ONNX.plain.count) bytes")
    }
    #expect(HostileFileTests.open(try directory.file("m.onnx", ONNX.plain)) == nil)
  }

  @Test func brokenRules() throws {
    typealias P = Protobuf
    func file(_ tensors: [UInt8]..., more: [UInt8] = []) -> [UInt8] {
      ONNX.file(ONNX.graph(tensors, more: more))
    }
    let raw = sampleBytes(0, 24)
    let whole = ONNX.tensor("w", [2, 3], raw)
    let cases: [(String, [UInt8], Malformation.Reason)] = [
      ("no graph", P.field(1, 8) + P.field(8, P.field(2, 17)), .structure),
      ("no operators", ONNX.file(ONNX.graph([whole]), operators: false), .structure),
      ("two graphs", ONNX.plain + P.field(7, []), .duplicate),
      ("two names", file(whole + P.field(8, "v")), .duplicate),
      ("two tensors of a name", file(whole, whole), .duplicate),
      ("no name", file(P.field(1, 6) + P.field(2, 1) + P.field(9, raw)), .name),
      ("a name that is no text", file(P.field(2, 1) + P.field(8, [0xFF])), .encoding),
      ("too few bytes", file(ONNX.tensor("w", [2, 3], sampleBytes(0, 23))), .size),
      ("too many bytes", file(ONNX.tensor("w", [2, 3], sampleBytes(0, 25))), .size),
      ("a negative extent", file(ONNX.tensor("w", [.max, 3], raw)), .shape),
      ("too many elements", file(ONNX.tensor("w", [1 << 40, 1 << 40], raw)), .shape),
      ("a length past its message", file(P.varint(9 << 3 | 2) + P.varint(1 << 40)), .truncated),
      ("an endless number", file([0x08] + [UInt8](repeating: 0xFF, count: 11)), .length),
      ("field number 0", file([0x02, 0x00]), .structure),
      ("a group", file([0x0B]), .structure),
      ("text where a number belongs", file(P.field(2, "1")), .structure),
      ("a number where text belongs", file(P.field(8, 1)), .structure),
    ]
    for (what, bytes, reason) in cases { try expectRefusal(bytes, as: "m.onnx", reason, what) }
    // Graphs in nodes in graphs.
    var graph: [UInt8] = []
    for _ in 0..<40 { graph = P.field(1, P.field(5, P.field(6, graph))) }
    try expectRefusal(ONNX.file(graph), as: "m.onnx", .length, "graphs in one another")
  }

  @Test(
    arguments: [
      ("", nil, nil), ("/etc/hostname", nil, nil), ("../m.data", nil, nil),
      ("a/../../m.data", nil, nil), ("m.data", "-1", nil), ("m.data", "ten", nil),
      ("m.data", "80", nil), ("m.data", "9223372036854775807", "24"), ("m.data", nil, "-1"),
      ("m.data", nil, "101"), ("m.data", nil, "23"), ("m.data\u{0}", nil, nil),
    ] as [(String, String?, String?)])
  func dataThatIsElsewhere(_ location: String, _ offset: String?, _ length: String?) throws {
    let directory = TemporaryDirectory()
    try directory.file("m.data", sampleBytes(0, 100))
    let tensor = ONNX.tensor(
      "w", [2, 3], more: ONNX.external(location, offset: offset, length: length))
    let path = try directory.file("m.onnx", ONNX.file(ONNX.graph([tensor])))
    let error = errorOpening(path)
    guard case .malformed = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func dataThatOverlaps() throws {
    let directory = TemporaryDirectory()
    try directory.file("m.data", sampleBytes(0, 100))
    let tensors = [
      ONNX.tensor("a", [10], more: ONNX.external("m.data")),
      ONNX.tensor("b", [6], more: ONNX.external("m.data", offset: "36")),
    ]
    let path = try directory.file("m.onnx", ONNX.file(ONNX.graph(tensors)))
    guard case .malformed(let place, let fault)? = errorOfData(path) else {
      throw CancellationError()
    }
    #expect(place.lastComponent == "m.data" && fault.reason == .offset)
  }

  private func errorOfData(_ path: FilePath) -> CheckpointError? {
    do {
      _ = try Checkpoint.open(path)
      return nil
    } catch { return error }
  }

  @Test func missingData() throws {
    let directory = TemporaryDirectory()
    let tensor = ONNX.tensor("w", [2, 3], more: ONNX.external("absent.data"))
    let path = try directory.file("m.onnx", ONNX.file(ONNX.graph([tensor])))
    #expect(throws: CheckpointError.missingPart(directory.path.appending("absent.data"), of: path))
    {
      try Checkpoint.open(path)
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func mutations(_ seed: UInt64) async {
    await #expect(processExitsWith: .success) { [seed] in
      try HostileFileTests.readMutations(of: ONNX.plain, as: "m.onnx", seed, refusing: 150)
    }
  }

  /// A graph of nothing but empty nodes takes far more memory than bytes.
  @Test func graphsThatAreTooLarge() async {
    await #expect(processExitsWith: .success) {
      let directory = TemporaryDirectory()
      let nodes = [UInt8](repeating: 0, count: 24 << 20).indices.map { UInt8($0 % 2 == 0 ? 10 : 0) }
      let path = try directory.file("m.onnx", ONNX.file(nodes))
      guard case .malformed(_, let fault)? = errorOpening(path), fault.reason == .length else {
        throw CancellationError()
      }
      HostileFileTests.expectLittleMemory()
    }
  }

  /// In a directory, weights alone are taken for the model, and a graph where there are none.
  @Test func directories() throws {
    let directory = TemporaryDirectory()
    try directory.file("model.onnx", ONNX.plain)
    try directory.file("other.onnx", ONNX.plain)
    #expect(try Checkpoint.open(directory.path).container == .onnx)
    try directory.file("weights.safetensors", safetensors("{}"))
    #expect(try Checkpoint.open(directory.path).container == .safetensors)
  }

  @Test func filesThatAppearTogether() throws {
    let directory = TemporaryDirectory()
    func files() throws -> [AtomicFile] {
      try ["a", "b"].map {
        try AtomicFile(at: directory.path.appending($0), byteCount: 3, replacing: false)
      }
    }
    let pair = try files()
    try directory.file("b", [1])
    #expect(throws: CheckpointError.alreadyExists(directory.path.appending("b"))) {
      try AtomicFile.commit(pair)
    }
    pair.forEach { $0.discard() }
    #expect(directory.contents == ["b"])
  }
}
