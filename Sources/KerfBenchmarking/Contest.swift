internal import KerfElements

/// Contestants that take turns, so that what slows the machine down slows all of them.
struct Contest {
  /// One turn does as many passes as fit this time, so that the clock does not count.
  static let turn = 0.02

  private(set) var best: [Double]
  private(set) var turns = 0

  /// Measures until each contestant has had that many seconds, in three turns at least.
  ///
  /// - Parameter pass: Does the work of a contestant once.
  init<Failure: Error>(
    _ contestants: Int, stopwatch: Stopwatch, seconds: Double,
    _ pass: (_ contestant: Int) throws(Failure) -> Void
  ) throws(Failure) {
    best = Array(repeating: .infinity, count: contestants)
    var passes = Array(repeating: 1, count: contestants)
    for index in best.indices {
      // The first pass meets cold caches and new memory.
      try pass(index)
      let once = try stopwatch.seconds { () throws(Failure) in try pass(index) }
      passes[index] = max(1, Int(min(Contest.turn, seconds / 3) / max(once, 1e-9)))
    }
    let start = ContinuousClock.now
    while turns < 3 || (ContinuousClock.now - start).inSeconds < seconds * Double(contestants) {
      for index in best.indices {
        let time = try stopwatch.seconds { () throws(Failure) in
          for _ in 0..<passes[index] { try pass(index) }
        }
        best[index] = min(best[index], time / Double(passes[index]))
      }
      turns += 1
    }
  }
}
