import ArgumentParser
import Kerf
import SystemPackage

struct BenchQuantize: ParsableCommand {
  enum Scalar: String, CaseIterable, ExpressibleByArgument {
    case f32, f16, bf16

    var elementType: ElementType {
      switch self {
      case .f32: .float32
      case .f16: .float16
      case .bf16: .bfloat16
      }
    }
  }

  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Quantize weights in memory: how fast, and with what error.",
    discussion: """
      Elements in memory become scales and codes in memory, on one thread; formats and roundings take \
      turns on the same weights, and the best turn counts. The error is √(Σ(x − y)² / Σx²).

      EXAMPLES
        kerf bench quantize
        kerf bench quantize --formats int4_g64,int4_g64_zp --rounding optimal
        kerf bench quantize --weights model.safetensors --formats nf4_g64 --json
      """)

  @Option(help: ArgumentHelp("What weights become.", valueName: "format,…"))
  var formats = List(QuantizeBenchmark.usualFormats)

  @Option(help: ArgumentHelp("reference, optimal, or both.", valueName: "rounding,…"))
  var rounding = List(Rounding.allCases)

  @Option(
    help: ArgumentHelp(
      "A file's largest matrix of f32, f16 or bf16 instead of Gaussian numbers.",
      valueName: "path"))
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "Rows and columns of Gaussian numbers. (default: 4096x4096)", valueName: "NxK"))
  var shape: MatmulBenchmark.Layer?

  @Option(help: ArgumentHelp("The type of Gaussian numbers.", valueName: "type"))
  var from = Scalar.bf16

  @Option(help: ArgumentHelp("How long each figure is measured.", valueName: "seconds"))
  var seconds = 0.5

  @Flag(help: "Print JSON, and nothing else, on standard output.")
  var json = false

  func validate() throws {
    if let format = formats.elements.first(where: { !$0.isEncodable }) {
      throw ValidationError("--formats \(format): Kerf does not write it")
    }
    guard seconds > 0 && seconds <= 3600 else {
      throw ValidationError("--seconds \(seconds): expected more than 0, and at most 3600")
    }
  }

  func run() throws {
    do {
      var benchmark =
        try weights.map { try QuantizeBenchmark(largestMatrixOf: FilePath($0)) }
        ?? QuantizeBenchmark(
          shape: shape ?? MatmulBenchmark.Layer(n: 4096, k: 4096), elementType: from.elementType)
      benchmark.formats = formats.elements
      benchmark.roundings = rounding.elements
      benchmark.seconds = seconds
      let report = try benchmark.run { done, count, name in
        if Terminal.showsProgress { Terminal.progress("\(done + 1) of \(count)  \(name)") }
      }
      if Terminal.showsProgress { Terminal.progress("") }
      try Terminal.output(json ? report.json : report.text)
    } catch let error as CodecError {
      throw Terminal.failure(error)
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }
}
