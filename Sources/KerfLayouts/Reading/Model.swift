// Knows the tensors of a model as the engine sees them: matrices that a layout has in several
// tensors are one.

public import KerfCheckpoints
public import KerfElements
public import SystemPackage

/// The tensors of a model, open for reading, whatever layout they are in.
///
/// It may be used from several threads at once. A model that is not quantized, or is GGUF, has the
/// tensors of its ``checkpoint``.
public final class Model: Sendable {
  /// The files.
  public let checkpoint: Checkpoint
  /// The layout that quantized matrices are in; `nil` where there are none.
  public let layout: Layout?
  /// The tensors, in the order in which the files have them, or the first part of them.
  public let tensors: [ModelTensor]

  private let panels = PanelCache()

  /// Opens a model and checks that its tensors agree with each other.
  ///
  /// - Parameter path: A weight file; the first one or the index of several; or a directory with
  ///   one model in it.
  /// - Throws: ``LayoutError``.
  public static func open(_ path: FilePath) throws(LayoutError) -> Model {
    let checkpoint: Checkpoint
    do { checkpoint = try Checkpoint.open(path) } catch { throw .checkpoint(error) }
    return try Model(checkpoint)
  }

  /// The model that a checkpoint has. What config.json beside it says of quantization counts.
  /// - Throws: ``LayoutError``.
  public init(_ checkpoint: Checkpoint) throws(LayoutError) {
    self.checkpoint = checkpoint
    if case .onnx(let model) = checkpoint.metadata {
      tensors = try Model.tensors(of: checkpoint, model)
      layout = tensors.contains { $0.arrangement != nil } ? .onnx : nil
      return
    }
    let config =
      checkpoint.container == .safetensors
      ? try QuantizationConfig.find(in: checkpoint.directory) : nil
    guard let config else {
      layout = nil
      tensors = checkpoint.tensors.map(ModelTensor.init(stored:))
      try Model.checkScales(of: checkpoint, tensors)
      return
    }
    layout = config.layout
    var tensors: [ModelTensor] = []
    var matrices: [UTF8Name: (Arrangement, [TensorDescription])] = [:]
    // Which matrix a tensor is part of.
    var owners: [UTF8Name: String] = [:]
    for tensor in checkpoint.tensors {
      guard let module = Model.module(of: tensor.name) else { continue }
      let parts = ModuleParts(checkpoint: checkpoint, module: module)
      guard matrices[UTF8Name(module)] == nil,
        let arrangement = try Model.arrangement(parts, config)
      else {
        continue
      }
      let planes = try parts.check(arrangement)
      matrices[UTF8Name(module)] = (arrangement, planes)
      for plane in planes { owners[UTF8Name(plane.name)] = module }
    }
    for tensor in checkpoint.tensors {
      guard let module = owners[UTF8Name(tensor.name)] else {
        tensors.append(ModelTensor(stored: tensor))
        continue
      }
      // Where its first part lies, the matrix is.
      guard let (arrangement, planes) = matrices.removeValue(forKey: UTF8Name(module)) else {
        continue
      }
      let name = ModuleParts(checkpoint: checkpoint, module: module).name("weight")
      tensors.append(ModelTensor(name, arrangement, planes))
    }
    self.tensors = tensors
    try Model.checkScales(of: checkpoint, tensors)
  }

  /// Floats of eight bits mean little without the scales beside them; those of a layout have found
  /// theirs.
  private static func checkScales(
    of checkpoint: Checkpoint, _ tensors: [ModelTensor]
  ) throws(LayoutError) {
    for tensor in tensors where tensor.format == .f8_e4m3 || tensor.format == .f8_e5m2 {
      let module = tensor.name.hasSuffix(".weight") ? String(tensor.name.dropLast(7)) : tensor.name
      let scales = ["_scale", "_scale_inv"].map { tensor.name + $0 } + [module + ".scale_weight"]
      guard let scale = scales.first(where: { checkpoint.tensor(named: $0) != nil }) else {
        continue
      }
      throw .unreadable(
        checkpoint.path, tensor: tensor.name,
        because: "its scales are in \(quoted(scale)), in a way that no known layout has")
    }
  }

  /// The module of a tensor that may be the codes of a matrix.
  private static func module(of name: String) -> String? {
    for suffix in ["weight", "qweight", "weight_packed"] {
      if name == suffix { return "" }
      if name.hasSuffix("." + suffix) { return String(name.dropLast(suffix.count + 1)) }
    }
    return nil
  }

  private static func arrangement(
    _ parts: ModuleParts, _ config: QuantizationConfig
  ) throws(LayoutError) -> Arrangement? {
    switch config.layout {
    case .compressedTensors: try CompressedTensors.read(parts, config)
    case .mlx: try MLX.read(parts, config)
    case .bitsandbytes: try BitsAndBytes.read(parts)
    case .awq: try AWQ.read(parts, config)
    case .gptq: try GPTQ.read(parts, config)
    // That is no layout of safetensors.
    case .onnx: nil
    }
  }

  /// Copies bytes of a tensor, whose matrices are blocks.
  ///
  /// - Parameters:
  ///   - tensor: One of ``tensors``.
  ///   - range: Which of its bytes, counted from the tensor's first.
  ///   - buffer: Where they go.
  /// - Precondition: `range` lies within the tensor, and `buffer` is as long as `range`.
  /// - Throws: ``LayoutError``, `.checkpoint` where a file became shorter or cannot be read.
  public func read(
    _ tensor: ModelTensor, _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(LayoutError) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= tensor.byteCount,
      "bytes \(range) of a tensor of \(tensor.byteCount) bytes")
    precondition(
      range.count == buffer.count, "\(range.count) bytes into a buffer of \(buffer.count)")
    guard let base = buffer.baseAddress, !range.isEmpty else { return }
    switch tensor.source {
    case .stored(let stored):
      do { try checkpoint.read(stored, range, into: buffer) } catch { throw .checkpoint(error) }
    case .arranged(let arrangement, let planes) where arrangement.unit == 1:
      let size = arrangement.format.byteCount
      let groups = range.lowerBound / size..<range.upperBound / size
      guard groups.lowerBound * size == range.lowerBound,
        groups.upperBound * size == range.upperBound
      else { fallthrough }
      try Panel.gather(arrangement, planes, groups, from: checkpoint, into: base)
    case .arranged, .turned:
      // Parts of groups, or of what can be taken at once: whole ones, kept for the next.
      var place = range.lowerBound
      while place < range.upperBound {
        let panel = try panels.panel(of: tensor, at: place, checkpoint)
        let end = min(range.upperBound, panel.range.upperBound)
        (base + (place - range.lowerBound)).copyMemory(
          from: panel.baseAddress + (place - panel.range.lowerBound),
          byteCount: end - place)
        place = end
      }
    }
  }

  /// The bytes of a tensor, or those of them in `range`.
  /// - Throws: ``LayoutError``, as ``read(_:_:into:)`` does.
  public func bytes(of tensor: ModelTensor, _ range: Range<Int>? = nil) throws(LayoutError)
    -> [UInt8]
  {
    let range = range ?? 0..<tensor.byteCount
    var result = [UInt8](repeating: 0, count: range.count)
    var span = result.mutableSpan
    try span.withUnsafeMutableBytes { buffer throws(LayoutError) in
      try read(tensor, range, into: buffer)
    }
    return result
  }
}

/// A tensor of a model, or a matrix that is in several tensors.
public struct ModelTensor: Sendable, Hashable {
  /// The name; of a matrix in several tensors, its module's and `weight`.
  public let name: String
  /// How elements are stored; groups where a layout has arranged them.
  public let format: Format
  /// Extents in row-major order.
  public let shape: Shape
  /// Bytes of its blocks or elements.
  public let byteCount: Int
  /// Bytes that it takes in files.
  public let storedByteCount: Int

  enum Source: Sendable, Hashable {
    case stored(TensorDescription)
    case arranged(Arrangement, [TensorDescription])
    /// A matrix whose columns are the rows of what is stored.
    case turned(TensorDescription)
  }

  let source: Source

  /// How its groups are arranged; `nil` for a tensor as it is.
  public var arrangement: Arrangement? {
    if case .arranged(let arrangement, _) = source { arrangement } else { nil }
  }

  init(stored tensor: TensorDescription) {
    self.init(tensor.name, stored: tensor, isTurned: false)
  }

  /// A tensor of another name than the file has for it, and its columns as rows where `isTurned`.
  init(_ name: String, stored tensor: TensorDescription, isTurned: Bool) {
    self.name = name
    format = tensor.format
    // The same extents make the same number of elements.
    shape = isTurned ? Shape(tensor.shape.dimensions.reversed()) ?? tensor.shape : tensor.shape
    byteCount = tensor.byteCount
    storedByteCount = tensor.byteCount
    source = isTurned ? .turned(tensor) : .stored(tensor)
  }

  /// Bytes of which a whole number can be read, and no fewer, where not any can.
  var unit: Int {
    switch source {
    case .stored: 1
    case .arranged(let arrangement, _): arrangement.unit * arrangement.format.byteCount
    case .turned: byteCount / shape.rows
    }
  }

  init(_ name: String, _ arrangement: Arrangement, _ planes: [TensorDescription]) {
    self.name = name
    format = .group(arrangement.format)
    shape = arrangement.shape
    byteCount = arrangement.blocksByteCount
    storedByteCount = planes.reduce(0) { $0 + $1.byteCount }
    source = .arranged(arrangement, planes)
  }
}
