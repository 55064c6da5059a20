import ArgumentParser

/// How many threads a command works on.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to work on; results do not depend on it. (default: all processors)")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads \(threads): expected 1 to 1024")
    }
  }
}
