import ArgumentParser

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What this machine does: matrix products beside its peaks, and quantizing.",
    subcommands: [BenchMatmul.self, BenchQuantize.self])
}
