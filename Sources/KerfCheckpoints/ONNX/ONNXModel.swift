// Knows what an ONNX file holds: a graph of operators, and tensors that are its constants.
//
//   ModelProto  graph ─ GraphProto  node         NodeProto    operator, inputs and outputs by name
//                                   initializer  TensorProto  name, type, extents, bytes
//
// The bytes of a tensor are in the file, or in another one beside it. A file is at most 2 GiB long,
// which is all that protobuf can count.

import KerfElements

/// What an ONNX file says besides its tensors.
public struct ONNXModel: Sendable, Hashable {
  /// The graph's constants, in the file's order.
  package let initializers: [Initializer]
  /// The file as a tree of messages.
  package let message: ONNXMessage
  /// Which of the model's files is meant by a name; the model's own is number 0 and has none.
  package let files: [UTF8Name: Int]

  /// A constant of the graph.
  package struct Initializer: Sendable, Hashable {
    /// The name.
    package let name: String
    /// The tensor; `nil` for a type that the engine does not know, or numbers in another notation
    /// than their bytes.
    package let tensor: TensorDescription?
  }

  /// Some bytes of one of the model's files.
  package struct Payload: Sendable, Hashable {
    /// The number of the file.
    package let file: Int
    /// Where they lie.
    package let range: Range<Int>

    package init(file: Int, range: Range<Int>) {
      self.file = file
      self.range = range
    }
  }

  /// The graph.
  package var graph: ONNXMessage {
    message.messages(ONNXSchema.Model.graph).first ?? ONNXMessage(fields: [])
  }

  /// What the file says of itself, as text: the versions of its format and operators, who wrote it,
  /// and properties of its own.
  public var entries: [MetadataEntry<String>] {
    typealias Pair = ONNXSchema.Pair
    var entries: [MetadataEntry<String>] = []
    if let version = message.integer(ONNXSchema.Model.irVersion) {
      entries.append(MetadataEntry("ir_version", String(version)))
    }
    let producer = [ONNXSchema.Model.producer, ONNXSchema.Model.producerVersion]
      .compactMap(message.text).filter { !$0.isEmpty }
    if !producer.isEmpty {
      entries.append(MetadataEntry("producer", producer.joined(separator: " ")))
    }
    for set in message.messages(ONNXSchema.Model.operatorSets) {
      let domain = set.text(Pair.first) ?? ""
      entries.append(
        MetadataEntry(
          "opset." + (domain.isEmpty ? "ai.onnx" : domain), String(set.integer(Pair.second) ?? 0)))
    }
    for property in message.messages(ONNXSchema.Model.properties) {
      entries.append(
        MetadataEntry(property.text(Pair.first) ?? "", property.text(Pair.second) ?? ""))
    }
    return entries
  }

  /// Whether any tensor's bytes are in another file.
  package var hasExternalData: Bool { !files.isEmpty }

  /// Where the bytes of a tensor lie; `nil` where it has none of its own.
  ///
  /// - Parameter message: A tensor of this model, be it an initializer or in a node.
  package func payload(of message: ONNXMessage) -> Payload? {
    typealias Tensor = ONNXSchema.Tensor
    guard let external = ONNXExternal(message) else {
      return message.bytes(Tensor.raw).map { Payload(file: 0, range: $0) }
    }
    guard let file = files[UTF8Name(external.location)] else { return nil }
    return external.byteCount.map {
      Payload(file: file, range: external.offset..<external.offset + $0)
    }
  }
}

/// What a tensor says of the file that has its bytes.
struct ONNXExternal {
  /// The file, by its name as the model spells it.
  let location: String
  let offset: Int
  /// Bytes, as the model says or as type and extents do; `nil` where neither tells.
  let byteCount: Int?

  /// `nil` for a tensor whose bytes are in the model.
  init?(_ tensor: ONNXMessage) {
    guard tensor.integer(ONNXSchema.Tensor.location) == 1 else { return nil }
    var entries: [String: String] = [:]
    for entry in tensor.messages(ONNXSchema.Tensor.external) {
      entries[entry.text(ONNXSchema.Pair.first) ?? ""] = entry.text(ONNXSchema.Pair.second) ?? ""
    }
    location = entries["location"] ?? ""
    // What is no number becomes one that no file has room for.
    offset = entries["offset"].map { Int($0) ?? -1 } ?? 0
    let stated = entries["length"].map { Int($0) ?? -1 }
    let counted = Shape(tensor.integers(ONNXSchema.Tensor.dimensions)).flatMap { shape in
      ONNXType.format(id: tensor.integer(ONNXSchema.Tensor.type) ?? 0)?.byteCount(for: shape)
    }
    byteCount = stated ?? counted
  }
}
