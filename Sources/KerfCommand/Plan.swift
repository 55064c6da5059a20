import ArgumentParser
import Kerf
import SystemPackage

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What fits a budget, at what loss, with which format for each tensor.",
    discussion: """
      INPUT is a .safetensors, .gguf or .onnx file; of several, the first one, their index or their \
      directory. Formats are tried on its tensors, and each gets the \
      one that makes the total squared error least within the budget: --memory, --size or --bits. \
      With an importance matrix errors count by the activations that columns meet.

      Memory is that of weights, keys and values, and computing. Keys and values follow from what \
      the file, or the config.json beside it, says: layers, heads that share them, sliding windows, \
      latent attention. Computing is an estimate, of 512 tokens at a time. So are tokens per \
      second: what this machine's memory would allow, and nothing else took time.

      'kerf convert --plan' makes the file of a plan that --output has kept; 'kerf convert --size' \
      does both in one go.

      EXAMPLES
        kerf plan model.gguf --memory 8GiB
        kerf plan model.safetensors --memory 24GB --context 32768 --batch 4 --kv q8_0
        kerf plan model.gguf --size 5GB --importance imatrix.gguf --output plan.json
        kerf plan model.gguf --bits 4.5 --keep '^output' --min 'attn_v=q5_K' --max 'ffn_up=q4_K'
      """)

  @Argument(
    help: "The weight file to read.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var input: String

  @OptionGroup var mix: MixOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Tensors whose name matches take that format. Repeatable; the first match wins.",
      valueName: "regex=format"))
  var tensor: [String] = []

  @Option(
    help: ArgumentHelp(
      "An importance matrix, as llama-imatrix writes it.", valueName: "file"))
  var importance: String?

  @Option(help: "The kind of file that the plan is for.")
  var container = Container.gguf

  @Option(
    help: "optimal: least squared error; reference: what the public reference code writes.")
  var rounding = Rounding.optimal

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Keep the plan in a file, for 'kerf convert --plan'.", valueName: "file"))
  var output: String?

  @OptionGroup var work: ThreadOptions

  @Flag(help: "Print JSON, and nothing else, on standard output.")
  var json = false

  func validate() throws {
    guard mix.budgetCount == 1 else {
      throw ValidationError("expected one of --memory, --size and --bits")
    }
    if importance != nil, rounding == .reference {
      throw ValidationError(
        "--importance with --rounding reference: reference bytes do not depend on importance")
    }
    do {
      _ = try rules
    } catch {
      throw ValidationError(error.description)
    }
  }

  func run() throws {
    guard let budget = mix.budget else { return }
    var request = try mix.request(FilePath(input), budget, work.threads)
    request.container = container
    request.rounding = rounding
    request.rules = try rules
    request.importance = importance.map { FilePath($0) }
    let file = try output.map {
      try ReportFile(
        $0, as: .json, option: "--output", apartFrom: [input] + (importance.map { [$0] } ?? []))
    }
    do {
      let report = try withProgressLine { progress throws(AnalysisError) in
        try Planner(request).run(progress: progress)
      }
      guard report.fits else {
        if json { try Terminal.output(report.json) }
        throw Terminal.failure(report.whyNothingFits)
      }
      try file?.write(text: report.json + "\n")
      try Terminal.output(json ? report.json : report.text)
      for remark in report.remarks { Terminal.note(remark) }
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }

  private var rules: [FormatRule] {
    get throws(PlanError) {
      try tensor.map { text throws(PlanError) in try FormatRule(text) }
    }
  }
}
