public import ArgumentParser
public import Kerf
import SystemPackage

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Change a weight file's precision, and say what it cost.",
    discussion: """
      INPUT is a .safetensors, .gguf or .onnx file; of several, the first one, their index or their \
      directory. OUTPUT's ending chooses its container; it appears \
      under its name when it is whole, and INPUT is only read.

      FORMAT is what weight matrices become. PRESET is a mix, as the field names them: most \
      matrices take one format, delicate ones more bits. A name that is both, such as q4_0, means \
      the mix, in which the output is q6_K; --pure gives every matrix the same. Norms, biases, \
      routers, position embeddings and integers keep their precision. Where rows do not fill the \
      blocks of a format, a tensor takes one of smaller blocks, or f16, and the report says so.

      Instead of --to, --size, --bits or --memory make a mix for this very file: formats are tried \
      on its tensors, and each gets the one that makes the total loss least within the budget. \
      'kerf plan' shows such a mix, and keeps it in a file for --plan.

      With --layout, OUTPUT is a directory that a runtime of the model hub loads: weight files, \
      their index, config.json with what the runtime reads, and all else as it was. Then --to names \
      codes: int2 to int8, nf4, fp4, mxfp4, nvfp4, mxfp8 or fp8, as far as the layout has them. \
      Weights of linear layers take them, but for embeddings, routers and the output head; --tensor \
      decides otherwise, with names such as int8_g64_bias. Group and zero points are as is usual \
      for the layout, unless --group, --symmetric or --asymmetric say so.

      An ONNX model becomes one that ONNX Runtime loads where OUTPUT ends in .onnx: products with \
      weights are MatMulNBits then, of int2, int4 or int8, and all else in the graph stays as it was. \
      Where INPUT has its data in files beside it, OUTPUT has it in one, OUTPUT_data.

      EXAMPLES
        kerf convert model.safetensors model.gguf --to q8_0
        kerf convert downloaded-model/ model.gguf --to q4_K_M
        kerf convert model.gguf small.gguf --to q4_K_M --importance imatrix.gguf
        kerf convert model.gguf small.gguf --to q4_0 --tensor 'ffn_down=q5_1' --tensor 'token_embd=q8_0'
        kerf convert model.safetensors model.gguf --to q4_1 --dry-run
        kerf convert model.gguf small.gguf --size 5GB --keep output
        kerf convert model.gguf small.gguf --plan plan.json
        kerf convert downloaded-model/ model-int4/ --to int4 --group 64 --layout compressed-tensors
        kerf convert downloaded-model/ model-mlx/ --to int4 --layout mlx --tensor 'lm_head=int8_g64_bias'
        kerf convert model.onnx model-int4.onnx --to int4 --group 32
        kerf convert model.safetensors model.gguf --to q4_0 --report loss.html --json > loss.json
      """)

  @Argument(
    help: "The weight file to read.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var input: String

  @Argument(
    help:
      "The weight file to make, ending in .safetensors, .gguf or .onnx; with --layout, a directory."
  )
  var output: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What weight matrices become, one of 'kerf formats'.", valueName: "format|preset"))
  var to: String?

  @Option(
    help: ArgumentHelp(
      "What each tensor becomes, from a file that 'kerf plan' made of this input.",
      valueName: "file"))
  var plan: String?

  @Flag(help: "No mix: every weight matrix takes the same format.")
  var pure = false

  @Option(help: "The kind of file to make, whatever OUTPUT's ending.")
  var container: Container?

  @Option(
    help:
      "optimal: least squared error; reference: the bytes that the public reference code writes.")
  var rounding = Rounding.optimal

  @Option(
    name: .long,
    help: ArgumentHelp(
      "An exception: tensors whose name matches take that format. Repeatable; the first match wins.",
      valueName: "regex=format"))
  var tensor: [String] = []

  @Option(
    help: ArgumentHelp(
      "An importance matrix, as llama-imatrix writes it: errors count by the activations that a "
        + "column meets.", valueName: "file"))
  var importance: String?

  @Option(help: ArgumentHelp("Write the report to a .json, .csv or .html file.", valueName: "file"))
  var report: String?

  @OptionGroup var work: ThreadOptions

  @Flag(help: "Print the choice for every tensor; write nothing.")
  var dryRun = false

  @Flag(help: "Refuse fallbacks and weights that are NaN or infinite (exit status 2).")
  var strict = false

  @Flag(help: "Do not measure the loss.")
  var noMeasure = false

  @Flag(help: "Replace OUTPUT if it exists.")
  var force = false

  @Flag(help: "Print the report as JSON, and nothing else, on standard output.")
  var json = false

  @OptionGroup var mix: MixOptions

  @OptionGroup var layouts: LayoutOptions

  /// What the options say of the target; a mix is made later, from the input.
  private enum Wish {
    case target(Target)
    case layout(LayoutWish)
    case plan(FilePath)
    case budget(Budget)
  }

  private func wish() throws -> Wish {
    let given = [to != nil, plan != nil, mix.budgetCount > 0].count { $0 }
    guard given == 1, mix.budgetCount <= 1 else {
      throw ValidationError("expected one of --to, --plan, --size, --bits and --memory")
    }
    if let budget = mix.budget { return .budget(budget) }
    if let option = mix.givenOption {
      throw ValidationError("\(option) belongs to --size, --bits or --memory")
    }
    if let plan { return .plan(FilePath(plan)) }
    if let layout = try layouts.wish(to: to, output: output) {
      if pure { throw ValidationError("--pure: a layout has no mixes") }
      if container != nil {
        throw ValidationError("--container and --layout: expected one of them")
      }
      return .layout(layout)
    }
    let to = to ?? ""
    guard let target = Target(name: to, isPure: pure) else {
      throw ValidationError(
        "--to \(to): there is no such format or preset; 'kerf formats' lists them")
    }
    return .target(target)
  }

  func validate() throws {
    try layouts.validate(output: output)
    _ = try wish()
    if layouts.layout != nil, to == nil { throw ValidationError("--layout wants codes: --to int4") }
    if pure, to == nil { throw ValidationError("--pure belongs to --to") }
    if importance != nil, rounding == .reference {
      throw ValidationError(
        "--importance with --rounding reference: reference bytes do not depend on importance")
    }
    do {
      _ = try rules
    } catch {
      throw ValidationError(error.description)
    }
    if let report { _ = try ReportFile.Kind(path: report) }
  }

  func run() throws {
    let reportFile = try report.map { try ReportFile($0, apartFrom: [input, output]) }
    do {
      let request = try makeRequest()
      let conversion = try Conversion(request)
      if dryRun {
        try reportFile?.write(conversion.plannedReport)
        try show(conversion.plannedReport, conversion.plannedReport.tensorTable, conversion.remarks)
        return
      }
      let report = try withProgressLine { progress throws(ConversionError) in
        try conversion.run(progress: progress)
      }
      try reportFile?.write(report)
      try show(report, heading(report, request) + "\n\n" + report.text(), conversion.remarks)
    } catch let error as ConversionError {
      if case .refused(_, let objections) = error {
        for objection in objections.dropFirst().prefix(20) { Terminal.note("\(objection)") }
        throw Terminal.failure(error, status: 2)
      }
      throw Terminal.failure(error)
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }

  /// What tensors are to become; a mix is made here.
  private func target() throws -> Target {
    switch try wish() {
    case .target(let target):
      if case .format(let format) = target, !format.isEncodable {
        throw Terminal.failure(
          "--to \(format): encoding it is not possible yet; possible are "
            + Format.encodable.map(\.name).joined(separator: ", "))
      }
      return target
    case .layout: return .format(.f32)
    case .plan(let path): return .mix(try FormatMix(contentsOf: path))
    case .budget(let budget):
      var request = try mix.request(FilePath(input), budget, work.threads)
      request.container =
        container ?? FilePath(output).extension.flatMap(Container.init(pathExtension:)) ?? .gguf
      request.rules = try rules
      request.rounding = rounding
      request.importance = importance.map { FilePath($0) }
      request.isEstimatingSpeed = false
      let report = try withProgressLine { progress throws(AnalysisError) in
        try Planner(request).run(progress: progress)
      }
      guard report.fits else { throw Terminal.failure(report.whyNothingFits) }
      for remark in report.remarks { Terminal.note(remark) }
      return .mix(report.mix)
    }
  }

  private func makeRequest() throws -> ConversionRequest {
    let target = try target()
    var request = ConversionRequest(
      input: FilePath(input), output: FilePath(output), target: target, threads: work.threads)
    if case .layout(let wish) = try wish() { request.layout = wish }
    request.container = container
    request.rounding = rounding
    request.isStrict = strict
    request.isMeasuring = !noMeasure
    request.isReplacing = force
    request.importance = importance.map { FilePath($0) }
    request.rules = try rules
    return request
  }

  private var rules: [FormatRule] {
    get throws(PlanError) {
      try tensor.map { text throws(PlanError) in try FormatRule(text) }
    }
  }

  private func show(_ report: LossReport, _ text: String, _ remarks: [Remark]) throws {
    try Terminal.output(json ? report.json : text)
    for remark in remarks { Terminal.note(remark.description) }
  }

  private func heading(_ report: LossReport, _ request: ConversionRequest) -> String {
    let kind = request.layout.map { "\(to ?? "") for \($0.layout)" } ?? request.target.description
    return "\(report.source) → \(report.target)  (\(kind), \(rounding.rawValue) rounding, "
      + "\(report.instructionSet.rawValue))"
  }
}

extension Container: ExpressibleByArgument {}
extension Rounding: ExpressibleByArgument {}
