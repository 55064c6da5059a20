// Knows which nodes of a graph multiply with the weights of a linear layer.

internal import KerfCheckpoints

/// An operator in a graph, with the names of what it takes and gives.
struct ONNXNode: Sendable {
  let message: ONNXMessage
  let name: String
  let `operator`: String
  let domain: String
  let inputs: [String]
  let outputs: [String]

  init(_ message: ONNXMessage) {
    self.message = message
    name = message.text(ONNXSchema.Node.name) ?? ""
    `operator` = message.text(ONNXSchema.Node.operator) ?? ""
    domain = message.text(ONNXSchema.Node.domain) ?? ""
    inputs = message.texts(ONNXSchema.Node.inputs)
    outputs = message.texts(ONNXSchema.Node.outputs)
  }

  /// The graphs that it runs.
  var graphs: [ONNXMessage] {
    message.messages(ONNXSchema.Node.attributes).flatMap {
      $0.messages(ONNXSchema.Attribute.graph) + $0.messages(ONNXSchema.Attribute.graphs)
    }
  }

  private func attribute(_ name: String) -> ONNXMessage? {
    message.messages(ONNXSchema.Node.attributes).first {
      $0.text(ONNXSchema.Attribute.name) == name
    }
  }

  func integer(_ name: String) -> Int? { attribute(name)?.integer(ONNXSchema.Attribute.integer) }

  func float(_ name: String) -> Float? { attribute(name)?.float(ONNXSchema.Attribute.float) }

  /// How the weights of a linear layer lie.
  enum Weights: Sendable {
    /// [N, K], a row for each output.
    case rows
    /// [K, N].
    case columns
    /// Codes of ``MatMulNBits``.
    case codes
  }

  /// What its second input is, and nothing else may be where it is weights; `nil` where the node
  /// computes something else.
  var weights: Weights? {
    guard inputs.count >= 2, outputs.count == 1 else { return nil }
    switch (domain, `operator`) {
    case (MatMulNBits.domain, MatMulNBits.name): return .codes
    case ("", "MatMul"), ("ai.onnx", "MatMul"): return .columns
    case ("", "Gemm"), ("ai.onnx", "Gemm"):
      guard integer("transA") ?? 0 == 0, float("alpha") ?? 1 == 1,
        bias == nil || float("beta") ?? 1 == 1
      else { return nil }
      return integer("transB") ?? 0 == 0 ? .columns : .rows
    default: return nil
    }
  }

  /// What a Gemm adds to its product.
  var bias: String? {
    guard `operator` == "Gemm", inputs.count > 2, !inputs[2].isEmpty else { return nil }
    return inputs[2]
  }

  /// The layer that it is in, as exporters write it into its name: `encoder.layer.0.output.dense` of
  /// `/encoder/layer.0/output/dense/MatMul`, with the last word where `isWhole`.
  func module(isWhole: Bool) -> String? {
    guard name.contains("/") else { return nil }
    var words = name.split(separator: "/").map(String.init)
    if let last = words.popLast(), isWhole { words.append(ONNXNode.plain(last)) }
    return words.isEmpty ? nil : words.joined(separator: ".")
  }

  /// A name without the ending that it got when it was quantized.
  static func plain(_ name: String) -> String {
    for ending in ["_Q2", "_Q4", "_Q8", "_quant"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count))
    }
    return name
  }
}

/// What a graph does with names.
struct ONNXUses {
  /// Nodes that multiply with what has that name.
  private(set) var products: [UTF8Name: [(node: ONNXNode, weights: ONNXNode.Weights)]] = [:]
  /// What is used otherwise, or defined by a node, or in a graph within the graph.
  private(set) var others: Set<UTF8Name> = []
  /// Every name that is in use.
  private(set) var names: Set<UTF8Name> = []

  /// The uses in a model's graph, and in those within it, which see its names.
  init(_ graph: ONNXMessage) { add(graph, isInner: false) }

  private mutating func add(_ graph: ONNXMessage, isInner: Bool) {
    func defined(_ number: Int, _ field: Int) -> [UTF8Name] {
      graph.messages(number).compactMap { $0.text(field) }.map(UTF8Name.init)
    }
    let first = ONNXSchema.Pair.first
    let initializers = defined(ONNXSchema.Graph.initializers, ONNXSchema.Tensor.name)
    let inputs = defined(ONNXSchema.Graph.inputs, first)
    let outputs = defined(ONNXSchema.Graph.outputs, first)
    names.formUnion(initializers + inputs + outputs)
    others.formUnion(outputs)
    if isInner { others.formUnion(initializers + inputs) }
    for message in graph.messages(ONNXSchema.Graph.nodes) {
      let node = ONNXNode(message)
      let weights = node.weights
      for (number, input) in node.inputs.enumerated() where !input.isEmpty {
        let name = UTF8Name(input)
        names.insert(name)
        if let weights, number == 1 {
          products[name, default: []].append((node, weights))
        } else if weights.map({ $0 == .codes }) != true || number == 0 {
          others.insert(name)
        }
      }
      for output in node.outputs {
        names.insert(UTF8Name(output))
        others.insert(UTF8Name(output))
      }
      for graph in node.graphs { add(graph, isInner: true) }
    }
  }
}
