import ArgumentParser
import Kerf
import SystemPackage

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell what is in a weight file: parameters by role, and memory at each precision.",
    discussion: """
      INPUT is a .safetensors, .gguf or .onnx file; of several, the first one, their index or their \
      directory. Its header is read, and the config.json beside a hub \
      file; tensors are read for statistics only. Weights of linear layers in an ONNX graph are \
      shown as matrices of rows, whichever way they lie, under the names of their layers.

      A model's parameters are divided by what their names say, GGUF's or the hub's. Of a mixture \
      of experts, those that work for a token are told as well. FP32, FP16, INT8 and INT4 are 4, \
      2, 1 and half a byte for each parameter. A format's bytes are those of all tensors, scales \
      included, as 'kerf convert --pure' writes them to GGUF; q4_K_M and other names of mixes are \
      possible too, and groups such as int4_g64, which other runtimes load.

      Statistics are of the values that a tensor stands for, in double precision: the standard \
      deviation is that of all elements (divided by n), the kurtosis that beyond a normal \
      distribution's 3. Elements that are NaN or infinite are counted and left out. A histogram \
      reaches six standard deviations from the mean, in bins of a tenth of one.

      EXAMPLES
        kerf inspect model.gguf
        kerf inspect model.safetensors --format q4_K,q6_K,q4_K_M
        kerf inspect downloaded-model/ --format int4_g64,int8_g128
        kerf inspect model.gguf --tensors 'blk\\.0\\.' --statistics
        kerf inspect model.gguf --tensors 'blk.5.ffn_down' --histogram --log
        kerf inspect model.gguf --all --csv > tensors.csv
        kerf inspect model.gguf --metadata
      """)

  @Argument(
    help: "The weight file to look into.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var input: String

  @Option(
    help: ArgumentHelp(
      "Formats and mixes to tell the size in. (default: bf16 and every format of blocks)",
      valueName: "format|preset,…"))
  var format: List<SizeTarget>?

  @Option(
    help: ArgumentHelp(
      "List the tensors whose name matches, and look into no others.",
      valueName: "regex"))
  var tensors: String?

  @Flag(help: "List every tensor.")
  var all = false

  @Flag(help: "Print what the file says about itself.")
  var metadata = false

  @Flag(help: "Read the tensors and compute mean, deviation, extremes, outliers past 6σ and more.")
  var statistics = false

  @Flag(help: "Draw how the elements of each tensor are distributed.")
  var histogram = false

  @Flag(help: "Draw the logarithm of counts, so that the tails show.")
  var log = false

  @OptionGroup var work: ThreadOptions

  @OptionGroup var form: PrintOptions

  func validate() throws {
    if all, tensors != nil { throw ValidationError("--all and --tensors: expected one of them") }
    if log, !histogram { throw ValidationError("--log: draws nothing without --histogram") }
    try NameExpression.check(tensors: tensors)
    for target in format?.elements ?? [] {
      if case .format(let format) = target.target, !format.isEncodable {
        throw ValidationError("--format \(format): Kerf does not write it")
      }
    }
  }

  func run() throws {
    var inspection = Inspection(FilePath(input), threads: work.threads)
    if let format { inspection.targets = format.elements.map(\.target) }
    inspection.hasStatistics = statistics
    inspection.hasHistogram = histogram
    do {
      inspection.names = try NameExpression(tensors: tensors)
      let report = try withProgressLine { progress throws(AnalysisError) in
        try inspection.report(progress: progress)
      }
      try form.print(json: report.json, csv: report.csv) { text(report) }
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }

  private func text(_ report: InspectionReport) -> String {
    var parts = [report.text]
    if metadata { parts.append(report.metadataTable) }
    if all || tensors != nil { parts.append(report.tensorTable) }
    if statistics { parts.append(report.statisticsTable) }
    if histogram { parts.append(report.histograms(isLogarithmic: log)) }
    return parts.joined(separator: "\n\n")
  }
}

/// A format or a mix whose size is asked for. A name that is both means the format.
struct SizeTarget: ExpressibleByArgument {
  let target: Target

  init?(argument: String) {
    guard let target = Target(name: argument, isPure: true) else { return nil }
    self.target = Format(name: argument) == nil ? Target(name: argument) ?? target : target
  }
}
