// Knows how an ONNX file is opened, and holds what it says of its tensors against its files.

import KerfElements
import SystemPackage

/// An ONNX file with the files that have the bytes of its tensors.
struct ONNXFile {
  /// What the file says.
  let model: ONNXModel
  /// The tensors that the engine knows, as their bytes lie in the files.
  let tensors: [TensorDescription]
  /// The files that the model's own leads to.
  let others: [InputFile]

  /// Most files that a model may be spread over.
  private static let maximumFileCount = 512

  /// Whether a file that begins with these bytes can be meant as ONNX: a version, and a field of a
  /// model after it.
  static func recognizes(_ head: [UInt8]) -> Bool {
    guard head.count >= 4, head[0] == 0x08, (1...64).contains(head[1]) else { return false }
    return [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72].contains(head[2])
  }

  init(reading file: InputFile) throws(CheckpointError) {
    func fault(
      _ reason: Malformation.Reason, _ tensor: String? = nil, expected: String, found: String
    ) -> CheckpointError {
      .malformed(
        file.path,
        Malformation(reason, at: .init(tensor: tensor), expected: expected, found: found))
    }
    guard file.size <= Int(Int32.max) else {
      throw fault(
        .length, expected: "at most \(Int32.max) bytes, as protobuf counts", found: "\(file.size)")
    }
    var reader = ONNXReader(file)
    let message = try reader.message(.model, end: file.size)
    guard let graph = message.messages(ONNXSchema.Model.graph).first else {
      throw fault(.structure, expected: "a graph", found: "none")
    }
    guard !message.messages(ONNXSchema.Model.operatorSets).isEmpty else {
      throw fault(.structure, expected: "the version of its operators", found: "none")
    }

    var files: [UTF8Name: Int] = [:]
    var others: [InputFile] = []
    try ONNXFile.forEachTensor(in: graph) { tensor throws(CheckpointError) in
      guard let external = ONNXExternal(tensor) else { return }
      let name = tensor.text(ONNXSchema.Tensor.name)
      let key = UTF8Name(external.location)
      if files[key] == nil {
        guard others.count < ONNXFile.maximumFileCount else {
          throw fault(
            .length, name, expected: "at most \(ONNXFile.maximumFileCount) files with data",
            found: "more")
        }
        others.append(try ONNXFile.open(external.location, beside: file, tensor: name))
        files[key] = others.count
      }
      let size = others[(files[key] ?? 1) - 1].size
      guard let byteCount = external.byteCount, external.offset >= 0, byteCount >= 0,
        external.offset <= size, byteCount <= size - external.offset
      else {
        throw fault(
          .offset, name,
          expected: "bytes within the \(size) of \(quoted(external.location))",
          found: "\(external.byteCount.map(String.init) ?? "some") from \(external.offset) on")
      }
    }

    var initializers: [ONNXModel.Initializer] = []
    var names: Set<UTF8Name> = []
    let model = ONNXModel(initializers: [], message: message, files: files)
    for tensor in graph.messages(ONNXSchema.Graph.initializers) {
      let name = tensor.text(ONNXSchema.Tensor.name) ?? ""
      guard !name.isEmpty else {
        throw fault(.name, expected: "an initializer with a name", found: "none")
      }
      guard names.insert(UTF8Name(name)).inserted else {
        throw fault(.duplicate, name, expected: "names that differ", found: "this one twice")
      }
      do {
        initializers.append(
          .init(name: name, tensor: try ONNXFile.description(tensor, named: name, model)))
      } catch { throw .malformed(file.path, error) }
    }
    let tensors = initializers.compactMap(\.tensor)
    for (number, other) in others.enumerated() {
      try ONNXFile.check(tensors.filter { $0.part == number + 1 }, in: other)
    }
    self.model = ONNXModel(initializers: initializers, message: message, files: files)
    self.tensors = tensors
    self.others = others
  }

  /// Calls `visit` with every tensor in the graph, in its nodes, and in graphs within them.
  private static func forEachTensor(
    in graph: ONNXMessage, _ visit: (ONNXMessage) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    for tensor in graph.messages(ONNXSchema.Graph.initializers) { try visit(tensor) }
    for node in graph.messages(ONNXSchema.Graph.nodes) {
      for attribute in node.messages(ONNXSchema.Node.attributes) {
        for number in [ONNXSchema.Attribute.tensor, ONNXSchema.Attribute.tensors] {
          for tensor in attribute.messages(number) { try visit(tensor) }
        }
        for number in [ONNXSchema.Attribute.graph, ONNXSchema.Attribute.graphs] {
          for graph in attribute.messages(number) { try forEachTensor(in: graph, visit) }
        }
      }
    }
  }

  /// The file of that name, which lies in the model's own directory or below it.
  private static func open(
    _ location: String, beside file: InputFile, tensor: String?
  ) throws(CheckpointError) -> InputFile {
    let path = FilePath(location)
    guard !location.isEmpty, path.root == nil, !location.utf8.contains(0),
      path.components.allSatisfy({ $0.kind != .parentDirectory })
    else {
      throw .malformed(
        file.path,
        Malformation(
          .name, at: .init(tensor: tensor), expected: "data in a file of the model's directory",
          found: quoted(location)))
    }
    let place = file.path.containingDirectory.appending(path.components)
    do {
      return try InputFile(place)
    } catch .notFound {
      throw .missingPart(place, of: file.path)
    }
  }

  /// The tensor of an initializer; `nil` where the engine does not know its type, or its numbers are
  /// not in the order of bytes.
  private static func description(
    _ message: ONNXMessage, named name: String, _ model: ONNXModel
  ) throws(Malformation) -> TensorDescription? {
    typealias Tensor = ONNXSchema.Tensor
    let extents = message.integers(Tensor.dimensions)
    guard let shape = Shape(extents) else {
      throw Malformation(
        .shape, at: .init(tensor: name), expected: "a shape whose elements can be counted",
        found: "\(extents)")
    }
    guard let format = ONNXType.format(id: message.integer(Tensor.type) ?? 0) else { return nil }
    var payload = model.payload(of: message)
    let floats = message.fields.filter { $0.number == Tensor.floats }
    if payload == nil, format == .f32, floats.count == 1, case .bytes(let range) = floats[0].value {
      payload = .init(file: 0, range: range)
    }
    guard let payload else {
      // Numbers one by one; or none, which takes no bytes.
      return nil
    }
    guard let byteCount = format.byteCount(for: shape), payload.range.count == byteCount else {
      throw Malformation(
        .size, at: .init(tensor: name, offset: payload.range.lowerBound),
        expected: "the bytes of \(format)\(shape)", found: "\(payload.range.count)")
    }
    var tensor = TensorDescription(
      name: name, format: format, shape: shape, offset: payload.range.lowerBound,
      byteCount: byteCount)
    tensor.part = payload.file
    return tensor
  }

  /// Tensors of one file may be the same bytes, but share no part of them.
  private static func check(
    _ tensors: [TensorDescription], in file: InputFile
  ) throws(CheckpointError) {
    let sorted = tensors.filter { $0.byteCount > 0 }.sorted {
      ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount)
    }
    for (a, b) in zip(sorted, sorted.dropFirst())
    where b.offset < a.offset + a.byteCount && (a.offset, a.byteCount) != (b.offset, b.byteCount) {
      throw .malformed(
        file.path,
        Malformation(
          .offset, at: .init(tensor: b.name, offset: b.offset),
          expected: "data after byte \(a.offset + a.byteCount)", found: "some that overlaps"))
    }
  }
}

extension CheckpointLayout {
  /// There is none: an ONNX file is only made of another one, whose graph goes on.
  static func onnx() throws(Malformation) -> CheckpointLayout {
    throw Malformation(
      .structure, at: .init(), expected: "a graph that uses the tensors", found: "tensors alone")
  }
}
