// One option for each item, so that bytes keep to a budget and the total loss is least: the
// multiple-choice knapsack problem.
//
// What is not on the lower convex hull of an item's (bytes, loss) is set aside. The others are
// steps, each a few bytes more for a little less loss; within an item the loss saved per byte falls
// from step to step. Taking steps of all items in the order of what they save per byte, until one
// does not fit, and of that one the part that fits, solves the problem with fractions allowed: no
// choice of whole options leaves less (it is the Lagrangian relaxation, whose multiplier is the
// last step's ratio). All items but that one have a whole option then. So the choice without that
// one step leaves at most as much more than the least possible as one step of one item saves.
//
// That may be much where one item is a large part of all, as embeddings are. So what follows
// improves on it: later steps that still fit; then an item is given one of its options, whichever,
// and steps are taken with the others again, for every option of the large items; and exchanges,
// from there and from choices that are known: what comes of it is never worse than those.

/// The choice of options, deterministic: whatever is equal goes by the order of items and options.
package enum BudgetSolver {
  /// What an item may become.
  package struct Option: Sendable, Hashable {
    package var byteCount: Int
    /// Not negative, and finite.
    package var loss: Double

    package init(byteCount: Int, loss: Double) {
      self.byteCount = byteCount
      self.loss = loss
    }
  }

  /// The number of an option for each item, or `nil` where not even the smallest ones fit.
  ///
  /// - Parameter known: Choices that others made, which count where they fit.
  /// - Precondition: no item is without options, and bytes add up without overflow.
  package static func choice(
    of items: [[Option]], budget: Int, known: [[Int]] = []
  ) -> [Int]? {
    let frontiers = items.map(Frontier.init)
    let start = Search(frontiers, budget: budget)
    guard start.room >= 0 else { return nil }
    var searches = [start, start]
    searches[0].takeSteps()
    searches[1].fix()
    for choice in known {
      var search = start
      for (item, number) in choice.enumerated() {
        search.set(item, to: frontiers[item].place(of: items[item][number]))
      }
      if search.room >= 0 { searches.append(search) }
    }
    for index in searches.indices { searches[index].exchange() }
    let losses = searches.map(\.loss)
    let best = losses.indices.min { losses[$0] < losses[$1] } ?? 0
    return zip(frontiers, searches[best].places).map { $0.numbers[$1] }
  }

  /// Bytes of the smallest options; `nil` where they cannot be counted.
  package static func smallest(_ items: [[Int]]) -> Int? { sum(items) { $0.min() } }

  /// Bytes of the largest options; `nil` where they cannot be counted.
  package static func largest(_ items: [[Int]]) -> Int? { sum(items) { $0.max() } }

  private static func sum(_ items: [[Int]], _ one: ([Int]) -> Int?) -> Int? {
    items.reduce(0) { sum, bytes in sum.flatMap { checkedSum($0, one(bytes) ?? 0) } }
  }
}

/// The options of an item that no other is both smaller and closer than, from the smallest on.
private struct Frontier {
  let options: [BudgetSolver.Option]
  /// Their numbers among all options.
  let numbers: [Int]
  /// Places of those on the lower convex hull.
  let hull: [Int]

  init(_ all: [BudgetSolver.Option]) {
    precondition(!all.isEmpty)
    let order = all.indices.sorted {
      (all[$0].byteCount, all[$0].loss, $0) < (all[$1].byteCount, all[$1].loss, $1)
    }
    var numbers: [Int] = []
    for number in order where numbers.last.map({ all[number].loss < all[$0].loss }) ?? true {
      numbers.append(number)
    }
    let options = numbers.map { all[$0] }
    var hull: [Int] = []
    for place in options.indices {
      while hull.count >= 2,
        Frontier.slope(options[hull[hull.count - 2]], options[hull[hull.count - 1]])
          <= Frontier.slope(options[hull[hull.count - 1]], options[place])
      { hull.removeLast() }
      hull.append(place)
    }
    self.options = options
    self.numbers = numbers
    self.hull = hull
  }

  /// The place of the closest option that is no larger than `option`, which is one of all.
  func place(of option: BudgetSolver.Option) -> Int {
    (options.lastIndex { $0.byteCount <= option.byteCount }) ?? 0
  }

  /// Bytes between the smallest option and the largest.
  var span: Int { options[options.count - 1].byteCount - options[0].byteCount }

  /// Loss saved by a byte from one option to a larger one.
  static func slope(_ a: BudgetSolver.Option, _ b: BudgetSolver.Option) -> Double {
    (a.loss - b.loss) / Double(b.byteCount - a.byteCount)
  }
}

private struct Search {
  let frontiers: [Frontier]
  /// The option of each item, as a place in its frontier.
  var places: [Int]
  /// Bytes that are left.
  var room: Int
  /// Steps on the hulls of all items, those that save most per byte first.
  private let steps: [(item: Int, place: Int)]

  init(_ frontiers: [Frontier], budget: Int) {
    self.frontiers = frontiers
    steps = Search.steps(frontiers)
    places = frontiers.map { _ in 0 }
    room = frontiers.reduce(budget) { $0 - $1.options[0].byteCount }
  }

  private static func steps(_ frontiers: [Frontier]) -> [(item: Int, place: Int)] {
    var steps: [(slope: Double, item: Int, place: Int)] = []
    for (item, frontier) in frontiers.enumerated() {
      for (old, new) in zip(frontier.hull, frontier.hull.dropFirst()) {
        steps.append((Frontier.slope(frontier.options[old], frontier.options[new]), item, new))
      }
    }
    steps.sort { ($1.slope, $0.item, $0.place) < ($0.slope, $1.item, $1.place) }
    return steps.map { ($0.item, $0.place) }
  }

  /// A change of one item's option.
  private struct Move {
    let item: Int
    let place: Int
    /// Bytes that it takes, or gives where it is negative.
    let bytes: Int
    /// Loss that it saves, or adds where it is negative.
    let gain: Double
  }

  private func move(_ item: Int, to place: Int) -> Move {
    let old = frontiers[item].options[places[item]]
    let new = frontiers[item].options[place]
    return Move(
      item: item, place: place, bytes: new.byteCount - old.byteCount, gain: old.loss - new.loss)
  }

  mutating func set(_ item: Int, to place: Int) { apply(move(item, to: place)) }

  private mutating func apply(_ move: Move) {
    places[move.item] = move.place
    room -= move.bytes
  }

  /// What is left with the options as they are.
  var loss: Double {
    zip(frontiers, places).reduce(0) { $0 + $1.0.options[$1.1].loss }
  }

  /// Takes steps on the hulls, those that save most per byte first, of all items but those whose
  /// option is `fixed`.
  mutating func takeSteps(fixed: [Bool]? = nil) {
    var hasStopped = fixed ?? [Bool](repeating: false, count: frontiers.count)
    for step in steps where !hasStopped[step.item] {
      let move = move(step.item, to: step.place)
      if move.bytes <= room { apply(move) } else { hasStopped[step.item] = true }
    }
  }

  /// Tries every option of the large items, with steps of the others; fixes the best one, and does
  /// so again.
  mutating func fix() {
    let start = self
    takeSteps()
    var fixed = [Bool](repeating: false, count: frontiers.count)
    // What is tried depends on nothing but sizes.
    let large = frontiers.indices
      .sorted { (-frontiers[$0].span, $0) < (-frontiers[$1].span, $1) }
      .prefix(max(4, 20_000_000 / max(steps.count * 8, 1)))
    var base = start
    for _ in 0..<4 {
      var best: (search: Search, item: Int, loss: Double)?
      for item in large where !fixed[item] {
        for place in frontiers[item].options.indices {
          var trial = base
          trial.apply(trial.move(item, to: place))
          guard trial.room >= 0 else { continue }
          fixed[item] = true
          trial.takeSteps(fixed: fixed)
          fixed[item] = false
          let loss = trial.loss
          if loss < best?.loss ?? self.loss { best = (trial, item, loss) }
        }
      }
      guard let best else { return }
      self = best.search
      fixed[best.item] = true
      base.apply(base.move(best.item, to: best.search.places[best.item]))
    }
  }

  /// Makes the change that saves most, of one item or of one for another's bytes, until none does.
  mutating func exchange() {
    let moves = frontiers.reduce(0) { $0 + $1.options.count }
    // Each saves something, but they may be many; a bound that depends on nothing but the sizes.
    for _ in 0..<max(4, 10_000_000 / max(moves, 1)) {
      guard let best = bestExchange() else { return }
      if let down = best.down { apply(down) }
      apply(best.up)
    }
  }

  private func bestExchange() -> (up: Move, down: Move?)? {
    var ups: [Move] = []
    var downs: [Move] = []
    for item in frontiers.indices {
      for place in frontiers[item].options.indices where place != places[item] {
        let move = move(item, to: place)
        if move.bytes > 0 { ups.append(move) } else { downs.append(move) }
      }
    }
    let givers = Givers(downs)
    var best: (gain: Double, up: Move, down: Move?)?
    for up in ups {
      var gain = up.gain
      var down: Move?
      if up.bytes > room {
        guard let giver = givers.best(giving: up.bytes - room, not: up.item) else { continue }
        down = giver
        gain += giver.gain
      }
      // Less than rounding is nothing, and might go to and fro.
      if gain > up.gain * 1e-9, gain > best?.gain ?? 0 { best = (gain, up, down) }
    }
    return best.map { ($0.up, $0.down) }
  }

  /// Moves that give bytes, to be asked for the one that adds the least loss.
  private struct Givers {
    private let moves: [Move]
    /// Of the moves up to each: the best one, and the best one of another item.
    private var bests: [(Int, Int?)] = []

    init(_ all: [Move]) {
      moves = all.sorted { ($0.bytes, $0.item, $0.place) < ($1.bytes, $1.item, $1.place) }
      for (index, move) in moves.enumerated() {
        guard let (first, second) = bests.last else {
          bests.append((index, nil))
          continue
        }
        if move.gain > moves[first].gain {
          bests.append((index, move.item == moves[first].item ? second : first))
        } else if move.item != moves[first].item, second.map({ move.gain > moves[$0].gain }) ?? true
        {
          bests.append((first, index))
        } else {
          bests.append((first, second))
        }
      }
    }

    func best(giving bytes: Int, not item: Int) -> Move? {
      // The first that gives too little.
      var (low, high) = (0, moves.count)
      while low < high {
        let middle = (low + high) / 2
        if -moves[middle].bytes >= bytes { low = middle + 1 } else { high = middle }
      }
      guard low > 0 else { return nil }
      let (first, second) = bests[low - 1]
      return moves[first].item != item ? moves[first] : second.map { moves[$0] }
    }
  }
}
