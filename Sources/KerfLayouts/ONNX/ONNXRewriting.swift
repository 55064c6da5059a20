// Knows how the messages of a model are written anew where something in them changes.

internal import KerfCheckpoints
internal import KerfElements

/// A model, some of whose matrices become groups.
struct ONNXRewriting {
  /// A file beside the model, for bytes of tensors.
  struct External {
    let name: String
    let minimumByteCount: Int
    let alignment: Int
  }

  /// The model's file.
  private(set) var model = ONNXBytes()
  /// The file beside it, where there is one.
  private(set) var data: ONNXBytes?

  private let source: ONNXModel
  private let arrangements: [UTF8Name: Arrangement]
  private let options: ModelPlan.Options
  private let external: External?
  private let tensors: [UTF8Name: TensorDescription]
  private var taken: Set<UTF8Name>
  /// The names of the planes of each matrix.
  private var planes: [UTF8Name: [String]] = [:]

  /// - Parameters:
  ///   - arrangements: What initializers become, by name: weights of linear layers only.
  ///   - external: Where large tensors go; `nil` where all stay in the model.
  init(
    _ source: ONNXModel, _ arrangements: [UTF8Name: Arrangement], _ options: ModelPlan.Options,
    external: External?
  ) {
    self.source = source
    self.options = options
    self.arrangements = arrangements
    self.external = external
    taken = ONNXUses(source.graph).names
    tensors = Dictionary(
      source.initializers.compactMap { initializer in
        initializer.tensor.map { (UTF8Name(initializer.name), $0) }
      }, uniquingKeysWith: { first, _ in first })
    if external != nil { data = ONNXBytes() }

    for initializer in source.initializers {
      guard let arrangement = arrangements[UTF8Name(initializer.name)] else { continue }
      planes[UTF8Name(initializer.name)] = arrangement.planes.map {
        free(initializer.name + $0.suffix)
      }
    }
    typealias Model = ONNXSchema.Model
    var hasDomain = arrangements.isEmpty
    for field in source.message.fields {
      switch field.value {
      case .message(let graph) where field.number == Model.graph:
        model.append(Model.graph, rewritten(graph: graph, isMain: true))
      case .message(let set) where field.number == Model.operatorSets:
        if set.text(ONNXSchema.Pair.first) == MatMulNBits.domain { hasDomain = true }
        model.append(field)
      default: model.append(field)
      }
    }
    if !hasDomain {
      var set = ONNXBytes()
      set.append(ONNXSchema.Pair.first, MatMulNBits.domain)
      set.append(ONNXSchema.Pair.second, MatMulNBits.version)
      model.append(Model.operatorSets, set)
    }
  }

  /// A name that nothing has, made of `wanted`.
  private mutating func free(_ wanted: String) -> String {
    var (name, number) = (wanted, 1)
    while !taken.insert(UTF8Name(name)).inserted {
      number += 1
      name = "\(wanted)_\(number)"
    }
    return name
  }

  /// The graph, whose weights are the outermost one's.
  private mutating func rewritten(graph: ONNXMessage, isMain: Bool) -> ONNXBytes {
    typealias Graph = ONNXSchema.Graph
    var result = ONNXBytes()
    for field in graph.fields {
      guard case .message(let message) = field.value else {
        result.append(field)
        continue
      }
      switch field.number {
      case Graph.nodes: append(node: message, field, to: &result)
      case Graph.initializers:
        let name = UTF8Name(message.text(ONNXSchema.Tensor.name) ?? "")
        if isMain, let arrangement = arrangements[name], let names = planes[name] {
          for (number, plane) in arrangement.planes.enumerated() {
            let place = ONNXBytes.Plane(weights: name.string, number: number)
            result.append(Graph.initializers, tensor(plane, named: names[number], place))
          }
        } else {
          append(tensor: message, field, isInitializer: isMain, to: &result)
        }
      case Graph.inputs, Graph.values:
        // Old versions name all constants among the inputs.
        let name = UTF8Name(message.text(ONNXSchema.Pair.first) ?? "")
        guard let arrangement = arrangements[name], let names = planes[name] else {
          result.append(field)
          continue
        }
        guard field.number == Graph.inputs, isMain else { continue }
        for (plane, name) in zip(arrangement.planes, names) {
          result.append(Graph.inputs, ONNXRewriting.value(plane, named: name))
        }
      default: result.append(field)
      }
    }
    return result
  }

  /// What an input says of itself: its name, type and extents.
  private static func value(_ plane: Plane, named name: String) -> ONNXBytes {
    typealias Value = ONNXSchema.Value
    var shape = ONNXBytes()
    for extent in plane.shape.dimensions {
      var dimension = ONNXBytes()
      dimension.append(Value.extent, extent)
      shape.append(Value.dimensions, dimension)
    }
    var tensor = ONNXBytes()
    tensor.append(Value.elements, ONNXType.id(of: plane.format) ?? 0)
    tensor.append(Value.shape, shape)
    var type = ONNXBytes()
    type.append(Value.tensor, tensor)
    var result = ONNXBytes()
    result.append(ONNXSchema.Pair.first, name)
    result.append(Value.type, type)
    return result
  }

  // MARK: Nodes

  private mutating func append(
    node message: ONNXMessage, _ field: ONNXMessage.Field, to graph: inout ONNXBytes
  ) {
    let node = ONNXNode(message)
    if node.inputs.count > 1, let arrangement = arrangements[UTF8Name(node.inputs[1])],
      let names = planes[UTF8Name(node.inputs[1])]
    {
      return append(product: node, arrangement, names, to: &graph)
    }
    // Attributes that are tensors or graphs may change within.
    let hasTensors = message.messages(ONNXSchema.Node.attributes).contains {
      $0.fields.contains { if case .message = $0.value { true } else { false } }
    }
    guard hasTensors else { return graph.append(field) }
    typealias Attribute = ONNXSchema.Attribute
    var result = ONNXBytes()
    for field in message.fields {
      guard field.number == ONNXSchema.Node.attributes, case .message(let attribute) = field.value
      else {
        result.append(field)
        continue
      }
      var rewritten = ONNXBytes()
      for field in attribute.fields {
        switch (field.number, field.value) {
        case (Attribute.graph, .message(let graph)), (Attribute.graphs, .message(let graph)):
          rewritten.append(field.number, self.rewritten(graph: graph, isMain: false))
        case (Attribute.tensor, .message(let tensor)), (Attribute.tensors, .message(let tensor)):
          append(tensor: tensor, field, isInitializer: false, to: &rewritten)
        default: rewritten.append(field)
        }
      }
      result.append(field.number, rewritten)
    }
    graph.append(ONNXSchema.Graph.nodes, result)
  }

  /// The node as MatMulNBits, and what a Gemm adds as a node of its own.
  private mutating func append(
    product node: ONNXNode, _ arrangement: Arrangement, _ names: [String],
    to graph: inout ONNXBytes
  ) {
    typealias Node = ONNXSchema.Node
    typealias Attribute = ONNXSchema.Attribute
    let output = node.bias == nil ? node.outputs[0] : free(node.outputs[0] + "_product")
    var product = ONNXBytes()
    for input in [node.inputs[0]] + names { product.append(Node.inputs, input) }
    product.append(Node.outputs, output)
    product.append(Node.operator, MatMulNBits.name)
    product.append(Node.domain, MatMulNBits.domain)
    var attributes = [
      ("K", arrangement.shape.columns), ("N", arrangement.shape.rows),
      ("bits", arrangement.format.codes.bits), ("block_size", arrangement.format.length),
    ]
    if options.quantizesActivations {
      attributes.append(("accuracy_level", MatMulNBits.integerActivations))
    }
    for (name, value) in attributes {
      var attribute = ONNXBytes()
      attribute.append(Attribute.name, name)
      attribute.append(Attribute.integer, value)
      attribute.append(Attribute.type, Attribute.integerType)
      product.append(Node.attributes, attribute)
    }
    let replaced = [Node.inputs, Node.outputs, Node.operator, Node.domain, Node.attributes]
    for field in node.message.fields where !replaced.contains(field.number) {
      product.append(field)
    }
    graph.append(ONNXSchema.Graph.nodes, product)

    guard let bias = node.bias else { return }
    var sum = ONNXBytes()
    for input in [output, bias] { sum.append(Node.inputs, input) }
    sum.append(Node.outputs, node.outputs[0])
    sum.append(Node.name, node.name.isEmpty ? "" : node.name + "_bias")
    sum.append(Node.operator, "Add")
    graph.append(ONNXSchema.Graph.nodes, sum)
  }

  // MARK: Tensors

  /// A tensor whose bytes come later.
  private mutating func tensor(
    _ plane: Plane, named name: String, _ place: ONNXBytes.Plane
  ) -> ONNXBytes {
    typealias Tensor = ONNXSchema.Tensor
    var result = ONNXBytes()
    for extent in plane.shape.dimensions { result.append(Tensor.dimensions, extent) }
    // Planes are of types that ONNX has.
    result.append(Tensor.type, ONNXType.id(of: plane.format) ?? 0)
    result.append(Tensor.name, name)
    let room = ONNXBytes.Piece.room(place, byteCount: plane.byteCount)
    if let external, plane.byteCount >= external.minimumByteCount {
      append(room, external, to: &result)
    } else {
      var bytes = ONNXBytes()
      bytes.append(room)
      result.append(Tensor.raw, bytes)
    }
    return result
  }

  /// A tensor as it was, its bytes in the file beside the model where they were in another one, or
  /// are many.
  private mutating func append(
    tensor: ONNXMessage, _ field: ONNXMessage.Field, isInitializer: Bool, to result: inout ONNXBytes
  ) {
    typealias Tensor = ONNXSchema.Tensor
    guard let external, let payload = source.payload(of: tensor),
      payload.file != 0 || isInitializer && payload.range.count >= external.minimumByteCount
    else { return result.append(field) }
    var moved = ONNXBytes()
    for field in tensor.fields
    where ![Tensor.raw, Tensor.external, Tensor.location].contains(field.number) {
      moved.append(field)
    }
    append(.copy(payload), external, to: &moved)
    result.append(field.number, moved)
  }

  /// Says that a tensor's bytes are in the file beside the model, and puts them there.
  private mutating func append(
    _ piece: ONNXBytes.Piece, _ external: External, to tensor: inout ONNXBytes
  ) {
    typealias Tensor = ONNXSchema.Tensor
    data?.align(to: external.alignment)
    for (key, value) in [
      ("location", external.name), ("offset", String(data?.byteCount ?? 0)),
      ("length", String(piece.byteCount)),
    ] {
      var entry = ONNXBytes()
      entry.append(ONNXSchema.Pair.first, key)
      entry.append(ONNXSchema.Pair.second, value)
      tensor.append(Tensor.external, entry)
    }
    tensor.append(Tensor.location, 1)
    data?.append(piece)
  }
}
