import KerfCheckpoints
import KerfElements
import SystemPackage
import Testing

/// What is read and what is refused: the rules of the official reader, one by one.
struct SafetensorsTests {
  /// A header of one tensor "a", four f32 unless said otherwise.
  static func header(
    dtype: String = "\"F32\"", shape: String = "[4]", offsets: String = "[0,16]", more: String = ""
  ) -> String {
    #"{"a":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)\#(more)}}"#
  }

  static func pair(_ a: String, _ b: String) -> String {
    #"{"a":{"dtype":"U8","shape":\#(a)},"b":{"dtype":"U8","shape":\#(b)}}"#
  }

  @Test(arguments: [
    ("plain", header(), 16), ("leading spaces", "   " + header(), 16),
    ("white space around", "\n\t " + header() + " \r\n", 16), ("no tensors", "{}", 0),
    ("metadata only", #"{"__metadata__":{"a":"b"}}"#, 0),
    ("no metadata", #"{"__metadata__":null}"#, 0),
    ("unknown field", header(more: #","x":[1,{"y":null}]"#), 16),
    ("scalar", header(shape: "[]", offsets: "[0,4]"), 4),
    ("no elements", header(shape: "[0,7]", offsets: "[0,0]"), 0),
    ("half bytes", header(dtype: "\"F4\"", shape: "[2,1]", offsets: "[0,1]"), 1),
    ("six bits", header(dtype: "\"F6_E2M3\"", shape: "[2,2]", offsets: "[0,3]"), 3),
    ("escaped dtype", header(dtype: #""F\u00332""#), 16),
    ("unaligned", pair(#"[1],"data_offsets":[0,1]"#, #"[2],"data_offsets":[1,3]"#), 3),
    ("listed out of order", pair(#"[1],"data_offsets":[2,3]"#, #"[2],"data_offsets":[0,2]"#), 3),
    ("two of no elements", pair(#"[0],"data_offsets":[0,0]"#, #"[0],"data_offsets":[0,0]"#), 0),
  ])
  func accepted(_ what: String, _ header: String, _ data: Int) throws {
    #expect(try errorOpening(safetensors(header, data: data), as: "m.safetensors") == nil)
  }

  @Test(
    arguments: [
      ("no header", "", .syntax), ("an array", "[]", .structure), ("not JSON", "{\"a\":}", .syntax),
      ("something behind", "{}x", .syntax), ("a zero behind", "{}\0", .syntax),
      ("metadata no object", #"{"__metadata__":[]}"#, .structure),
      ("metadata no strings", #"{"__metadata__":{"a":1}}"#, .structure),
      ("metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#, .duplicate),
      ("key twice", #"{"__metadata__":{"a":"1","a":"1"}}"#, .duplicate),
      ("tensor twice", header().dropLast() + "," + header().dropFirst(), .duplicate),
      ("field twice", header(more: #","dtype":"F32""#), .duplicate),
      ("tensor an array", #"{"a":["F32",[4],[0,16]]}"#, .structure),
      ("tensor null", #"{"a":null}"#, .structure),
      ("no dtype", #"{"a":{"shape":[4],"data_offsets":[0,16]}}"#, .structure),
      ("no shape", #"{"a":{"dtype":"F32","data_offsets":[0,16]}}"#, .structure),
      ("no offsets", #"{"a":{"dtype":"F32","shape":[4]}}"#, .structure),
      ("unknown dtype", header(dtype: "\"F99\""), .type),
      ("lower case", header(dtype: "\"f32\""), .type),
      ("fractional extent", header(shape: "[4.0]"), .structure),
      ("negative extent", header(shape: "[-4]"), .structure),
      ("minus zero", header(offsets: "[-0,16]"), .structure),
      ("endless extent", header(shape: "[18446744073709551616]"), .structure),
      ("overflow", header(shape: "[4611686018427387904,4]"), .shape),
      (
        "overflow before zero", header(shape: "[4611686018427387904,4,0]", offsets: "[0,0]"), .shape
      ),
      ("byte overflow", header(shape: "[4611686018427387904]"), .shape),
      ("one offset", header(offsets: "[0]"), .structure),
      ("three offsets", header(offsets: "[0,16,16]"), .structure),
      ("end before begin", header(offsets: "[16,0]"), .offset),
      ("wrong size", header(offsets: "[0,12]"), .size),
      ("half a byte", header(dtype: "\"F4\"", shape: "[3]", offsets: "[0,2]"), .shape),
      ("hole before", header(shape: "[2]", offsets: "[8,16]"), .offset),
      ("hole", pair(#"[1],"data_offsets":[0,1]"#, #"[14],"data_offsets":[2,16]"#), .offset),
      ("overlap", pair(#"[9],"data_offsets":[0,9]"#, #"[8],"data_offsets":[8,16]"#), .offset),
      ("same place", pair(#"[16],"data_offsets":[0,16]"#, #"[16],"data_offsets":[0,16]"#), .offset),
      (
        "no elements inside", pair(#"[0],"data_offsets":[4,4]"#, #"[16],"data_offsets":[0,16]"#),
        .offset
      ),
      ("short data", header(shape: "[5]", offsets: "[0,20]"), .truncated),
      ("trailing data", header(shape: "[3]", offsets: "[0,12]"), .trailingData),
      ("lone surrogate", #"{"\ud800":null}"#, .syntax),
    ] as [(String, String, Malformation.Reason)])
  func refused(_ what: String, _ header: String, _ reason: Malformation.Reason) throws {
    try expectRefusal(safetensors(header, data: 16), as: "m.safetensors", reason, what)
  }

  @Test func lengthIsChecked() throws {
    let name = "m.safetensors"
    try expectRefusal([1, 0, 0], as: name, .truncated)
    try expectRefusal(littleEndian(UInt64(3)) + Array("{}".utf8), as: name, .truncated)
    try expectRefusal(littleEndian(UInt64(100_000_001)) + Array("{}".utf8), as: name, .length)
    try expectRefusal(littleEndian(UInt64.max) + Array("{}".utf8), as: name, .length)
  }

  @Test func textIsUTF8() throws {
    let header = Array(#"{"__metadata__":{"a":""#.utf8) + [0xFF] + Array(#""}}"#.utf8)
    try expectRefusal(safetensors(header), as: "m.safetensors", .encoding)
  }

  @Test func faultsHaveAPlace() throws {
    let bytes = safetensors(" " + Self.header(dtype: "\"F99\""), data: 16)
    guard case .malformed(_, let fault) = try errorOpening(bytes, as: "m.safetensors") else {
      Issue.record("accepted")
      return
    }
    #expect(fault.place == .init(tensor: "a", offset: 10))
    #expect(fault.description.hasPrefix(#"tensor "a", byte 10: expected a dtype of BOOL"#))
    #expect(fault.found == "\"F99\"")
  }

  @Test func namesAreBytes() throws {
    let entry = #"{"dtype":"U8","shape":[1],"data_offsets":"#
    let header = "{\"\u{E9}\":\(entry)[0,1]},\"e\u{301}\":\(entry)[1,2]}}"
    let directory = TemporaryDirectory()
    let path = try directory.file("m.safetensors", safetensors(header, data: 2))
    let checkpoint = try Checkpoint.open(path)
    #expect(checkpoint.tensors.count == 2)
    #expect(checkpoint.tensor(named: "e\u{301}")?.offset == checkpoint.tensors[1].offset)
  }

  /// Byte for byte what the official writer makes of the same tensors.
  @Test func layoutIsTheOfficialOne() throws {
    let layout = try CheckpointLayout(
      path: "m.safetensors",
      metadata: .safetensors([MetadataEntry("format", "pt"), MetadataEntry("q\"\n\u{1}", "é\\")]),
      tensors: [
        ("w", .f32, [2, 3]), ("b", .f16, [3]), ("a", .i64, []), ("v", .f32, [0, 4]),
        ("m", .bool, [1]),
      ])
    let json =
      #"{"__metadata__":{"format":"pt","q\"\n\u0001":"é\\"},"#
      + #""a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"#
      + #""v":{"dtype":"F32","shape":[0,4],"data_offsets":[8,8]},"#
      + #""w":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},"#
      + #""b":{"dtype":"F16","shape":[3],"data_offsets":[32,38]},"#
      + #""m":{"dtype":"BOOL","shape":[1],"data_offsets":[38,39]}}"#
    let text = String(decoding: layout.header.dropFirst(8), as: UTF8.self)
    #expect(text.hasPrefix(json))
    #expect(text.dropFirst(json.count).allSatisfy { $0 == " " })
    #expect(layout.header.count % 8 == 0)
    #expect(Array(layout.header.prefix(8)) == littleEndian(UInt64(layout.header.count - 8)))
    #expect(layout.tensors.map(\.name) == ["w", "b", "a", "v", "m"])
    #expect(layout.tensors.map { $0.offset - layout.header.count } == [8, 32, 0, 8, 38])
    #expect(layout.fileSize == layout.header.count + 39)
  }
}
