/// A page that shows a report: one file, which asks nothing of any other place.
struct Page {
  /// What is seen first: a number, what it is, and a remark.
  struct Figure {
    var name: String
    var value: String
    var remark: String

    init(_ name: String, _ value: String, _ remark: String = "") {
      self.name = name
      self.value = value
      self.remark = remark
    }
  }

  private let kind: String
  private let files: [String]
  /// What stands between their names.
  private let joint: String
  private let facts: [String]
  private let figures: [Figure]
  private var sections: HTML = ""

  /// A page without sections.
  ///
  /// - Parameters:
  ///   - kind: What was done, in a word or two.
  ///   - files: Whom it was done to, as the user named them.
  ///   - facts: How it was done.
  init(
    _ kind: String, of files: [String], joint: String = "→", facts: [String], figures: [Figure]
  ) {
    self.joint = joint
    self.kind = kind
    self.files = files
    self.facts = facts
    self.figures = figures
  }

  mutating func append(_ title: String, _ body: HTML) {
    sections += "<section>\n<h2>\(title)</h2>\n\(body)</section>\n"
  }

  /// Adds a section for `lines`, the first of them in sight.
  mutating func append(_ title: String, lines: [String]) {
    guard !lines.isEmpty else { return }
    let items = lines.map { line -> HTML in "<li>\(line)</li>\n" }
    let rest = items.dropFirst(Page.linesInSight)
    let more: HTML = """
      <details><summary>\(Numbers.grouped(rest.count)) more</summary><ul>
      \(rest.joined())</ul></details>

      """
    append(
      title, "<ul>\n\(items.prefix(Page.linesInSight).joined())</ul>\n\(rest.isEmpty ? "" : more)")
  }

  private static let linesInSight = 12

  var html: String {
    let names = files.map { $0.split(separator: "/").last.map(String.init) ?? $0 }
    let heading = names.map { name -> HTML in "<span>\(name)</span>" }
    let paths = files.filter { $0.contains("/") }.map { path -> HTML in "\(breakable: path)" }
    let page: HTML = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(markup: Page.policy)">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(names.joined(separator: " \(joint) ")) · kerf \(kind)</title>
      <link rel="icon" href="data:,">
      <style>
      \(Page.style)</style>
      </head>
      <body>
      <header>
      <p class="brand"><b>kerf</b> \(kind)</p>
      <h1>\(Page.joined(heading, by: " <i>\(joint)</i> "))</h1>
      <p class="facts">\(Page.joined(facts.map { "<span>\($0)</span>" }, by: " · "))</p>
      <p class="paths">\(Page.joined(paths, by: " \(joint) "))</p>
      <dl class="figures">
      \(figures.map(Page.figure).joined())</dl>
      </header>
      <main>
      \(sections)</main>
      <footer>
      <details><summary>What the figures mean</summary>
      \(Page.glossary)</details>
      <p>Made by kerf \(kerfVersion). Every figure is computed from the weights themselves.</p>
      </footer>
      <script>
      \(Page.script)</script>
      </body>
      </html>

      """
    return page.text
  }

  /// What a browser may load for the page: nothing. Its own style and script are within it.
  private static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    + "base-uri 'none'; form-action 'none'"

  private static func figure(_ figure: Figure) -> HTML {
    let remark: HTML = figure.remark.isEmpty ? "" : "<small>\(breakable: figure.remark)</small>"
    return "<div><dt>\(figure.name)</dt><dd>\(figure.value)\(remark)</dd></div>\n"
  }

  private static func joined(_ pieces: [HTML], by separator: HTML) -> HTML {
    pieces.enumerated().map { $0 == 0 ? $1 : separator + $1 }.joined()
  }

  private static let glossary: HTML = """
    <dl>
    <dt>SQNR</dt><dd>Signal-to-quantization-noise ratio in decibels, −10·log₁₀ of Σ(x−y)² ÷ Σx², where \
    x is a weight and y what is stored in its place. 6 dB more is half the error; “exact” is none \
    at all.</dd>
    <dt>RMSE</dt><dd>Root of the mean squared error, in the weights’ own unit.</dd>
    <dt>max error, mean error</dt><dd>The largest and the mean |x−y|.</dd>
    <dt>cosine</dt><dd>Of the angle between a tensor and what stands for it: 1 where they point the \
    same way.</dd>
    <dt>bias</dt><dd>Mean of y−x: whether the stored weights lean to one side.</dd>
    <dt>bits/weight</dt><dd>Bytes that are stored, scales included, over elements.</dd>
    <dt>matmul, outliers</dt><dd>‖X·(W−Ŵ)ᵀ‖ ÷ ‖X·Wᵀ‖ for activations X from a normal distribution, and \
    for such with a few columns that are many times larger.</dd>
    <dt>bound of a Gaussian source</dt><dd>What the best code of any kind could reach for weights from \
    a normal distribution: 6.02 dB for each bit. Weights of other distributions may come nearer, or \
    pass it.</dd>
    </dl>

    """
}
