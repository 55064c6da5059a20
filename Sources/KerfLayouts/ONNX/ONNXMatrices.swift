// Knows the matrices of a graph: the constants that nodes multiply with, as [N, K], whichever way
// they lie, and whether they are in one tensor or in the inputs of MatMulNBits.

internal import KerfCheckpoints
internal import KerfElements
internal import SystemPackage

/// The weights of the linear layers of a graph.
struct ONNXMatrices {
  /// A matrix.
  struct Matrix {
    /// The initializer that has it, or its codes.
    let weights: String
    /// What it is called: the initializer's name, or of what an exporter numbered, the layer's.
    var name: String
    /// Where it is.
    let content: Content
    /// A node that multiplies with it.
    let node: ONNXNode
  }

  enum Content {
    case stored(TensorDescription, isTurned: Bool)
    case arranged(Arrangement, [TensorDescription])
  }

  /// In the order of the graph's initializers.
  private(set) var matrices: [Matrix] = []

  /// - Parameter path: The file, for errors.
  /// - Throws: ``LayoutError``, where the inputs of a node do not agree with each other.
  init(_ model: ONNXModel, at path: FilePath) throws(LayoutError) {
    let uses = ONNXUses(model.graph)
    let tensors = Dictionary(
      model.initializers.compactMap { initializer in
        initializer.tensor.map { (UTF8Name(initializer.name), $0) }
      }, uniquingKeysWith: { first, _ in first })
    for initializer in model.initializers {
      let name = UTF8Name(initializer.name)
      guard let tensor = initializer.tensor, let products = uses.products[name],
        !uses.others.contains(name)
      else { continue }
      let (node, weights) = products[0]
      guard products.allSatisfy({ $0.weights == weights }) else { continue }
      let content: Content
      switch weights {
      case .codes:
        content = try ONNXMatrices.codes(tensor, products.map(\.node), tensors, path)
      case .rows, .columns:
        guard tensor.shape.dimensions.count == 2, tensor.shape.count > 0,
          tensor.format.kind == .float, tensor.format.isDecodable
        else { continue }
        content = .stored(tensor, isTurned: weights == .columns)
      }
      matrices.append(
        Matrix(weights: initializer.name, name: "", content: content, node: node))
    }
    setNames(taken: Set(model.initializers.map { UTF8Name($0.name) }))
  }

  // MARK: Names

  /// Names every matrix as the model's author would: where several come out alike, they keep more of
  /// their nodes' names, or those of their initializers.
  private mutating func setNames(taken: Set<UTF8Name>) {
    let candidates = matrices.map { matrix in
      let own = ONNXNode.plain(matrix.weights)
      let modules = [false, true].compactMap(matrix.node.module).map { $0 + ".weight" }
      return ONNXMatrices.isNumbered(own) ? modules : [own]
    }
    let counts = candidates.reduce(into: [UTF8Name: Int]()) { counts, names in
      for name in names { counts[UTF8Name(name), default: 0] += 1 }
    }
    for (index, names) in candidates.enumerated() {
      let weights = matrices[index].weights
      matrices[index].name =
        names.first { name in
          let key = UTF8Name(name)
          return counts[key] == 1 && (name == weights || !taken.contains(key))
        } ?? weights
    }
  }

  /// Whether an exporter made the name: `onnx::MatMul_123`, `val_12`, `123`.
  static func isNumbered(_ name: String) -> Bool {
    if name.contains("::") { return true }
    let digits = name.hasPrefix("val_") ? name.dropFirst(4) : name[...]
    return digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  // MARK: Codes

  /// The matrix of nodes whose codes are in `codes`.
  private static func codes(
    _ codes: TensorDescription, _ nodes: [ONNXNode], _ tensors: [UTF8Name: TensorDescription],
    _ path: FilePath
  ) throws(LayoutError) -> Content {
    let node = nodes[0]
    func disagreement(_ name: String, _ expected: String, _ found: String) -> LayoutError {
      .disagreement(path, tensor: name, expected: expected, found: found)
    }
    func unreadable(_ reason: String) -> LayoutError {
      .unreadable(path, tensor: codes.name, because: reason)
    }
    func attribute(_ name: String, of range: ClosedRange<Int>) throws(LayoutError) -> Int {
      guard let value = node.integer(name), range.contains(value) else {
        throw disagreement(
          codes.name, "\(name) from \(range.lowerBound) to \(range.upperBound) in its node",
          node.integer(name).map(String.init) ?? "none")
      }
      return value
    }
    func input(_ number: Int) -> String? {
      number < node.inputs.count && !node.inputs[number].isEmpty ? node.inputs[number] : nil
    }
    func said(_ node: ONNXNode) -> [Int?] { ["N", "K", "bits", "block_size"].map(node.integer) }
    guard
      nodes.allSatisfy({
        said($0) == said(node) && $0.inputs.dropFirst() == node.inputs.dropFirst()
      })
    else { throw disagreement(codes.name, "nodes that agree on it", "several that do not") }
    let (rows, columns) = (
      try attribute("N", of: 1...1 << 32), try attribute("K", of: 1...1 << 32)
    )
    let bits = try attribute("bits", of: 2...8)
    let length = try attribute("block_size", of: 16...256)
    guard columns.isMultiple(of: length) else {
      throw unreadable("rows of \(columns) end within a block of \(length)")
    }
    if input(4) != nil { throw unreadable("its columns are in an order of their own") }

    func tensor(_ number: Int, _ what: String) throws(LayoutError) -> TensorDescription {
      guard let name = input(number), let tensor = tensors[UTF8Name(name)] else {
        throw unreadable("\(what) are no constant of the graph")
      }
      return tensor
    }
    let scales = try tensor(2, "scales")
    guard let scale = GroupFormat.Scale(scales.format) else {
      throw disagreement(scales.name, "f32, f16 or bf16", "\(scales.format)")
    }
    let hasZeroPoints = input(3) != nil
    var planes = [codes, scales]
    if hasZeroPoints {
      planes.append(try tensor(3, "zero points"))
      guard planes[2].format == .u8 else { throw unreadable("zero points are \(planes[2].format)") }
    }
    guard let shape = Shape([rows, columns]),
      let format = GroupFormat(
        .integers(bits: bits), length: length, offset: hasZeroPoints ? .zeroPoint : .none,
        scale: scale), MatMulNBits.holds(format)
    else { throw unreadable("there are no groups of \(length) with \(bits) bits") }
    let arrangement = MatMulNBits.arrangement(format, shape)
    // Extents differ between versions, bytes do not.
    for (plane, tensor) in zip(arrangement.planes, planes)
    where plane.format != tensor.format || plane.byteCount != tensor.byteCount {
      throw disagreement(
        tensor.name, "\(plane.format)\(plane.shape)", "\(tensor.format)\(tensor.shape)")
    }
    return .arranged(arrangement, planes)
  }
}

extension Model {
  /// The tensors of a graph, the weights of its linear layers as matrices of rows.
  static func tensors(
    of checkpoint: Checkpoint, _ model: ONNXModel
  ) throws(LayoutError) -> [ModelTensor] {
    let matrices = try ONNXMatrices(model, at: checkpoint.path).matrices
    var heads: [UTF8Name: ModelTensor] = [:]
    var parts: Set<UTF8Name> = []
    for matrix in matrices {
      switch matrix.content {
      case .stored(let tensor, let isTurned):
        heads[UTF8Name(tensor.name)] = ModelTensor(matrix.name, stored: tensor, isTurned: isTurned)
      case .arranged(let arrangement, let planes):
        heads[UTF8Name(planes[0].name)] = ModelTensor(matrix.name, arrangement, planes)
        for plane in planes { parts.insert(UTF8Name(plane.name)) }
      }
    }
    return checkpoint.tensors.compactMap { tensor in
      let name = UTF8Name(tensor.name)
      if let head = heads[name] { return head }
      // Numbers that operators compute with, such as what masks are made of, are the graph's.
      let isOperand = tensor.shape.count == 1 && ONNXMatrices.isNumbered(tensor.name)
      return isOperand || parts.contains(name) ? nil : ModelTensor(stored: tensor)
    }
  }
}
