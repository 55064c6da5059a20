// Rounds in which the contestants of a case take turns.

import Benchmark
import Foundation

/// One engine's way of doing a case.
struct Contestant: Sendable {
  let name: String
  /// Does that many passes over the field and returns the nanoseconds they took.
  let run: @Sendable (_ field: Field, _ passes: Int) throws -> Int

  /// A contestant that measures itself.
  init(measuringItself name: String, run: @escaping @Sendable (Field, Int) throws -> Int) {
    self.name = name
    self.run = run
  }

  /// A contestant that does one pass in this process, on this thread.
  init(_ name: String, pass: @escaping @Sendable (Field) -> Void) {
    self.init(measuringItself: name) { field, passes in
      let start = ContinuousClock.now
      for _ in 0..<passes { pass(field) }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      return Int(seconds * 1e9)
    }
  }

  /// The yardstick: the C library's copy of the same input.
  static let memcpy = Contestant("memcpy") { field in
    _ = Foundation.memcpy(field.target, field.source, field.item.inputByteCount)
  }
}

/// The contestants of one case, and its memory while it runs.
final class Contest: @unchecked Sendable {
  /// A burst of passes this long makes one sample, so that the clock does not count.
  static let burst = 2e-3
  /// Who needs longer than this many seconds takes part in three rounds only.
  static let patience = 0.4

  private let item: Case
  private let contestants: [Contestant]
  private let rounds: Int
  private var field: Field?
  private var passes: [Int] = []
  private var slow: [Bool] = []

  init(_ item: Case, _ contestants: [Contestant], rounds: Int) {
    self.item = item
    self.contestants = contestants + [.memcpy]
    self.rounds = rounds
  }

  var names: [String] { contestants.map(\.name) }

  /// Gets the memory, and finds how many passes make a burst.
  func prepare() throws {
    let field = try Field(item)
    self.field = field
    passes = try contestants.map { contestant in
      guard item.workingSet == .l2 else { return 1 }
      // The second pass: the first one meets cold caches.
      _ = try contestant.run(field, 1)
      let seconds = Double(max(1, try contestant.run(field, 1))) * 1e-9
      return max(1, Int(Contest.burst / seconds))
    }
    slow = contestants.map { _ in false }
  }

  /// Every contestant's turn; samples are picoseconds for each pass.
  func round(_ benchmark: Benchmark) {
    guard let field else { return }
    for (index, contestant) in contestants.enumerated() {
      if slow[index], benchmark.currentIteration >= 3 { continue }
      let isYardstick = contestant.name == Contestant.memcpy.name
      if isYardstick { benchmark.startMeasurement() }
      do {
        let nanoseconds = try contestant.run(field, passes[index])
        benchmark.measurement(.custom(contestant.name), nanoseconds * 1000 / passes[index])
        slow[index] = Double(nanoseconds) * 1e-9 > Contest.patience
      } catch {
        benchmark.error("\(contestant.name): \(error)")
      }
      if isYardstick { benchmark.stopMeasurement() }
    }
  }

  func end() { field = nil }
}
