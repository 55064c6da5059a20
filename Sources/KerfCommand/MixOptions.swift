import ArgumentParser
import Kerf
import SystemPackage

/// A budget, and what tensors may take within it.
struct MixOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Bytes of memory for weights, keys and values, and computing: 8GiB, 7.5GB.",
      valueName: "size"),
    transform: byteSize)
  var memory: ByteSize?

  @Option(
    help: ArgumentHelp("Bytes that the file may have.", valueName: "size"), transform: byteSize)
  var size: ByteSize?

  @Option(help: ArgumentHelp("Bits per weight, over all tensors.", valueName: "number"))
  var bits: Double?

  @Option(
    help: ArgumentHelp(
      "Tokens of a sequence that are remembered. (default: 4096, or the model's own if less)",
      valueName: "tokens"))
  var context: Int?

  @Option(help: ArgumentHelp("Sequences at a time. (default: 1)", valueName: "count"))
  var batch: Int?

  @Option(help: ArgumentHelp("How keys and values are stored. (default: f16)", valueName: "format"))
  var kv: CacheFormat?

  @Option(
    help: ArgumentHelp(
      "Tensors whose name matches stay what they are. Repeatable.", valueName: "regex"))
  var keep: [String] = []

  @Option(
    name: .customLong("min"),
    help: ArgumentHelp(
      "Tensors that take at least the bits of a format. Repeatable; the first match counts.",
      valueName: "regex=format"))
  var minimum: [String] = []

  @Option(
    name: .customLong("max"),
    help: ArgumentHelp(
      "Tensors that take at most the bits of a format. Repeatable; the first match counts.",
      valueName: "regex=format"))
  var maximum: [String] = []

  @Option(
    help: ArgumentHelp(
      "What tensors may take. (default: what they are, f16, bf16, q8_0, and K types or, where rows "
        + "do not fill their blocks, smaller ones)", valueName: "format,…"))
  var formats: List<Format>?

  @Option(
    help: ArgumentHelp(
      "How much of every tensor is measured: 5%, 0.05, or elements, 1M. (default: all of a model of "
        + "up to 134 million elements, about as many of a larger one)", valueName: "share"),
    transform: sampleExtent)
  var sample: Sample.Extent?

  @Option(help: ArgumentHelp("What the choice of a sample starts from. (default: 0)"))
  var seed: UInt64?

  /// How many budgets are given.
  var budgetCount: Int { [memory != nil, size != nil, bits != nil].count { $0 } }

  /// The budget, if one is given.
  var budget: Budget? {
    if let memory { return .memory(memory.byteCount) }
    if let size { return .fileSize(size.byteCount) }
    return bits.map(Budget.bitsPerWeight)
  }

  /// An option that says something of a mix, if one is given.
  var givenOption: String? {
    let options: [(String, Bool)] = [
      ("--context", context != nil), ("--batch", batch != nil), ("--kv", kv != nil),
      ("--keep", !keep.isEmpty), ("--min", !minimum.isEmpty), ("--max", !maximum.isEmpty),
      ("--formats", formats != nil), ("--sample", sample != nil), ("--seed", seed != nil),
    ]
    return options.first { $0.1 }?.0
  }

  func validate() throws {
    if let bits, !(bits > 0 && bits <= 64) {
      throw ValidationError("--bits \(bits): expected more than 0, and at most 64")
    }
    for (name, count) in [("--context", context), ("--batch", batch)] {
      if let count, !(1...1 << 30).contains(count) {
        throw ValidationError("\(name) \(count): expected 1 to \(1 << 30)")
      }
    }
    if let format = formats?.elements.first(where: { !$0.isEncodable }) {
      throw ValidationError("--formats \(format): Kerf does not write it yet")
    }
    do throws(PlanError) {
      _ = try bounds()
    } catch {
      throw ValidationError(error.description)
    }
  }

  private func bounds() throws(PlanError) -> (
    keep: [NameExpression], minima: [FormatRule], maxima: [FormatRule]
  ) {
    let keep = try keep.map { text throws(PlanError) in
      try NameExpression(text, option: "--keep")
    }
    let minima = try minimum.map { text throws(PlanError) in
      try FormatRule(text, option: "--min")
    }
    let maxima = try maximum.map { text throws(PlanError) in
      try FormatRule(text, option: "--max")
    }
    return (keep, minima, maxima)
  }

  /// A request of what these options say.
  func request(_ input: FilePath, _ budget: Budget, _ threads: Int?) throws -> PlanRequest {
    var request = PlanRequest(input: input, budget: budget, threads: threads)
    request.context = context
    request.sequences = batch ?? 1
    request.cacheFormat = kv?.format ?? .f16
    request.formats = formats?.elements
    (request.keep, request.minima, request.maxima) = try bounds()
    let seed = seed ?? 0
    request.extent = sample.map { .sample(Sample($0, seed: seed)) } ?? .automatic(seed: seed)
    return request
  }
}

/// What keys and values may be stored as.
struct CacheFormat: ExpressibleByArgument {
  let format: Format

  init?(argument: String) {
    guard let format = Format(name: argument), KeyValueCache.formats.contains(format) else {
      return nil
    }
    self.format = format
  }

  static var allValueStrings: [String] { KeyValueCache.formats.map(\.name) }
}

func byteSize(_ text: String) throws -> ByteSize {
  guard let size = ByteSize(text) else {
    throw ValidationError(
      "“\(text)” is no size: expected bytes, or a number and kB, MB, GB, TB, KiB, MiB, GiB or TiB")
  }
  return size
}

private func sampleExtent(_ text: String) throws -> Sample.Extent {
  guard let extent = Sample.Extent(text) else {
    throw ValidationError("“\(text)” is no share: expected 5%, 0.05, or elements, as 1M")
  }
  return extent
}
