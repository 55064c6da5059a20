// Knows what an ONNX file becomes when weights of its linear layers are quantized: nodes that multiply
// with them become MatMulNBits, and all else stays as it was, to the byte.
//
//     x ─ MatMul ─ y          x ─ MatMulNBits ─ y
//          W                   B, scales, zero points
//
// A model whose tensors' bytes are in other files, or that would be longer than protobuf counts, gets
// one such file beside it.

package import KerfCheckpoints
package import KerfElements
package import SystemPackage

/// An ONNX model that is about to be written.
public struct ONNXPlan: Sendable {
  /// Where a quantized matrix goes.
  public struct Place: Sendable {
    /// How its groups are arranged.
    public let arrangement: Arrangement
    /// The file of each plane, by its number in the plan, and where the plane begins in it.
    let planes: [(file: Int, offset: Int)]
  }

  /// Where the matrices go that are quantized, by the names that the model's view has for them.
  public let places: [String: Place]
  /// The files: the model, and its data where that is apart.
  let files: [(path: FilePath, bytes: ONNXBytes)]

  /// Bytes of a tensor from which on they may be in another file.
  private static let externalByteCount = 1024
  /// What data in another file begins at a multiple of, so that it can be mapped.
  private static let alignment = 4096

  /// Plans a model.
  ///
  /// - Parameters:
  ///   - model: What is quantized.
  ///   - formats: What weights of its linear layers become, by name; others stay as they are.
  ///   - options: What the layout leaves open.
  ///   - path: Where the model is going to be, and its data beside it.
  ///   - source: The file that it is made of, for errors.
  /// - Throws: ``LayoutError``: `.cannotHold` for what ONNX Runtime cannot multiply with.
  package init(
    of model: ONNXModel, formats: [String: GroupFormat], options: ModelPlan.Options, path: FilePath,
    source: FilePath
  ) throws(LayoutError) {
    var arrangements: [UTF8Name: Arrangement] = [:]
    var names: [String: String] = [:]
    for matrix in try ONNXMatrices(model, at: source).matrices {
      guard let format = formats[matrix.name],
        case .stored(let tensor, let isTurned) = matrix.content
      else { continue }
      let shape =
        isTurned ? Shape(tensor.shape.dimensions.reversed()) ?? tensor.shape : tensor.shape
      arrangements[UTF8Name(matrix.weights)] = try Layout.onnx.arrangement(
        of: ModelPlan.Tensor(
          name: matrix.name, shape: shape, format: .group(format), sourceFormat: tensor.format),
        options, version: .one)
      names[matrix.weights] = matrix.name
    }

    let dataPath = FilePath(path.string + "_data")
    let dataName = dataPath.lastComponent?.string ?? "model.onnx_data"
    var rewriting = ONNXRewriting(model, arrangements, options, external: nil)
    var bytes = rewriting.model
    if model.hasExternalData || bytes.byteCount > Int(Int32.max) {
      rewriting = ONNXRewriting(
        model, arrangements, options,
        external: .init(
          name: dataName, minimumByteCount: ONNXPlan.externalByteCount,
          alignment: ONNXPlan.alignment))
      bytes = rewriting.model
    }
    guard bytes.byteCount <= Int(Int32.max) else {
      throw .checkpoint(.noSpace(path, byteCount: bytes.byteCount))
    }
    var files = [(path, bytes)]
    if let data = rewriting.data { files.append((dataPath, data)) }
    self.files = files

    var planes: [String: [Int: (file: Int, offset: Int)]] = [:]
    for (file, (_, bytes)) in files.enumerated() {
      for (piece, offset) in zip(bytes.pieces, bytes.offsets) {
        guard case .room(let plane, _) = piece else { continue }
        planes[plane.weights, default: [:]][plane.number] = (file, offset)
      }
    }
    var places: [String: Place] = [:]
    for (weights, planes) in planes {
      guard let name = names[weights], let arrangement = arrangements[UTF8Name(weights)] else {
        continue
      }
      places[name] = Place(
        arrangement: arrangement,
        planes: arrangement.planes.indices.map { planes[$0] ?? (0, 0) })
    }
    self.places = places
  }

  /// The names of the weights of linear layers that are not quantized yet, and which of them an
  /// exporter has left without a name that tells what they do, though their product is an output.
  package static func linearWeights(
    of model: ONNXModel, at path: FilePath
  ) throws(LayoutError) -> (all: Set<String>, heads: Set<String>) {
    let outputs = Set(
      model.graph.messages(ONNXSchema.Graph.outputs)
        .compactMap { $0.text(ONNXSchema.Pair.first) }.map(UTF8Name.init))
    var (all, heads): (Set<String>, Set<String>) = ([], [])
    for matrix in try ONNXMatrices(model, at: path).matrices {
      guard case .stored = matrix.content else { continue }
      all.insert(matrix.name)
      if ONNXMatrices.isNumbered(matrix.name), outputs.contains(UTF8Name(matrix.node.outputs[0])) {
        heads.insert(matrix.name)
      }
    }
    return (all, heads)
  }

  /// The names of the files.
  package var paths: [FilePath] { files.map(\.path) }
  /// Bytes of all files.
  public var byteCount: Int { files.reduce(0) { $0 + $1.bytes.byteCount } }
}
