import KerfElements
import KerfPlanning
import KerfReference
import Testing

/// Tensors whose scales and tails differ by far, in formats of a few bits, with losses such as
/// those formats leave.
private func problem(
  _ count: Int, formats: Int, seed: UInt64, hasLarge: Bool = false
) -> [[BudgetSolver.Option]] {
  var random = SplitMix(seed: seed)
  let bits = [2.625, 3.4375, 4.25, 4.5, 5.5, 6.5625, 8.5, 16].prefix(formats)
  return (0..<count).map { index in
    // An embedding may be as large as everything else.
    let size = hasLarge && index == 0 ? 64 * count : 1 + Int(random.next() % 64)
    let elements = Double(256 * size)
    let scale = Double(random.next() % 1000 + 1) / 100
    return bits.map { bits in
      let luck = 0.5 + Double(random.next() % 1000) / 1000
      let loss = elements * scale * scale * luck * exp2(-2 * bits)
      return BudgetSolver.Option(byteCount: Int(elements * bits / 8), loss: loss)
    }
  }
}

private func exp2(_ x: Double) -> Double {
  // Integers and the few fractions above; exactness does not matter here.
  let whole = x.rounded(.down)
  let rest = x - whole
  return Double(sign: .plus, exponent: Int(whole), significand: 1)
    * (1 + rest * (0.6931 + rest * (0.2402 + rest * 0.0668)))
}

/// The least loss of all choices that fit: every one that could be it is tried.
private func least(_ items: [[BudgetSolver.Option]], budget: Int) -> Double? {
  var least: Double?
  // What the items from each on take and leave at least.
  var bytes = [0]
  var losses = [0.0]
  for options in items.reversed() {
    bytes.append(bytes.last! + options.map(\.byteCount).min()!)
    losses.append(losses.last! + options.map(\.loss).min()!)
  }
  func walk(_ index: Int, _ room: Int, _ loss: Double) {
    let rest = items.count - index
    guard room >= bytes[rest], loss + losses[rest] < least ?? .infinity else { return }
    guard index < items.count else {
      least = loss
      return
    }
    for option in items[index] { walk(index + 1, room - option.byteCount, loss + option.loss) }
  }
  walk(0, budget, 0)
  return least
}

/// What leaving one tensor in another of its formats changes at most.
private func largestStep(_ items: [[BudgetSolver.Option]]) -> Double {
  items.map { options in
    options.map(\.loss).max()! - options.map(\.loss).min()!
  }.max()!
}

@Suite struct BudgetSolverTests {
  @Test(
    "as close as the best of all choices, but for one tensor; nearly always as close",
    arguments: [false, true])
  func exhaustive(hasLarge: Bool) throws {
    var equal = 0
    var all = 0
    var worst = 1.0
    for seed in 0..<40 as Range<UInt64> {
      let items = problem(8, formats: 5, seed: seed, hasLarge: hasLarge)
      let smallest = try #require(BudgetSolver.smallest(items.map { $0.map(\.byteCount) }))
      let largest = try #require(BudgetSolver.largest(items.map { $0.map(\.byteCount) }))
      for share in [0.05, 0.2, 0.5, 0.8] {
        let budget = smallest + Int(Double(largest - smallest) * share)
        let choice = try #require(BudgetSolver.choice(of: items, budget: budget))
        let options = zip(items, choice).map { $0[$1] }
        #expect(options.reduce(0) { $0 + $1.byteCount } <= budget)
        let loss = options.reduce(0) { $0 + $1.loss }
        let best = try #require(least(items, budget: budget))
        #expect(loss <= best + largestStep(items), "seed \(seed), share \(share)")
        all += 1
        if loss <= best * (1 + 1e-9) { equal += 1 }
        worst = max(worst, loss / best)
      }
    }
    #expect(equal * 10 >= all * 9, "\(equal) of \(all)")
    #expect(worst < 1.2)
  }

  @Test(
    "never above what fractions allow by more than one step of one tensor",
    arguments: 0..<8 as Range<UInt64>)
  func relaxation(seed: UInt64) throws {
    let items = problem(300, formats: 8, seed: seed)
    let smallest = try #require(BudgetSolver.smallest(items.map { $0.map(\.byteCount) }))
    let budget = smallest + smallest / 3
    let choice = try #require(BudgetSolver.choice(of: items, budget: budget))
    let loss = zip(items, choice).reduce(0) { $0 + $1.0[$1.1].loss }
    // For any price of a byte, Σ min(loss + price · bytes) − price · budget is a lower bound.
    var bound = 0.0
    for exponent in -480..<160 {
      let price = exp2(Double(exponent) / 16)
      let sum = items.reduce(0) { sum, options in
        sum + options.map { $0.loss + price * Double($0.byteCount) }.min()!
      }
      bound = max(bound, sum - price * Double(budget))
    }
    #expect(bound > 0)
    #expect(loss <= bound * 1.02)
    #expect(choice == BudgetSolver.choice(of: items, budget: budget))
  }

  @Test("the smallest that there is fits exactly, and a byte less does not")
  func tooSmall() throws {
    let items = problem(20, formats: 6, seed: 1)
    let smallest = try #require(BudgetSolver.smallest(items.map { $0.map(\.byteCount) }))
    let choice = try #require(BudgetSolver.choice(of: items, budget: smallest))
    #expect(zip(items, choice).reduce(0) { $0 + $1.0[$1.1].byteCount } == smallest)
    #expect(BudgetSolver.choice(of: items, budget: smallest - 1) == nil)
    #expect(BudgetSolver.choice(of: [], budget: 0) == [])
  }

  @Test("never worse than a choice that is known", arguments: 0..<30 as Range<UInt64>)
  func known(seed: UInt64) throws {
    let items = problem(30, formats: 7, seed: seed, hasLarge: seed % 2 == 0)
    var random = SplitMix(seed: seed)
    let known = items.map { Int(random.next() % UInt64($0.count)) }
    let options = zip(items, known).map { $0[$1] }
    let budget = options.reduce(0) { $0 + $1.byteCount }
    let choice = try #require(BudgetSolver.choice(of: items, budget: budget, known: [known]))
    let loss = zip(items, choice).reduce(0) { $0 + $1.0[$1.1].loss }
    #expect(loss <= options.reduce(0) { $0 + $1.loss })
    #expect(BudgetSolver.choice(of: items, budget: budget - 1, known: [known]) != nil)
  }

  @Test("many tensors")
  func many() throws {
    let items = problem(5000, formats: 8, seed: 9)
    let smallest = try #require(BudgetSolver.smallest(items.map { $0.map(\.byteCount) }))
    let choice = try #require(BudgetSolver.choice(of: items, budget: smallest * 2))
    let bytes = zip(items, choice).reduce(0) { $0 + $1.0[$1.1].byteCount }
    #expect(bytes <= smallest * 2)
    #expect(bytes > smallest * 2 - 10_000)
  }

  @Test("of what is equal, the first wins")
  func ties() {
    let options = [(10, 1.0), (20, 0.5)].map { BudgetSolver.Option(byteCount: $0, loss: $1) }
    #expect(
      BudgetSolver.choice(of: [options, options, options], budget: 40) == [1, 0, 0])
  }

  @Test("room for everything: every tensor as close as it can be")
  func roomForAll() {
    let items = problem(50, formats: 8, seed: 3)
    #expect(BudgetSolver.choice(of: items, budget: 1 << 40) == items.map { _ in 7 })
  }
}
