/// A table that can be sorted and filtered in a browser, and read without a script.
///
/// Columns of numbers sort by what is written, so each has one unit, which its title names.
struct PageTable {
  struct Column<Element> {
    var title: String
    var order: Order
    /// What the title means, in a few words.
    var meaning: String
    var cell: (Element) -> String

    init(
      _ title: String, _ order: Order, _ meaning: String = "",
      cell: @escaping (Element) -> String
    ) {
      self.title = title
      self.order = order
      self.meaning = meaning
      self.cell = cell
    }
  }

  /// What a column holds, and which way it sorts first: what is worth looking at comes to the top.
  enum Order: String { case words, least, most }

  private let id: String
  private let caption: String
  private let noun: String
  /// Whether a row can be pointed at, as `#id-name`.
  private let hasTargets: Bool
  private let heads: [HTML]
  private let orders: [Order]
  private let rows: [[String]]

  /// Rows that are in the page as markup; a script adds those after them when they are wanted.
  private static let writtenRows = 300
  /// Rows that are few enough to be looked through without a filter.
  private static let fewRows = 24

  /// A row for each element; the first column names it.
  init<Element>(
    _ id: String, caption: String, of noun: String, hasTargets: Bool = false,
    _ columns: [Column<Element>], over elements: some Sequence<Element>
  ) {
    self.id = id
    self.caption = caption
    self.noun = noun
    self.hasTargets = hasTargets
    heads = columns.map(PageTable.head)
    orders = columns.map(\.order)
    rows = elements.map { element in columns.map { $0.cell(element) } }
  }

  var html: HTML {
    let rest = rows.dropFirst(PageTable.writtenRows)
    let filter: HTML = """
      <div class="tools js" hidden><label>Filter <input type="search" data-for="\(id)" \
      placeholder="words of a row" autocomplete="off" spellcheck="false"></label> \
      <output data-for="\(id)">\(Numbers.counted(rows.count, noun))</output></div>

      """
    let more: HTML = """
      <button type="button" class="more" data-for="\(id)" hidden></button>
      <noscript><p class="soft">The page's script shows \(Numbers.counted(rest.count, "more row")). \
      </p></noscript>
      \(HTML(data: rest.map { $0.map(\.plain) }, id: id + "-rest"))
      """
    return """
      \(rows.count > PageTable.fewRows ? filter : "")<div class="scroll" tabindex="0" role="region" \
      aria-label="\(caption)"><table class="sorted" id="\(id)" data-noun="\(noun)">
      <caption>\(caption)</caption>
      <thead><tr>\(heads.joined())</tr></thead>
      <tbody>
      \(rows.prefix(PageTable.writtenRows).map(row).joined())</tbody></table></div>
      \(rest.isEmpty ? "" : more)
      """
  }

  private static func head<Element>(_ column: Column<Element>) -> HTML {
    let title: HTML = column.meaning.isEmpty ? "" : " title=\"\(column.meaning)\""
    return """
      <th scope="col" data-order="\(column.order.rawValue)"><button type="button"\(title)>\
      \(column.title)</button></th>
      """
  }

  private func row(_ cells: [String]) -> HTML {
    let target: HTML = hasTargets ? " id=\"\(id)-\(cells[0])\"" : ""
    let first: HTML = "<tr\(target)><th scope=\"row\">\(breakable: cells[0])</th>"
    let others = zip(cells, orders).dropFirst().map { cell, order -> HTML in
      order == .words ? "<td>\(cell)</td>" : "<td class=\"n\">\(cell)</td>"
    }
    return first + others.joined() + "</tr>\n"
  }
}
