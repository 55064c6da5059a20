// What a conversion is going to write: one file, or a directory that a runtime loads.

internal import KerfCheckpoints
internal import KerfElements
internal import KerfLayouts
internal import KerfPlanning
internal import SystemPackage

/// The output of a conversion, decided to the byte.
enum Output: Sendable {
  case file(Draft)
  case model(LayoutDraft)
  case onnx(ONNXDraft)

  init(
    _ request: ConversionRequest, of input: Checkpoint, _ importance: ImportanceFile?
  ) throws(ConversionError) {
    if let wish = request.layout, wish.layout == .onnx {
      self = .onnx(try ONNXDraft(of: input, at: request.output, for: wish, rules: request.rules))
    } else if let wish = request.layout {
      self = .model(
        try LayoutDraft(of: input, at: request.output, for: wish, rules: request.rules))
    } else {
      self = .file(
        try Draft(
          of: input, at: request.output, in: Output.container(request), target: request.target,
          rules: request.rules, importance: importance))
    }
  }

  /// The kind of file that is asked for.
  static func container(_ request: ConversionRequest) throws(ConversionError) -> Container {
    guard
      let container = request.container
        ?? request.output.extension.flatMap(Container.init(pathExtension:))
    else { throw .unknownContainer(request.output) }
    guard container != .onnx else { throw .noGraph(request.input) }
    return container
  }

  /// What each tensor is to become, in the input's order.
  var choices: [FormatChoice] {
    switch self {
    case .file(let draft): draft.choices
    case .model(let draft): draft.choices
    case .onnx(let draft): draft.choices
    }
  }

  /// The tensors with the formats that they are written in.
  var placed: [TensorDescription] {
    switch self {
    case .file(let draft): draft.layout.tensors
    case .model(let draft): draft.placed
    case .onnx(let draft): draft.placed
    }
  }

  /// Elements of each tensor that have to be written at once, or a multiple of them.
  var units: [Int] {
    switch self {
    case .file(let draft): draft.layout.tensors.map { _ in 1 }
    case .model(let draft):
      draft.plan.places.map { place in
        guard case .arranged(_, let arrangement, _) = place, arrangement.isTurned else { return 1 }
        return arrangement.unit * arrangement.format.length
      }
    case .onnx(let draft):
      draft.placed.map { tensor in
        guard let arrangement = draft.plan.places[tensor.name]?.arrangement else { return 1 }
        return arrangement.unit == 1 ? 1 : arrangement.unit * arrangement.format.length
      }
    }
  }

  /// Tensors by their numbers, those that are worked on side by side: all of them, but where scales
  /// are decided for whole matrices, which are then read twice, the second time from memory.
  var batches: [Range<Int>] {
    guard case .model(let draft) = self, !draft.decided.isEmpty else {
      return [0..<choices.count]
    }
    return Pieces.batches(of: draft.placed.map(\.shape.count))
  }

  /// What the output says of itself.
  var metadata: CheckpointMetadata {
    switch self {
    case .file(let draft): draft.metadata
    case .model, .onnx: .safetensors([])
    }
  }

  /// Creates the output, beside its name, with all that does not depend on weights.
  func open(
    _ request: ConversionRequest, of input: Checkpoint
  ) throws(ConversionError) -> any Sink {
    switch self {
    case .file(let draft):
      return try checked { () throws(CheckpointError) in
        let file = try AtomicFile(
          at: request.output, byteCount: draft.layout.fileSize, replacing: request.isReplacing)
        try file.write(draft.layout.header, at: 0)
        return FileSink(file: file, placed: draft.layout.tensors)
      }
    case .model(let draft):
      return try laidOut { () throws(LayoutError) in
        let writer = try ModelWriter(
          draft.plan, at: request.output, replacing: request.isReplacing)
        try writer.copyOthers(from: input.directory)
        return ModelSink(writer: writer)
      }
    case .onnx(let draft):
      return try laidOut { () throws(LayoutError) in
        ONNXSink(
          writer: try ONNXWriter(draft.plan, from: input, replacing: request.isReplacing),
          names: draft.placed.map(\.name))
      }
    }
  }
}
