/// Where the names of a plot's points stand: beside their points, and not on each other.
struct PlotLabels {
  struct Box {
    var left: Double
    var top: Double
    var width: Double
    var height = 15.0

    var right: Double { left + width }
    var bottom: Double { top + height }

    func overlap(_ other: Box) -> Double {
      let wide = min(right, other.right) - max(left, other.left)
      let high = min(bottom, other.bottom) - max(top, other.top)
      return wide > 0 && high > 0 ? wide * high : 0
    }
    func nearX(_ x: Double) -> Double { min(max(x, left), right) }
    func nearY(_ y: Double) -> Double { min(max(y, top + 3), bottom - 3) }
  }

  struct Label {
    var name: String
    var box: Box
    var isOnFront: Bool
    /// Where the line to a point that is far away ends.
    var leader: (x: Double, y: Double)?
  }

  private(set) var placed: [Label] = []

  /// Names find their places one after another, those on the front first; each takes the nearest
  /// place where it covers least.
  init(_ plot: Plot, _ frame: Plot.Frame) {
    let taken =
      plot.points.map {
        Box(left: frame.x($0.x) - 6, top: frame.y($0.y) - 6, width: 12, height: 12)
      } + frame.boxes(of: plot.bound)
    for point in plot.points.sorted(by: { $0.standing == .best && $1.standing != .best }) {
      let (x, y) = (frame.x(point.x), frame.y(point.y))
      // Letters of 12.5 units are about 7 wide, and those of the front are bold.
      let width = (point.standing == .best ? 7.8 : 7) * Double(point.name.count) + 4
      var best: (cost: Double, box: Box, distance: Double)?
      for (distance, box) in PlotLabels.places(x, y, width) {
        let outside =
          max(frame.left - box.left, 0) + max(box.right - frame.right - 8, 0)
          + max(frame.top - box.top, 0) + max(box.bottom - frame.bottom, 0)
        let covered =
          taken.reduce(0) { $0 + $1.overlap(box) }
          + placed.reduce(0) { $0 + $1.box.overlap(box) }
        let cost = 50 * outside + 4 * covered + distance
        if cost < best?.cost ?? .infinity { best = (cost, box, distance) }
      }
      guard let best else { continue }
      placed.append(
        Label(
          name: point.name, box: best.box, isOnFront: point.standing == .best,
          leader: best.distance >= 20 ? (x, y) : nil))
    }
  }

  /// Boxes around a point, each with what its distance counts.
  private static func places(
    _ x: Double, _ y: Double, _ width: Double
  ) -> [(Double, Box)] {
    var places: [(Double, Box)] = [
      (0, Box(left: x + 9, top: y - 8, width: width)),
      (1, Box(left: x - 9 - width, top: y - 8, width: width)),
      (4, Box(left: x - width / 2, top: y - 23, width: width)),
      (4, Box(left: x - width / 2, top: y + 8, width: width)),
    ]
    for step in 1...8 {
      let far = 12.0 * Double(step)
      for (side, more) in [(x + 12, 0.0), (x - 12 - width, 1)] {
        for top in [y - 8 + far, y - 8 - far] {
          places.append((far + more, Box(left: side, top: top, width: width)))
        }
      }
    }
    return places
  }
}
