// Knows the messages of onnx.proto, as far as weights and the nodes that multiply with them go.

/// A kind of message in an ONNX file.
package enum ONNXSchema: Sendable {
  case model, graph, node, attribute, tensor, value, entry, operatorSet

  /// What a field has.
  enum Content {
    case integer, integers, float, text, bytes
    case message(ONNXSchema)
  }

  /// Numbers of fields.
  package enum Model {
    package static let irVersion = 1
    package static let producer = 2
    package static let producerVersion = 3
    package static let graph = 7
    package static let operatorSets = 8
    package static let properties = 14
  }

  /// Numbers of fields.
  package enum Graph {
    package static let nodes = 1
    package static let initializers = 5
    package static let inputs = 11
    package static let outputs = 12
    package static let values = 13
  }

  /// Numbers of fields.
  package enum Node {
    package static let inputs = 1
    package static let outputs = 2
    package static let name = 3
    package static let `operator` = 4
    package static let attributes = 5
    package static let domain = 7
  }

  /// Numbers of fields.
  package enum Attribute {
    package static let name = 1
    package static let float = 2
    package static let integer = 3
    package static let tensor = 5
    package static let graph = 6
    package static let tensors = 10
    package static let graphs = 11
    package static let type = 20
    /// What `type` says of an attribute that is an integer.
    package static let integerType = 2
  }

  /// Numbers of fields.
  package enum Tensor {
    package static let dimensions = 1
    package static let type = 2
    package static let floats = 4
    package static let name = 8
    package static let raw = 9
    package static let external = 13
    package static let location = 14
  }

  /// Numbers of fields: of a value, its type, a tensor's type, a shape, a dimension.
  package enum Value {
    package static let type = 2
    package static let tensor = 1
    package static let elements = 1
    package static let shape = 2
    package static let dimensions = 1
    package static let extent = 1
  }

  /// Numbers of fields: of an entry, an operator set; the first is a value's name, too.
  package enum Pair {
    package static let first = 1
    package static let second = 2
  }

  /// What the field of that number has, and whether there may be several; `nil` where it is of no
  /// interest.
  func rule(_ number: Int) -> (content: Content, isRepeated: Bool)? {
    switch (self, number) {
    case (.model, Model.irVersion): (.integer, false)
    case (.model, Model.producer), (.model, Model.producerVersion): (.text, false)
    case (.model, Model.graph): (.message(.graph), false)
    case (.model, Model.operatorSets): (.message(.operatorSet), true)
    case (.model, Model.properties): (.message(.entry), true)
    case (.graph, Graph.nodes): (.message(.node), true)
    case (.graph, Graph.initializers): (.message(.tensor), true)
    case (.graph, Graph.inputs), (.graph, Graph.outputs), (.graph, Graph.values):
      (.message(.value), true)
    case (.node, Node.inputs), (.node, Node.outputs): (.text, true)
    case (.node, Node.name), (.node, Node.operator), (.node, Node.domain): (.text, false)
    case (.node, Node.attributes): (.message(.attribute), true)
    case (.attribute, Attribute.name): (.text, false)
    case (.attribute, Attribute.float): (.float, false)
    case (.attribute, Attribute.integer), (.attribute, Attribute.type): (.integer, false)
    case (.attribute, Attribute.tensor): (.message(.tensor), false)
    case (.attribute, Attribute.graph): (.message(.graph), false)
    case (.attribute, Attribute.tensors): (.message(.tensor), true)
    case (.attribute, Attribute.graphs): (.message(.graph), true)
    case (.tensor, Tensor.dimensions): (.integers, true)
    case (.tensor, Tensor.type), (.tensor, Tensor.location): (.integer, false)
    case (.tensor, Tensor.floats): (.bytes, true)
    case (.tensor, Tensor.raw): (.bytes, false)
    case (.tensor, Tensor.name): (.text, false)
    case (.tensor, Tensor.external): (.message(.entry), true)
    case (.value, Pair.first): (.text, false)
    case (.entry, Pair.first), (.entry, Pair.second): (.text, false)
    case (.operatorSet, Pair.first): (.text, false)
    case (.operatorSet, Pair.second): (.integer, false)
    default: nil
    }
  }
}
