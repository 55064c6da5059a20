import ArgumentParser
import Kerf
import SystemPackage

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What was lost between two weight files, tensor by tensor.",
    discussion: """
      REFERENCE and CANDIDATE are .safetensors, .gguf or .onnx files; containers and formats may \
      differ. REFERENCE counts as right. Both are only read.

      Tensors of the same name go together. Else names of GGUF are matched with those of the model \
      hub, for the llama, mistral, mixtral, qwen, gemma, phi, gpt2 and BERT families, and what \
      llama.cpp's converter does to elements is undone: rows of queries and keys that rotate \
      together are neighbours in GGUF, gpt2's matrices are transposed, gemma's norms are larger by \
      1, experts are one stack. That takes the architecture, from GGUF keys or from the config.json \
      beside a hub file. What has no partner is listed; shapes that differ are an error.

      matmul is ‖X·(W−Ŵ)ᵀ‖ ÷ ‖X·Wᵀ‖ for a matrix W and its stand-in Ŵ, with 8 rows X of nearly \
      normal numbers; outliers is the same with one column in a hundred of X 30 times as large. X is \
      the same in every run.

      EXAMPLES
        kerf measure model.safetensors model-q4_0.gguf
        kerf measure model-f16.gguf model-q4_K_M.gguf --report loss.html
        kerf measure model.safetensors model.gguf --tensors 'ffn|mlp' --worst 20
        kerf measure a.safetensors b.safetensors --json | jq .total.sqnr_db
      """)

  @Argument(
    help: "The weight file that counts as right.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var reference: String

  @Argument(
    help: "The weight file that stands in for it.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var candidate: String

  @Option(
    help: ArgumentHelp("Only tensors whose name matches, in either file.", valueName: "regex"))
  var tensors: String?

  @Option(help: ArgumentHelp("Write the report to a .json, .csv or .html file.", valueName: "file"))
  var report: String?

  @Option(help: ArgumentHelp("How many of the worst tensors to show.", valueName: "count"))
  var worst = 5

  @OptionGroup var work: ThreadOptions

  @Flag(help: "Do not measure the errors of products.")
  var noMatmul = false

  @Flag(
    help: "Tensors without a partner and weights that are NaN or infinite end in exit status 2.")
  var strict = false

  @Flag(help: "Print the report as JSON, and nothing else, on standard output.")
  var json = false

  func validate() throws {
    if worst < 0 { throw ValidationError("--worst \(worst): expected 0 or more") }
    try NameExpression.check(tensors: tensors)
    if let report { _ = try ReportFile.Kind(path: report) }
  }

  func run() throws {
    let reportFile = try report.map { try ReportFile($0, apartFrom: [reference, candidate]) }
    var request = MeasureRequest(
      reference: FilePath(reference), candidate: FilePath(candidate), threads: work.threads)
    request.tensors = try NameExpression(tensors: tensors)
    request.isMeasuringProducts = !noMatmul
    do {
      let measurement = try Measurement(request)
      let report = try withProgressLine { progress throws(AnalysisError) in
        try measurement.run(progress: progress)
      }
      try reportFile?.write(report)
      try Terminal.output(json ? report.json : heading(report) + "\n\n" + report.text(worst: worst))
      if strict, let objection = objection(to: report) {
        throw Terminal.failure("\(candidate): \(objection)", status: 2)
      }
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }

  private func heading(_ report: LossReport) -> String {
    "\(report.target) beside \(report.source)  (\(report.instructionSet.rawValue))"
  }

  /// What `--strict` does not let pass.
  private func objection(to report: LossReport) -> String? {
    let unmatched = report.unmatched.reference.count + report.unmatched.candidate.count
    let spoiled = report.rows.reduce(0) {
      $0 + ($1.loss?.nonFinite ?? 0) + ($1.loss?.overflowed ?? 0)
    }
    let objections = [
      unmatched > 0 ? Numbers.counted(unmatched, "tensor") + " without a partner" : nil,
      spoiled > 0 ? Numbers.counted(spoiled, "element") + " not finite (NaN or infinite)" : nil,
    ].compactMap(\.self)
    return objections.isEmpty
      ? nil : "objected to by --strict: " + objections.joined(separator: ", ")
  }
}
