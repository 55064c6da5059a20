import ArgumentParser
import Kerf

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

/// What a command prints instead of text.
struct PrintOptions: ParsableArguments {
  @Flag(help: "Print the report as JSON, and nothing else, on standard output.")
  var json = false

  @Flag(help: "Print the tables as CSV, and nothing else, on standard output.")
  var csv = false

  func validate() throws {
    if json, csv { throw ValidationError("--json and --csv: expected one of them") }
  }

  /// Prints the report in the form asked for.
  func print(
    json: @autoclosure () -> String, csv: @autoclosure () -> String, else text: () -> String
  )
    throws
  {
    if self.json {
      try Terminal.output(json())
    } else if self.csv {
      // The last line's end is the terminal's matter.
      try Terminal.output(String(csv().dropLast()))
    } else {
      try Terminal.output(text())
    }
  }
}

extension NameExpression {
  /// What `--tensors` says, if it is there.
  init?(tensors pattern: String?) throws(PlanError) {
    guard let pattern else { return nil }
    try self.init(pattern, option: "--tensors")
  }

  /// Ends the command where `--tensors` is no expression.
  static func check(tensors pattern: String?) throws {
    do { _ = try NameExpression(tensors: pattern) } catch {
      throw ValidationError(error.description)
    }
  }
}
