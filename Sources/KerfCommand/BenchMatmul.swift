import ArgumentParser
import Kerf

struct BenchMatmul: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matmul",
    abstract: "Multiply with quantized weights, and hold it against what the machine can do.",
    discussion: """
      Y[M, N] = X[M, K] · W[N, K]ᵀ with X in f32 and W quantized; M is the number of tokens that \
      are computed together. Three cores take turns: integer (Kerf, weights packed), openblas \
      (Kerf, panels decoded for OpenBLAS) and f32 (OpenBLAS alone, weights of f32), the yardstick.

      Weights rotate through as many copies as it takes to come from memory each time. The int8 \
      peak is that of a loop over registers, the read bandwidth that of a buffer four times the \
      size of the last-level cache; both are measured between the rows, on as many threads. One \
      thread is timed by its processor, several by the clock on the wall; the best turn counts. \
      The error is that of a sample of Y against the f64 product of the decoded weights.

      Groups as long as a row are named by the word channel: int8_channel, int4_channel_zp.

      EXAMPLES
        kerf bench matmul --quick
        kerf bench matmul --formats q8_0,q4_0 --m 1,512 --threads 1,2
        kerf bench matmul --formats int8_channel,int4_g64_bias --shape 4096x4096
        kerf bench matmul --shape 4096x14336 --cores integer,f32 --json > matmul.json
      """)

  @Option(
    help: ArgumentHelp(
      "Formats of the weights. (default: those of the integer core that fill the rows)",
      valueName: "format,…"))
  var formats: List<FormatName>?

  @Option(name: .customLong("m"), help: ArgumentHelp("Rows of X.", valueName: "count,…"))
  var rows = List([1, 8, 32, 512])

  @Option(
    help: ArgumentHelp(
      "Rows and columns of W, as 4096x14336. Repeatable. (default: three layers of a model)",
      valueName: "NxK"))
  var shape: [MatmulBenchmark.Layer] = []

  @Option(help: ArgumentHelp("What computes: integer, openblas, f32.", valueName: "core,…"))
  var cores = List(MatmulBenchmark.Core.allCases)

  @Option(
    help: ArgumentHelp("Threads to work on. (default: all processors)", valueName: "count,…"))
  var threads: List<Int>?

  @Option(help: ArgumentHelp("How long each figure is measured.", valueName: "seconds"))
  var seconds: Double?

  @Flag(help: "The first layer alone, a tenth of a second for each figure.")
  var quick = false

  @Flag(help: "Print JSON, and nothing else, on standard output.")
  var json = false

  func validate() throws {
    for weights in formats?.elements ?? [] {
      // Whatever rows it has.
      guard case .format(let format) = weights, !format.isEncodable else { continue }
      throw ValidationError("--formats \(format): Kerf does not compute with it yet")
    }
    if let count = rows.elements.first(where: { !(1...1 << 16).contains($0) }) {
      throw ValidationError("--m \(count): expected 1 to 65536")
    }
    if let count = threads?.elements.first(where: { !(1...1024).contains($0) }) {
      throw ValidationError("--threads \(count): expected 1 to 1024")
    }
    if let seconds, !(seconds > 0 && seconds <= 3600) {
      throw ValidationError("--seconds \(seconds): expected more than 0, and at most 3600")
    }
    for layer in layers {
      for weights in chosenFormats where weights.format(filling: layer.k)?.isEncodable != true {
        throw ValidationError(
          "--shape \(layer.n)x\(layer.k): rows of \(layer.k) do not end on a block of \(weights)")
      }
    }
  }

  private var chosenFormats: [FormatName] {
    if let formats { return formats.elements }
    return MatmulBenchmark.usualFormats.filter { weights in
      layers.allSatisfy { weights.format(filling: $0.k)?.isEncodable == true }
    }
  }

  private var layers: [MatmulBenchmark.Layer] {
    if !shape.isEmpty { return shape }
    return quick ? [MatmulBenchmark.Layer.usual[0]] : MatmulBenchmark.Layer.usual
  }

  func run() throws {
    var benchmark = MatmulBenchmark()
    benchmark.formats = chosenFormats
    benchmark.rows = rows.elements
    benchmark.cores = cores.elements
    if let threads { benchmark.threads = threads.elements }
    benchmark.layers = layers
    if quick { benchmark.seconds = 0.1 }
    if let seconds { benchmark.seconds = seconds }
    if !MatmulBenchmark.hasOpenBLAS {
      benchmark.cores.removeAll { $0 != .integer }
      Terminal.note("there is no OpenBLAS here: the cores openblas and f32 are left out")
    }
    do {
      let report = try benchmark.run { done, count, name in
        if Terminal.showsProgress { Terminal.progress("\(done + 1) of \(count)  \(name)") }
      }
      if Terminal.showsProgress { Terminal.progress("") }
      try Terminal.output(json ? report.json : report.text)
    } catch let error as MatmulError {
      throw Terminal.failure(error)
    }
  }
}
