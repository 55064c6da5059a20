import ArgumentParser
import Kerf
import Logging

@main
struct KerfCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kerf",
    abstract: "Makes weight files smaller and says what that cost, tensor by tensor.",
    discussion: """
      EXAMPLES
        kerf convert model.safetensors model-q8_0.gguf --to q8_0
        kerf convert model-f16.gguf model-q4_0.gguf --to q4_0 --report loss.json
        kerf convert model.safetensors half.safetensors --to f16
        kerf measure model.safetensors model-q8_0.gguf
        kerf plan model.gguf --memory 8GiB --context 8192
        kerf formats q4_0

      ENVIRONMENT
        KERF_ISA      baseline, avx2, avx512 or neon: use these kernels, or fail
        KERF_LOG      trace, debug, info, notice, warning or error: what is told on standard error
                      of decisions that change no result; notice where it is not set
        KERF_THREADS  threads to work on, where --threads does not say

      EXIT STATUS
        0  done
        1  could not be done; one line on standard error says why
        2  refused or objected to by --strict
        64 wrong usage
      """,
    version: kerfVersion,
    subcommands: [
      Convert.self, Inspect.self, Measure.self, SweepCommand.self, Plan.self, Bench.self,
      Formats.self,
    ])

  static func main() {
    Signals.install()
    let level = Terminal.logLevel
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    main(nil)
  }
}
