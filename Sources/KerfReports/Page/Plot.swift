internal import KerfElements

/// Points over two axes of numbers, with a name at each.
struct Plot {
  struct Point {
    var x: Double
    var y: Double
    /// Where y may as well be.
    var spread: ClosedRange<Double>?
    var name: String
    /// What is said of the point beside its name.
    var words: String
    var standing: Standing
    /// What the point leads to, on the same page.
    var target: String
    /// Which view of the map is about it.
    var view: Int?
  }

  /// How a point compares with others.
  enum Standing: String {
    /// None is better in both.
    case best
    /// Another is.
    case beaten = "mark"
    /// It is about a part of what the others are about, so it is compared with none.
    case partial = "part"
  }

  /// A straight line y = slope · x that no point can be above.
  struct Bound {
    var slope: Double
    var name: String
  }

  var points: [Point]
  var bound: Bound
  var xTitle: String
  var yTitle: String
  /// The whole picture in words.
  var summary: String

  /// The picture in so many units of width and height.
  func svg(_ width: Double, _ height: Double) -> HTML {
    guard !points.isEmpty else { return "" }
    let frame = Frame(self, width, height)
    return """
      <svg viewBox="0 0 \(width) \(height)" class="plot" role="group" aria-label="\(summary)">
      \(grid(frame))\(line(frame))\(front(frame))\(marks(frame))\(names(frame))</svg>

      """
  }

  /// Where things are in the picture.
  struct Frame {
    let left = 40.0
    let top = 26.0
    let right: Double
    let bottom: Double
    let xs: ClosedRange<Double>
    let ys: ClosedRange<Double>

    init(_ plot: Plot, _ width: Double, _ height: Double) {
      right = width - 12
      bottom = height - 40
      let x = plot.points.map(\.x)
      let y = plot.points.flatMap {
        [$0.y, $0.spread?.lowerBound ?? $0.y, $0.spread?.upperBound ?? $0.y]
      }
      let wide = max(x.max()! - x.min()!, 1)
      xs = (x.min()! - 0.05 * wide)...(x.max()! + 0.05 * wide)
      let high = max(y.max()! - y.min()!, 3)
      ys = (y.min()! - 0.08 * high)...(y.max()! + 0.14 * high)
    }

    func x(_ x: Double) -> Double {
      left + (x - xs.lowerBound) / (xs.upperBound - xs.lowerBound) * (right - left)
    }
    func y(_ y: Double) -> Double {
      bottom - (y - ys.lowerBound) / (ys.upperBound - ys.lowerBound) * (bottom - top)
    }
  }
}

extension Plot.Frame {
  /// A bound, as far as it is within the frame.
  func line(_ bound: Plot.Bound) -> (x1: Double, y1: Double, x2: Double, y2: Double)? {
    let first = max(xs.lowerBound, ys.lowerBound / bound.slope)
    let last = min(xs.upperBound, ys.upperBound / bound.slope)
    guard first < last else { return nil }
    return (x(first), y(first * bound.slope), x(last), y(last * bound.slope))
  }

  /// Boxes that the bound's name fills: it ends near the line's upper end.
  func boxes(of bound: Plot.Bound) -> [PlotLabels.Box] {
    guard let line = line(bound) else { return [] }
    let length =
      ((line.x2 - line.x1) * (line.x2 - line.x1) + (line.y2 - line.y1) * (line.y2 - line.y1))
      .squareRoot()
    let name = 6.5 * Double(bound.name.count)
    return stride(from: 0.97 * length - name, through: 0.97 * length, by: 8).map { way in
      let (x, y) = (
        line.x1 + way / length * (line.x2 - line.x1), line.y1 + way / length * (line.y2 - line.y1)
      )
      return PlotLabels.Box(left: x - 9, top: y - 18, width: 14, height: 16)
    }
  }
}

// The parts of the picture, from the back to the front.
extension Plot {
  private func grid(_ frame: Frame) -> HTML {
    var html: HTML = ""
    for (y, words) in Plot.ticks(frame.ys, about: 6) {
      html += """
        <line class="grid" x1="\(frame.left)" x2="\(frame.right)" y1="\(frame.y(y))" y2="\(frame.y(y))"/>\
        <text class="tick" x="\(frame.left - 6)" y="\(frame.y(y) + 4)" text-anchor="end">\(words)</text>

        """
    }
    for (x, words) in Plot.ticks(frame.xs, about: (frame.right - frame.left) / 60) {
      html += """
        <line class="grid" x1="\(frame.x(x))" x2="\(frame.x(x))" y1="\(frame.top)" y2="\(frame.bottom)"/>\
        <text class="tick" x="\(frame.x(x))" y="\(frame.bottom + 16)" text-anchor="middle">\(words)</text>

        """
    }
    return html + """
      <text class="axis" x="\(frame.left)" y="14">\(yTitle)</text>
      <text class="axis" x="\(frame.right)" y="\(frame.bottom + 34)" text-anchor="end">\(xTitle)</text>

      """
  }

  private func line(_ frame: Frame) -> HTML {
    guard let line = frame.line(bound) else { return "" }
    let id = "bound-\(Int(frame.right))"
    return """
      <path class="bound" id="\(id)" d="M\(line.x1),\(line.y1) L\(line.x2),\(line.y2)"/>
      <text class="bound-name" dy="-6"><textPath href="#\(id)" startOffset="97%" \
      text-anchor="end">\(bound.name)</textPath></text>

      """
  }

  private func front(_ frame: Frame) -> HTML {
    let front = points.filter { $0.standing == .best }.sorted { $0.x < $1.x }
    guard front.count > 1 else { return "" }
    let corners = front.map { point -> HTML in "\(frame.x(point.x)),\(frame.y(point.y)) " }
    return "<polyline class=\"front\" points=\"\(corners.joined())\"/>\n"
  }

  private func marks(_ frame: Frame) -> HTML {
    points.map { point -> HTML in
      let (x, y) = (frame.x(point.x), frame.y(point.y))
      let bar = point.spread.map { spread -> HTML in
        let (low, high) = (frame.y(spread.lowerBound), frame.y(spread.upperBound))
        return """
          <path class="spread" d="M\(x - 4),\(low) h8 M\(x - 4),\(high) h8 M\(x),\(low) V\(high)"/>
          """
      }
      let view = point.view.map { view -> HTML in " data-view=\"\(view)\"" }
      return """
        <a href="#\(point.target)"\(view ?? "") aria-label="\(point.name): \(point.words)">\
        <title>\(point.name): \(point.words)</title>\(bar ?? "")\
        <circle class="touch" cx="\(x)" cy="\(y)" r="13"/>\
        <circle class="\(point.standing.rawValue)" cx="\(x)" cy="\(y)" r="5"/></a>

        """
    }.joined()
  }

  private func names(_ frame: Frame) -> HTML {
    PlotLabels(self, frame).placed.map { label -> HTML in
      var html: HTML = ""
      if let (x, y) = label.leader {
        html = """
          <line class="leader" x1="\(x)" y1="\(y)" x2="\(label.box.nearX(x))" y2="\(label.box.nearY(y))"/>
          """
      }
      return html + """
        <text class="label\(label.isOnFront ? " best-name" : "")" x="\(label.box.left)" \
        y="\(label.box.bottom - 4)">\(label.name)</text>

        """
    }.joined()
  }

  /// Round numbers within a range.
  static func ticks(_ range: ClosedRange<Double>, about count: Double) -> [(Double, String)] {
    let rough = (range.upperBound - range.lowerBound) / max(count, 1)
    let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    let step = steps.first { $0 >= rough } ?? 200
    let first = (range.lowerBound / step).rounded(.up)
    let last = (range.upperBound / step).rounded(.down)
    return stride(from: first, through: last, by: 1).map {
      ($0 * step, Numbers.fixed($0 * step, step < 1 ? 1 : 0))
    }
  }
}
