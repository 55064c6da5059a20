import KerfReports
import Testing

@Suite struct JSONTextTests {
  @Test("members are sorted, each once; what is absent or no number is null")
  func members() {
    var members: JSONMembers = ["b": 1, "a": ["x/y", "é\u{1}"], "c": Double.nan, "d": Int?.none]
    members.add("b", 2)
    members.add([("aa", 0.1), ("f", -Double.infinity)])
    members.add("e", true as Bool?)
    members.add("g", [] as [String])
    #expect(
      JSONText.compact(members)
        == #"{"a":["x/y","é\u0001"],"aa":0.1,"b":1,"c":null,"d":null,"e":true,"f":null,"g":[]}"#)
    #expect(JSONText.text(of: ["a": UInt64.max] as JSONMembers).hasSuffix("615\n}"))
  }
}
