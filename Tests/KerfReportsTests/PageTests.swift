import Foundation
import KerfElements
import KerfMetrics
import KerfReports
import Testing

@Suite struct PageTests {
  @Test("names are text, wherever they stand")
  func hostileNames() {
    let names = [
      "</script><script>alert(1)</script>", "\" onmouseover=\"alert(1)", "' autofocus onfocus='x",
      "<!--<script>", "]]><img src=x onerror=alert(1)>", "a\u{2028}b\u{202E}c\u{0}d\ne",
      "&lt;b&gt;",
      "blk.0.<b>.weight",
    ]
    // Twice as many as are written as markup, so that some are in the block of data.
    let rows = (0..<1000).map { row(names[$0 % names.count] + "\($0)", sqnr: 20) }
    var report = report(rows)
    let harmless = Written(self.report((0..<1000).map { row("blk.0.x\($0)", sqnr: 20) }).html)
    report.source = "x/" + names[0]
    report.target = names[1]
    report.unmatched.reference = names
    let page = Written(report.html)
    for markup in [
      "<script", "</script", "<img", "<b>", "<!--", "onmouseover=\"", "\u{202E}", "\u{0}",
    ] {
      #expect(page.count(of: markup) == harmless.count(of: markup), "\(markup)")
    }
    #expect(page.has("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;0"))
    #expect(page.has("\\u003c/script>\\u003cscript>alert(1)\\u003c/script>504"))
    #expect(page.has("a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e5"))
    #expect(page.has("&amp;lt;b&amp;gt;6"))
    #expect(TagScanner.complaint(page.text) == nil)
  }

  @Test("a page asks for nothing", arguments: ["loss", "sweep"])
  func selfContained(kind: String) {
    let page = Written(
      kind == "loss" ? report([row("blk.0.attn_q.weight", sqnr: 20)]).html : sweep().html)
    for word in [
      "http:", "https:", "src=", "url(", "@import", "fetch(", "import(", "innerHTML", "eval(",
    ] {
      #expect(!page.has(word), "\(word)")
    }
    #expect(page.has("default-src 'none'"))
    #expect(TagScanner.complaint(page.text) == nil)
  }

  @Test("every tensor is there, with its figures")
  func rows() throws {
    let rows = (0..<1200).map { row("blk.\($0 / 4).w\($0).weight", sqnr: 10 + Double($0) / 100) }
    let page = Written(report(rows).html)
    for index in [0, 299] {
      #expect(
        page.has("<tr><th scope=\"row\">blk.<wbr>\(index / 4).<wbr>w\(index).<wbr>weight</th>"))
    }
    let block = try #require(page.text.firstMatch(of: #/id="tensors-rest">(.*?)<\/script>/#))
    let rest = try #require(
      JSONSerialization.jsonObject(with: Data(block.output.1.utf8)) as? [[String]])
    #expect(rest.count == 900)
    #expect(rest[0][0] == "blk.75.w300.weight")
    #expect(rest[0].contains("13.00"))
    #expect(page.count(of: "<tr><th scope=\"row\">blk.<wbr>") == 300)
  }

  @Test("experts of a layer share a cell: their errors together, and the worst by its name")
  func experts() {
    let page = Written(
      report([
        row("model.layers.0.mlp.experts.0.up_proj.weight", sqnr: 20),
        row("model.layers.0.mlp.experts.1.up_proj.weight", sqnr: 10),
        row("model.layers.1.mlp.experts.0.up_proj.weight", sqnr: 30),
      ]).html)
    // The mean of 0.01 and 0.1.
    #expect(
      page.has(
        "layer 0, feed-forward up, experts: 12.60 dB, 2 tensors; "
          + "worst model.layers.0.mlp.experts.1.up_proj.weight, 10.00 dB"))
    #expect(page.count(of: " data-c=") == 2)
  }

  @Test("what the model has not is an empty cell, and what lost nothing has none")
  func emptyCells() {
    let page = Written(
      report([
        row("blk.0.attn_q.weight", sqnr: 20), row("blk.2.attn_q.weight", sqnr: 20),
        row("blk.2.ffn_up.weight", sqnr: 20), row("blk.0.attn_norm.weight", sqnr: nil),
      ]).html)
    #expect(page.has("<th scope=\"row\">feed-forward up</th><td></td><td class=\"c\""))
    #expect(!page.has("<th scope=\"row\">norm</th>"))
  }

  @Test(
    "strange figures leave the page whole",
    arguments: [
      LossSums(squaredError: .infinity, squaredReference: 1),
      LossSums(squaredError: 1, squaredReference: .infinity),
      LossSums(squaredError: 1, squaredReference: 0),
      LossSums(squaredError: 0, squaredReference: 0),
    ])
  func strangeFigures(sums: LossSums) {
    var strange = row("blk.0.attn_q.weight", sqnr: 20)
    var losses = LossAccumulator()
    losses.add(sums, count: 4)
    strange.loss = losses.loss
    for rows in [[strange], [strange, row("blk.1.attn_q.weight", sqnr: 20)], []] {
      let page = Written(report(rows).html)
      #expect(TagScanner.complaint(page.text) == nil)
      #expect(page.text.firstMatch(of: #/style="--t:(?!\d)/#) == nil)
      #expect(!page.has("<text class=\"tick\">nan"))
    }
  }

  @Test("a plan has sizes and no losses")
  func planned() {
    var planned = row("blk.0.attn_q.weight", sqnr: 20)
    planned.loss = nil
    var report = report([planned])
    report.total.loss = nil
    let page = Written(report.html)
    #expect(page.has("4.500 bits/weight, q4_0"))
    #expect(!page.has(">RMSE</button>"))
  }

  // MARK: Sweeps

  @Test("the picture marks what nothing beats, and leaves room for what is comparable")
  func picture() {
    let page = Written(sweep().html)
    // Drawn twice, for wide and narrow windows.
    #expect(page.count(of: "<svg") == 2)
    // q4_0 is beaten by iq4_nl; q4_K is for half of the elements; f16 would be far out.
    #expect(page.count(of: "class=\"best\" cx") == 2 * 2)
    #expect(page.count(of: "class=\"mark\" cx") == 2)
    #expect(page.count(of: "class=\"part\" cx") == 2)
    #expect(page.has("Not drawn: f16 (70.00 dB)."))
    for name in ["q8_0", "q4_0", "iq4_nl", "q4_K"] {
      #expect(page.count(of: ">\(name)</text>") == 2)
      #expect(page.has("href=\"#formats-\(name)\""))
      #expect(page.has("<tr id=\"formats-\(name)\">"))
    }
    #expect(!page.has("class=\"spread\""))
  }

  @Test("what was estimated has its error bar")
  func sample() {
    var report = sweep()
    report.sampledShare = 0.05
    report.seed = 7
    for index in report.formats.indices { report.formats[index].relativeError = 0.1 }
    let page = Written(report.html)
    #expect(page.count(of: "class=\"spread\"") == 2 * 4)
    #expect(page.has("a sample of 5.0 %, seed 7"))
    #expect(TagScanner.complaint(page.text) == nil)
  }

  @Test("the map of a sweep begins with a small format, and has all of them")
  func views() {
    let page = Written(sweep().html)
    #expect(page.has("<option value=\"2\" selected>iq4_nl</option>"))
    #expect(page.count(of: "<option") == 5)
    #expect(page.has("worst, dB"))
  }

  // MARK: Reports

  private func loss(sqnr: Double?) -> Loss {
    var losses = LossAccumulator()
    let error = sqnr.map { 64 * pow(10, -$0 / 10) } ?? 0
    losses.add(LossSums(squaredError: error, squaredReference: 64), count: 64)
    return losses.loss
  }

  private func row(_ name: String, sqnr: Double?) -> LossReport.Row {
    .init(
      name: name, shape: [2, 32], sourceFormat: .f32, format: sqnr == nil ? .f32 : .q4_0,
      wantedFormat: .q4_0, sourceByteCount: 256, byteCount: sqnr == nil ? 256 : 36,
      loss: loss(sqnr: sqnr))
  }

  private func report(_ rows: [LossReport.Row]) -> LossReport {
    LossReport(
      source: "models/a.safetensors", target: "b.gguf", instructionSet: .baseline, rows: rows,
      total: .init(
        elements: 64 * rows.count, bytesIn: 256 * rows.count, bytesOut: 36 * rows.count,
        loss: loss(sqnr: 20), seconds: 0.5))
  }

  /// Two tensors in five formats; q4_K takes one of them.
  private func sweep() -> SweepReport {
    let formats: [(Format, Double)] = [
      (.f16, 70), (.q8_0, 46), (.iq4_nl, 22.5), (.q4_0, 21), (.q4_K, 23),
    ]
    return SweepReport(
      source: "models/a.safetensors", instructionSet: .baseline, rounding: .optimal,
      sampledShare: 1, seed: nil,
      tensors: ["blk.0.attn_q.weight", "blk.1.attn_q.weight"].map {
        .init(name: $0, shape: [2, 32], format: .f32, byteCount: 256)
      },
      formats: formats.map { format, sqnr in
        let outcome = SweepReport.Outcome(byteCount: 36, loss: loss(sqnr: sqnr))
        return .init(
          name: format.name, bitsPerWeight: format.bitsPerWeight,
          outcomes: [outcome, format == .q4_K ? nil : outcome], byteCount: 72,
          loss: loss(sqnr: sqnr), relativeError: nil, encodeBytesPerSecond: 1e9)
      },
      keptByteCount: 100, seconds: 1)
  }
}

extension LossSums {
  fileprivate init(squaredError: Double, squaredReference: Double) {
    self.init()
    self.squaredError = squaredError
    self.squaredReference = squaredReference
    squaredCandidate = squaredReference
  }
}

/// A page, which is not printed where a test fails.
private struct Written: CustomTestStringConvertible {
  let text: String
  var testDescription: String { "the page" }

  init(_ text: String) { self.text = text }

  func has(_ words: String) -> Bool { text.contains(words) }
  func count(of words: String) -> Int { text.components(separatedBy: words).count - 1 }
}

/// Whether every element that is opened is closed in its turn.
private enum TagScanner {
  private static let void: Set<Substring> = ["meta", "link", "input", "wbr"]

  static func complaint(_ page: String) -> String? {
    // What is within scripts and styles is no markup.
    let markup = page.replacing(
      #/(<(script|style)[^>]*>).*?(<\/(script|style)>)/#.dotMatchesNewlines()
    ) {
      $0.output.1 + $0.output.3
    }
    var open: [Substring] = []
    for tag in markup.matches(of: #/<(\/?)([a-zA-Z0-9]+)((?:"[^"]*"|[^">])*)>/#) {
      let (slash, name, rest) = (tag.output.1, tag.output.2, tag.output.3)
      if !slash.isEmpty {
        guard open.popLast() == name else { return "</\(name)> closes another" }
      } else if !void.contains(name), !rest.hasSuffix("/") {
        open.append(name)
      }
    }
    let bare = markup.replacing(#/<[\/!]?[a-zA-Z](?:"[^"]*"|[^">])*>/#, with: "")
    if let at = bare.firstIndex(where: { $0 == "<" || $0 == ">" }) {
      return "a bare sign in …\(bare[..<at].suffix(40))"
    }
    return open.isEmpty ? nil : "open at the end: \(open)"
  }
}
