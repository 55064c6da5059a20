internal import KerfMetrics
internal import KerfPlanning

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Where in a model something is: what tensors do below each other, layers side by side.
///
/// Tensors that do the same in one layer, as experts do, share a cell. A cell's figure is that of
/// them together, for it is the ratio of two sums.
struct HeatMap {
  /// What cells show. Either way the low end is the one to look at.
  enum Quantity {
    /// Σ(x−y)² over Σx², as signal to noise.
    case decibels
    /// Bits over elements.
    case bits
  }

  /// What a tensor gives to its cell's two sums.
  struct Share {
    var over: Double
    var under: Double
  }

  /// One way to colour the map.
  struct View {
    var title: String
    var quantity: Quantity
    /// A figure for each cell; `nil` where there is none.
    var cells: [Cell?]
    /// The scale's ends.
    var range: ClosedRange<Double>
  }

  struct Cell {
    /// `nil` where nothing was lost, and where a loss has nothing to be compared with.
    var value: Double?
    var isExact: Bool
    /// The figure, and the tensor that is worst off where there are several.
    var words: String
  }

  /// Layers of one stack; the tensors around the layers are one without layers.
  struct Grid {
    var stack: String
    var layers: [Int]
    var rows: [Row]
  }

  struct Row {
    var title: String
    /// The number of the cell at each layer; `nil` where the model has nothing.
    var cells: [Int?]
  }

  private(set) var grids: [Grid] = []
  private(set) var views: [View] = []
  /// The view that is seen first.
  var firstView = 0
  /// Whether the model has more stacks or layers than are drawn.
  private(set) var isCut = false
  private var cellOfTensor: [Int?]
  /// What a cell is about in one tensor's name; `nil` where several share it.
  private(set) var nameOfCell: [String?] = []
  private let names: [String]

  /// A model says how many layers it has, so there is an end to what is drawn.
  private static let mostGrids = 8
  private static let mostLayers = 400

  /// The cells of tensors by their names. Kinds of tensors of which none `isShown` have no row.
  init(names: [String], isShown: (Int) -> Bool) {
    self.names = names
    cellOfTensor = Array(repeating: nil, count: names.count)
    var members: [String: [Kind: [Int: [Int]]]] = [:]
    for (index, name) in names.enumerated() {
      let role = TensorRole(name: name)
      let stack = role.layer == nil ? "" : role.stack
      members[stack, default: [:]][Kind(role), default: [:]][role.layer ?? 0, default: []]
        .append(index)
    }
    for (stack, kinds) in members.sorted(by: { $0.key < $1.key }) {
      let shown = kinds.filter { $0.value.values.contains { $0.contains(where: isShown) } }
      guard !shown.isEmpty else { continue }
      add(stack, shown)
    }
    // What has layers comes first.
    grids.sort { ($0.layers.isEmpty ? 1 : 0) < ($1.layers.isEmpty ? 1 : 0) }
  }

  private mutating func add(_ stack: String, _ kinds: [Kind: [Int: [Int]]]) {
    var layers = Set(kinds.values.flatMap(\.keys)).sorted()
    isCut = isCut || layers.count > HeatMap.mostLayers || grids.count == HeatMap.mostGrids
    guard grids.count < HeatMap.mostGrids else { return }
    layers = Array(layers.prefix(HeatMap.mostLayers))
    let rows = kinds.sorted { $0.key < $1.key }.map { kind, tensors in
      Row(
        title: kind.words,
        cells: layers.map { layer in
          guard let tensors = tensors[layer] else { return nil }
          for tensor in tensors { cellOfTensor[tensor] = nameOfCell.count }
          nameOfCell.append(tensors.count == 1 ? names[tensors[0]] : nil)
          return nameOfCell.count - 1
        })
    }
    grids.append(Grid(stack: stack, layers: stack.isEmpty ? [] : layers, rows: rows))
  }

  /// A tensor's row.
  private struct Kind: Hashable, Comparable {
    var part: TensorRole.Part
    var isExpert: Bool

    init(_ role: TensorRole) {
      part = role.part
      isExpert = role.isExpert
    }

    var words: String { part.words + (isExpert ? ", experts" : "") }

    static func < (left: Kind, right: Kind) -> Bool {
      left.order == right.order ? !left.isExpert && right.isExpert : left.order < right.order
    }
    private var order: Int { TensorRole.Part.allCases.firstIndex(of: part)! }
  }
}

// Views.
extension HeatMap {
  /// Adds a way to colour the map; nothing where no cell would have a figure.
  ///
  /// - Parameters:
  ///   - label: What is said of a cell's tensor beside its figure, if it is the only one.
  ///   - share: What the tensor of that number gives to its cell; `nil` where it has no figure.
  mutating func add(
    _ title: String, _ quantity: Quantity, label: (Int) -> String? = { _ in nil },
    share: (Int) -> Share?
  ) {
    var sums = Array(repeating: CellSum(), count: nameOfCell.count)
    for (tensor, cell) in cellOfTensor.enumerated() {
      guard let cell, let share = share(tensor) else { continue }
      sums[cell].add(share, of: tensor, quantity)
    }
    let cells = sums.map { $0.cell(quantity, names, label) }
    let values = cells.compactMap { $0?.value }
    guard let low = values.min(), let high = values.max() else { return }
    views.append(
      View(
        title: title, quantity: quantity, cells: cells, range: quantity.range(low, high)))
  }

  private struct CellSum {
    var sum = Share(over: 0, under: 0)
    var count = 0
    var worst: (tensor: Int, value: Double)?
    var last = 0

    mutating func add(_ share: Share, of tensor: Int, _ quantity: Quantity) {
      sum.over += share.over
      sum.under += share.under
      count += 1
      last = tensor
      if let value = quantity.value(share), value < worst?.value ?? .infinity {
        worst = (tensor, value)
      }
    }

    func cell(_ quantity: Quantity, _ names: [String], _ label: (Int) -> String?) -> Cell? {
      guard count > 0 else { return nil }
      let value = quantity.value(sum)
      let isExact = sum.over == 0
      var words = value.map(quantity.words) ?? (isExact ? "exact" : "no signal")
      if count == 1 {
        if let label = label(last) { words += ", " + label }
      } else {
        words += ", \(Numbers.counted(count, "tensor"))"
        if let worst {
          words += "; worst \(names[worst.tensor].plain), \(quantity.words(worst.value))"
        }
      }
      return Cell(value: value, isExact: isExact, words: words)
    }
  }
}

extension HeatMap.Quantity {
  func value(_ share: HeatMap.Share) -> Double? {
    let value =
      switch self {
      case .decibels: Loss.sqnr(squaredError: share.over, squaredReference: share.under)
      case .bits: share.over > 0 && share.under > 0 ? share.over / share.under : nil
      }
    return value.flatMap { $0.isFinite ? $0 : nil }
  }

  /// The figure as a cell has room for it.
  func short(_ value: Double) -> String { Numbers.fixed(value, 1) }

  func words(_ value: Double) -> String {
    switch self {
    case .decibels: Numbers.fixed(value, 2) + " dB"
    case .bits: Numbers.fixed(value, 3) + " bits/weight"
    }
  }

  var unit: String {
    switch self {
    case .decibels: "dB, most lost at the right"
    case .bits: "bits/weight, fewest at the right"
    }
  }

  /// Ends that are a bit of precision apart at the least: small differences stay pale.
  func range(_ low: Double, _ high: Double) -> ClosedRange<Double> {
    switch self {
    case .decibels: min(low, high - 6)...high
    case .bits: min(low, max(high - 1, high / 2))...high
    }
  }

  /// Where a value is on the scale, from 0 at its high end to 1 at its low one. Bits are on a scale
  /// of ratios: 2 and 4 are as far apart as 4 and 8.
  func shade(_ value: Double, in range: ClosedRange<Double>) -> Double {
    let (low, high, value) = (place(range.lowerBound), place(range.upperBound), place(value))
    return min(max((high - value) / (high - low), 0), 1)
  }

  /// The value at a place of the scale.
  func value(atShade shade: Double, in range: ClosedRange<Double>) -> Double {
    let (low, high) = (place(range.lowerBound), place(range.upperBound))
    let place = high - shade * (high - low)
    return self == .bits ? exp2(place) : place
  }

  private func place(_ value: Double) -> Double { self == .bits ? log2(value) : value }
}

extension TensorRole.Part {
  /// What the part is called where there is little room.
  var words: String {
    switch self {
    case .tokenEmbedding: "token embedding"
    case .positionEmbedding: "position embedding"
    case .output: "output"
    case .attentionQuery: "attention query"
    case .attentionKey: "attention key"
    case .attentionValue: "attention value"
    case .attentionFused: "attention, fused"
    case .attentionKeyValue: "attention key-value"
    case .attentionLowRank: "attention, low rank"
    case .attentionOutput: "attention output"
    case .feedForwardGate: "feed-forward gate"
    case .feedForwardUp: "feed-forward up"
    case .feedForwardDown: "feed-forward down"
    case .router: "router"
    case .norm: "norm"
    case .convolutionOrState: "convolution, state"
    case .bias: "bias"
    case .constant: "constant"
    case .other: "other"
    }
  }
}
