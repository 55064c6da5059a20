public import ArgumentParser
public import Kerf
import SystemPackage

/// What `kerf convert` writes for a runtime of the model hub.
struct LayoutOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make what a runtime loads: a directory for compressed-tensors (vLLM, transformers), mlx, "
        + "bitsandbytes, awq or gptq; a file for onnx, which the ending .onnx means anyway.",
      valueName: "layout"))
  var layout: Layout?

  @Option(
    help: ArgumentHelp(
      "Elements of a row that share a scale; 'channel': a whole row; 'tensor' or tiles such as "
        + "128x128: all rows or so many (compressed-tensors, fp8). (default: as is usual there)",
      valueName: "count|channel|tensor|tile"))
  var group: Layout.Grouping?

  @Flag(help: "Codes have a zero point.")
  var asymmetric = false

  @Flag(help: "Codes have no zero point.")
  var symmetric = false

  @Flag(
    help:
      "Activations are to be quantized as well, to eight bits (compressed-tensors, int8 or fp8; onnx)."
  )
  var activations = false

  @Flag(help: "Scales are quantized themselves (bitsandbytes).")
  var doubleQuantization = false

  @Option(
    help: ArgumentHelp(
      "Bytes of a weight file, about: 5GB where it is not given.", valueName: "size"),
    transform: byteSize)
  var shardSize: ByteSize?

  /// An option that means nothing without a layout, if there is one.
  private var givenOption: String? {
    if group != nil { return "--group" }
    if asymmetric { return "--asymmetric" }
    if symmetric { return "--symmetric" }
    if activations { return "--activations" }
    if doubleQuantization { return "--double-quantization" }
    return shardSize == nil ? nil : "--shard-size"
  }

  /// The layout that is asked for, be it by the output's ending.
  func layout(for output: String) -> Layout? {
    let container = FilePath(output).extension.flatMap(Container.init(pathExtension:))
    return layout ?? (container == .onnx ? .onnx : nil)
  }

  func validate(output: String) throws {
    if layout(for: output) == nil, let option = givenOption {
      throw ValidationError("\(option) belongs to --layout")
    }
    if symmetric, asymmetric {
      throw ValidationError("--symmetric and --asymmetric: expected one of them")
    }
  }

  /// The wish for codes that `--to` names; `nil` without a layout.
  func wish(to name: String?, output: String) throws -> LayoutWish? {
    guard let layout = layout(for: output) else { return nil }
    guard let name, let codes = GroupFormat.Codes(layoutName: name.lowercased()) else {
      let codes =
        layout == .onnx
        ? "for .onnx expected int2, int4 or int8"
        : "with --layout expected int2, int3, int4, int5, int6, int8, nf4, fp4, mxfp4, nvfp4, mxfp8 "
          + "or fp8"
      throw ValidationError("--to \(name ?? ""): \(codes)")
    }
    var wish = LayoutWish(layout, codes)
    wish.grouping = group
    if group == nil, name.lowercased() == "nvfp4" { wish.grouping = .elements(16) }
    if asymmetric { wish.offset = .zeroPoint }
    if symmetric { wish.offset = GroupFormat.Offset.none }
    wish.options.quantizesActivations = activations
    wish.options.nestsScales = doubleQuantization
    if let shardSize { wish.shardByteCount = shardSize.byteCount }
    return wish
  }
}

extension Layout: ExpressibleByArgument {
  /// The layout of that name, whatever its case.
  public init?(argument: String) { self.init(name: argument) }
}

extension Layout.Grouping: ExpressibleByArgument {
  /// `64`, `channel`, `tensor`, or `128x128`.
  public init?(argument: String) {
    let words = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
    if words == ["channel"] {
      self = .channel
    } else if words == ["tensor"] {
      self = .tensor
    } else if words.count == 2, let rows = Int(words[0]), let columns = Int(words[1]),
      (2..<1 << 20).contains(rows), (8...1 << 20).contains(columns)
    {
      self = .tiles(rows: rows, columns: columns)
    } else if let count = Int(argument), (8...1 << 20).contains(count) {
      self = .elements(count)
    } else {
      return nil
    }
  }
}

extension GroupFormat.Codes {
  /// The codes that users mean by a name.
  fileprivate init?(layoutName name: String) {
    switch name {
    case "nf4": self = .nf4
    case "fp4": self = .fp4
    case "mxfp4", "nvfp4": self = .e2m1
    case "mxfp8", "fp8": self = .e4m3
    default:
      guard name.hasPrefix("int"), let bits = Int(name.dropFirst(3)), (2...8).contains(bits) else {
        return nil
      }
      self = .integers(bits: bits)
    }
  }
}
