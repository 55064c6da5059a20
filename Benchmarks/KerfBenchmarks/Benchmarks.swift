// Every case is one benchmark. The harness runs its rounds and keeps the figures; in each round all
// contestants and the yardstick take their turn, so what slows the machine down slows all of them.

import Benchmark
import Foundation

let benchmarks: @Sendable () -> Void = {
  let environment = ProcessInfo.processInfo.environment
  let rounds = environment["KERF_BENCHMARK_ROUNDS"].flatMap(Int.init) ?? 11
  let engines = makeEngines(peers: environment["KERF_BENCHMARK_PEERS"])

  for item in Case.all {
    let contestants = engines.flatMap { $0.contestants(for: item) }
    guard !contestants.isEmpty else { continue }
    let contest = Contest(item, contestants, rounds: rounds)
    Benchmark(
      item.name,
      configuration: .init(
        // The harness wants a throughput for its export; it is that of the yardstick.
        metrics: [.throughput] + contest.names.map { .custom($0) },
        tags: item.tags(contestants: contest.names),
        warmupIterations: 0, maxDuration: .seconds(3600), maxIterations: rounds)
    ) { benchmark in
      contest.round(benchmark)
    } setup: {
      try contest.prepare()
    } teardown: {
      contest.end()
    }
  }
}

/// What takes part: Kerf, and the peers that are in the folder `peers`.
private func makeEngines(peers: String?) -> [any Engine] {
  var engines: [any Engine] = [KerfEngine()]
  guard let peers else { return engines }
  for (name, folder) in [("ggml", "llama.cpp"), ("ggml.native", "ggml-native")] {
    if let engine = GGMLEngine(name, folder: "\(peers)/\(folder)/bin") { engines.append(engine) }
  }
  for package in PythonEngine.Package.allCases {
    if let engine = PythonEngine(package, environment: peers + "/python") { engines.append(engine) }
  }
  return engines
}
