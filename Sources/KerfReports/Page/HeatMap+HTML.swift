extension HeatMap {
  /// The map in its first view, with what a script needs to show the others.
  var html: HTML {
    guard views.indices.contains(firstView) else { return "" }
    let options = views.enumerated().map { index, view -> HTML in
      let selected: HTML = index == firstView ? " selected" : ""
      return "<option value=\"\(index)\"\(selected)>\(view.title)</option>"
    }
    let chooser: HTML =
      views.count > 1
      ? "<label class=\"js\" hidden>Show <select id=\"view\">\(options.joined())</select></label>"
      : ""
    let legends = views.enumerated().map { index, view in legend(view, isShown: index == firstView)
    }
    var html: HTML = """
      <div class="tools">\(chooser)\(legends.joined())</div>
      <p class="readout js" id="readout" aria-live="polite" hidden>Point at a cell, tap it, or walk \
      there with the arrow keys.</p>

      """
    for grid in grids { html += table(grid, views[firstView]) }
    if isCut { html += "<p class=\"soft\">More layers than are drawn; the table has all.</p>\n" }
    if views.count > 1 {
      let drawn = views.map { view in view.cells.map { Drawn($0, view).fields } }
      html += HTML(data: drawn, id: "views")
    }
    return html
  }

  private func table(_ grid: Grid, _ view: View) -> HTML {
    let layers = grid.layers
    // Every so many layers have their number written.
    let step = [1, 2, 5, 10, 20, 50].first { layers.count / $0 <= 36 } ?? 100
    let heads = layers.enumerated().map { index, layer -> HTML in
      index % step == 0 ? "<th scope=\"col\">\(layer)</th>" : "<th><i>\(layer)</i></th>"
    }
    let corner: HTML =
      layers.isEmpty
      ? "around the layers" : "<span class=\"name\">\(grid.stack)</span> layer"
    let rows = grid.rows.map { row -> HTML in
      let cells = zip(row.cells, layers.isEmpty ? [nil] : layers.map(Optional.init)).map {
        cell, layer -> HTML in
        guard let cell else { return "<td></td>" }
        let role = layer.map { "layer \($0), " + row.title } ?? row.title
        let place = nameOfCell[cell].map { "\(role) (\($0))" } ?? role
        let drawn = Drawn(view.cells[cell], view)
        return """
          <td class="\(drawn.kind)" data-c="\(cell)" data-p="\(place)" style="--t:\(drawn.shade)" \
          title="\(place): \(drawn.words)"><span>\(drawn.text)</span></td>
          """
      }
      return "<tr><th scope=\"row\">\(row.title)</th>\(cells.joined())</tr>\n"
    }
    let size = layers.isEmpty ? "around" : layers.count > 36 ? "many" : "few"
    return """
      <div class="scroll" tabindex="-1"><table class="heat \(size)" style="--n:\(max(layers.count, 1))">
      <thead><tr><th scope="col">\(corner)</th>\(heads.joined())</tr></thead>
      <tbody>
      \(rows.joined())</tbody></table></div>

      """
  }

  private func legend(_ view: View, isShown: Bool) -> HTML {
    let steps = [0, 0.25, 0.5, 0.75, 1].map { shade -> HTML in
      let value = view.quantity.value(atShade: shade, in: view.range)
      return """
        <li class="c" style="--t:\(Numbers.fixed(shade, 2))">\(view.quantity.short(value))</li>
        """
    }
    return """
      <div class="legend"\(isShown ? "" : " hidden")><ol>\(steps.joined())</ol> \
      <span>\(view.quantity.unit)</span></div>
      """
  }

  /// How a cell looks in a view.
  private struct Drawn {
    /// `c` for a coloured cell, `e` for one without a figure, nothing for an empty one.
    var kind = ""
    var shade = "0"
    var text = ""
    var words = "not in this format"

    init(_ cell: Cell?, _ view: View) {
      guard let cell else { return }
      words = cell.words
      kind = cell.value == nil ? "e" : "c"
      text = cell.value.map(view.quantity.short) ?? (cell.isExact ? "=" : "–")
      shade = cell.value.map { Numbers.fixed(view.quantity.shade($0, in: view.range), 2) } ?? "0"
    }

    /// As a row, for there are many.
    var fields: [String] { [kind, shade, text, words] }
  }
}
