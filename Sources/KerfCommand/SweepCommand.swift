public import ArgumentParser
public import Kerf
import SystemPackage

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Try many formats at once: size, loss and speed of each.",
    discussion: """
      Every tensor that 'kerf convert' would quantize is encoded in each format, decoded and \
      compared with what it was. Nothing is written. For each format there is the size of the \
      file, the loss of all tensors together (SQNR; 6 dB more is half the root mean square error), \
      the tensor that loses most, and how fast encoding and multiplying are on this machine.

      With --sample, runs of 4096 elements are taken from every part of each tensor, 32 of them \
      at least, and the error bar says how far the figure may be from that of all elements. 5% and \
      0.05 are a share of each tensor, 1M is a number of elements of each. Where a group is longer, \
      so is a run.

      No code brings a Gaussian source above 6.02 dB for each of its bits; "to bound" says how many \
      dB a format stays below that. Sources of another shape have higher bounds: weights with \
      heavier tails can come closer than a Gaussian would.

      EXAMPLES
        kerf sweep model.safetensors
        kerf sweep model.gguf --sample 5% --html sweep.html
        kerf sweep model.gguf --formats q4_0,q4_K,iq4_xs,nvfp4 --importance imatrix.gguf
        kerf sweep downloaded-model/ --formats int4_g64,int4_g64_zp,int8_channel,nf4_g64
        kerf sweep model.gguf --tensors ffn_down --no-matmul --json > sweep.json
      """)

  @Argument(
    help: "The weight file to read.",
    completion: .file(extensions: ["safetensors", "gguf", "onnx"]))
  var input: String

  @Option(
    help: ArgumentHelp(
      "Formats to try; int4_g64 and int8_channel are names, too. (default: all of GGUF's that can "
        + "be written)", valueName: "format,…"))
  var formats: List<FormatName>?

  @Option(
    help: ArgumentHelp(
      "Look at a part of every tensor: 5%, 0.05, 1M. (default: all of it)", valueName: "part"))
  var sample: Sample.Extent?

  @Option(help: ArgumentHelp("What the choice of the sample starts from.", valueName: "number"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Try only tensors whose name matches; the others count as they are.", valueName: "regex"))
  var tensors: String?

  @Option(
    help: ArgumentHelp(
      "How codes are chosen: 'optimal' searches for the least error in these bits, 'reference' "
        + "writes the bytes of the format's public reference code.", valueName: "rounding"))
  var rounding = Rounding.optimal

  @Option(
    help: ArgumentHelp(
      "An importance matrix, as llama-imatrix writes it: errors count by the activations that a "
        + "column meets.", valueName: "file"))
  var importance: String?

  @Flag(help: "Do not measure the speed of matrix products.")
  var noMatmul = false

  @Option(help: ArgumentHelp("Write a page with pictures to this file.", valueName: "file"))
  var html: String?

  @OptionGroup var work: ThreadOptions

  @OptionGroup var form: PrintOptions

  func validate() throws {
    if let format = formats?.elements.first(where: { !$0.isEncodable }) {
      throw ValidationError("--formats \(format): encoding it is not possible yet")
    }
    if seed != nil, sample == nil {
      throw ValidationError("--seed without --sample: there is nothing to choose")
    }
    if importance != nil, rounding == .reference {
      throw ValidationError(
        "--importance with --rounding reference: reference bytes do not depend on importance")
    }
    try NameExpression.check(tensors: tensors)
  }

  func run() throws {
    var request = SweepRequest(input: FilePath(input), threads: work.threads)
    if let formats { request.formats = formats.elements }
    request.rounding = rounding
    request.importance = importance.map { FilePath($0) }
    request.sample = sample.map { Sample($0, seed: seed ?? 0) }
    request.tensors = try NameExpression(tensors: tensors)
    if noMatmul { request.productRows = [] }

    let read = [input] + (importance.map { [$0] } ?? [])
    let htmlFile = try html.map { try ReportFile($0, as: .html, option: "--html", apartFrom: read) }
    do {
      let sweep = try Sweep(request)
      let report = try withProgressLine(last: "multiplying") { progress throws(AnalysisError) in
        try sweep.run(progress: progress)
      }
      try htmlFile?.write(report)
      try form.print(json: report.json, csv: report.csv) { report.text }
      for remark in sweep.remarks { Terminal.note(remark.description) }
    } catch let error as AnalysisError {
      throw Terminal.failure(error)
    }
  }
}

extension Sample.Extent: ExpressibleByArgument {
  /// `5%`, `0.05`, `1M`.
  public init?(argument: String) { self.init(argument) }
}
