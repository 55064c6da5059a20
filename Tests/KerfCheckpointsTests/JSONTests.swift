import KerfCheckpoints
import SystemPackage
import Testing

struct JSONTests {
  static func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  @Test(arguments: [
    ("0", JSONValue.unsigned(0)), ("18446744073709551615", .unsigned(.max)),
    ("18446744073709551616", .double(0x1p64)), ("-1", .negative(-1)),
    ("-9223372036854775808", .negative(.min)), ("-9223372036854775809", .double(-0x1p63)),
    ("1.0", .double(1)), ("-2.5e-1", .double(-0.25)), ("1E+2", .double(100)),
    ("null", .null), ("true", .bool(true)), (" \t\r\nfalse \n", .bool(false)),
    (#""a\"\\\/\b\f\n\r\tz""#, .string("a\"\\/\u{8}\u{C}\n\r\tz")),
    (#""\u00e9\u4e2d\ud83d\ude00\u0000""#, .string("é中😀\0")), ("\"é中😀\"", .string("é中😀")),
    ("[]", .array([])), ("[1, [2]]", .array([.unsigned(1), .array([.unsigned(2)])])),
  ])
  func value(_ text: String, _ expected: JSONValue) throws {
    #expect(try Self.parse(text) == expected)
  }

  @Test func minusZeroIsNoInteger() throws {
    #expect(try Self.parse("-0").integer == nil)
    #expect(try Self.parse("-0").number?.sign == .minus)
  }

  @Test func membersKeepOrderAndPlace() throws {
    let object = try #require(try Self.parse(#"{"b": 1, "a" : {"b":2} }"#).object)
    #expect(object.members.map(\.name) == ["b", "a"])
    #expect(object.members.map(\.offset) == [1, 9])
    #expect(object["a"]?.object?["b"]?.integer == 2)
    #expect(object["c"] == nil)
  }

  @Test(arguments: [
    ("", 0), (" ", 1), ("{", 1), ("[1,]", 3), ("[1 2]", 3), ("{\"a\"}", 4), ("{\"a\":1,}", 7),
    ("{a:1}", 1), ("01", 2), ("1.", 2), (".5", 0), ("+1", 0), ("-", 1), ("1e", 2), ("1e999", 0),
    ("nul", 0), ("nullx", 4), ("NaN", 0), ("\"a", 2), ("\"\n\"", 1), (#""\x""#, 2),
    (#""\u12g4""#, 5),
    (#""\ud800""#, 7), (#""\udc00""#, 7), (#""\ud800\u0041""#, 13), ("1 1", 2), ("\u{FEFF}1", 0),
    ("'a'", 0), ("[1]\0", 3), ("\\", 0), ("\"\\", 2),
  ])
  func syntax(_ text: String, _ offset: Int) throws {
    let fault = try #require(throws: Malformation.self) { try Self.parse(text) }
    #expect(fault.reason == .syntax)
    #expect(fault.place.offset == offset)
  }

  @Test(arguments: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80]])
  func encoding(_ bytes: [UInt8]) throws {
    for escape in ["", #"\n"#] {
      let text = Array("[\"\(escape)".utf8) + bytes + Array("\"]".utf8)
      let fault = try #require(throws: Malformation.self) { try JSONValue(parsing: text) }
      #expect(fault.reason == .encoding)
    }
  }

  @Test func duplicateNames() throws {
    let many = (0..<50).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    #expect(try Self.parse("{\(many)}").object?.members.count == 50)
    for text in [#"{"a":1,"a":1}"#, #"{"a":1,"\u0061":1}"#, "{\(many),\"k7\":0}"] {
      let fault = try #require(throws: Malformation.self) { try Self.parse(text) }
      #expect(fault.reason == .duplicate)
    }
  }

  /// Two spellings of é are one `String`, but two names.
  @Test func namesAreBytes() throws {
    let object = try #require(try Self.parse("{\"\u{E9}\":1,\"e\u{301}\":2}").object)
    #expect(object.members.count == 2)
    #expect(object["e\u{301}"]?.integer == 2)
  }

  @Test func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try Self.parse(nested(127))
    #expect(throws: Malformation.self) { try Self.parse(nested(128)) }
    #expect(throws: Malformation.self) { try Self.parse(nested(100_000)) }
    #expect(throws: Malformation.self) {
      try Self.parse(String(repeating: "{\"a\":", count: 100_000))
    }
  }

  @Test func files() throws {
    let directory = TemporaryDirectory()
    let good = try directory.file("config.json", Array(#"{"model_type": "llama"}"#.utf8))
    #expect(try JSONValue(contentsOf: good).object?["model_type"]?.string == "llama")
    let bad = try directory.file("bad.json", Array("{,".utf8))
    let error = try #require(throws: CheckpointError.self) { try JSONValue(contentsOf: bad) }
    expectOneLine(error, naming: bad)
    guard case .malformed(_, let fault) = error else {
      Issue.record(error)
      return
    }
    #expect(fault.place.offset == 1)
    #expect(throws: CheckpointError.notFound("none.json")) {
      try JSONValue(contentsOf: "none.json")
    }
  }

  @Test func text() throws {
    let text = """
      {
        "a": [
          1,
          -2,
          0.5,
          1e-12
        ],
        "b \\"\\n": {},
        "c": [],
        "d": {
          "e": null,
          "f": true,
          "g": 18446744073709551615
        }
      }

      """
    let value = try Self.parse(text)
    #expect(String(decoding: value.text, as: UTF8.self) == text)
    #expect(
      String(decoding: value.compactText, as: UTF8.self)
        == #"{"a":[1,-2,0.5,1e-12],"b \"\n":{},"c":[],"#
        + #""d":{"e":null,"f":true,"g":18446744073709551615}}"#)
    let object = try #require(value.object)
    #expect(object.setting("c", nil).members.map(\.name) == ["a", "b \"\n", "d"])
    #expect(object.setting("c", 7)["c"]?.integer == 7)
    #expect(object.setting("z", "y").members.last?.value.string == "y")
    #expect(object.setting("z", nil) == object)
  }
}
