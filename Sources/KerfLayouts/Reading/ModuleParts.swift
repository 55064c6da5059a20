// Knows the tensors of one module, by what their names end in, and holds them against what they
// should be.

internal import KerfCheckpoints
internal import KerfElements
internal import SystemPackage

/// The tensors of a module, of which some make up a matrix.
struct ModuleParts {
  let checkpoint: Checkpoint
  /// The module's name; empty for a tensor that is in none.
  let module: String

  /// The tensor whose name is the module's and `suffix`.
  subscript(suffix: String) -> TensorDescription? { checkpoint.tensor(named: name(suffix)) }

  func name(_ suffix: String) -> String { module.isEmpty ? suffix : module + "." + suffix }

  /// The file that has the tensor, or the first one where none has it.
  private func path(_ tensor: TensorDescription?) -> FilePath {
    checkpoint.parts[tensor?.part ?? 0]
  }

  /// A matrix has elements, and a number of them with which more can be computed: beside an extent
  /// of 0, others may be anything.
  private static let counts = 1...1 << 48

  /// A tensor that must be there, with so many extents, none of which is 0.
  func required(_ suffix: String, extents: Int) throws(LayoutError) -> TensorDescription {
    guard let tensor = self[suffix] else {
      throw disagreement(suffix, expected: "the tensor", found: "none")
    }
    guard tensor.shape.dimensions.count == extents,
      ModuleParts.counts.contains(tensor.shape.count)
    else {
      throw disagreement(
        suffix, expected: "elements in \(extents) extents", found: "\(tensor.shape)")
    }
    return tensor
  }

  func disagreement(_ suffix: String, expected: String, found: String) -> LayoutError {
    .disagreement(path(self[suffix]), tensor: name(suffix), expected: expected, found: found)
  }

  func unreadable(_ suffix: String, because reason: String) -> LayoutError {
    .unreadable(path(self[suffix]), tensor: name(suffix), because: reason)
  }

  /// Bytes of a tensor that is there, and not larger than what comes with a matrix.
  func bytes(_ tensor: TensorDescription) throws(LayoutError) -> [UInt8] {
    guard tensor.byteCount <= 1 << 28 else {
      throw .disagreement(
        path(tensor), tensor: tensor.name, expected: "at most 2²⁸ bytes",
        found: "\(tensor.byteCount)")
    }
    do { return try checkpoint.bytes(of: tensor) } catch { throw .checkpoint(error) }
  }

  /// Elements of an F32 tensor.
  func floats(_ suffix: String, count: Int) throws(LayoutError) -> [Float] {
    let tensor = try required(suffix, extents: 1)
    guard tensor.format == .f32, tensor.shape.count == count else {
      throw disagreement(
        suffix, expected: "f32[\(count)]", found: "\(tensor.format)\(tensor.shape)")
    }
    let bytes = try bytes(tensor)
    return bytes.withUnsafeBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  /// A tensor of scales, and how they are stored.
  func scales(
    _ suffix: String, extents: Int
  ) throws(LayoutError) -> (tensor: TensorDescription, scale: GroupFormat.Scale) {
    let tensor = try required(suffix, extents: extents)
    guard let scale = GroupFormat.Scale(tensor.format) else {
      throw disagreement(suffix, expected: "f32, f16 or bf16", found: "\(tensor.format)")
    }
    return (tensor, scale)
  }

  /// The format of groups that a row of `columns` has `count` of.
  func format(
    _ codes: GroupFormat.Codes, columns: Int, count: Int, offset: GroupFormat.Offset = .none,
    scale: GroupFormat.Scale, of suffix: String
  ) throws(LayoutError) -> GroupFormat {
    guard count > 0, columns > 0, columns.isMultiple(of: count),
      let format = GroupFormat(codes, length: columns / count, offset: offset, scale: scale)
    else {
      throw disagreement(
        suffix, expected: "groups that fill rows of \(columns)", found: "\(count) in a row")
    }
    return format
  }

  /// Checks that the planes are there, of the right types and shapes, and that what is the same for
  /// all weights is as it has to be.
  func check(_ arrangement: Arrangement) throws(LayoutError) -> [TensorDescription] {
    var tensors: [TensorDescription] = []
    for plane in arrangement.planes {
      guard let tensor = self[plane.suffix] else {
        throw disagreement(
          plane.suffix, expected: "\(plane.format)\(plane.shape)", found: "no such tensor")
      }
      guard tensor.format == plane.format, tensor.shape == plane.shape else {
        throw disagreement(
          plane.suffix, expected: "\(plane.format)\(plane.shape)",
          found: "\(tensor.format)\(tensor.shape)")
      }
      if case .constant(let expected) = plane.content {
        guard try bytes(tensor) == expected else {
          throw disagreement(
            plane.suffix, expected: "what belongs to \(arrangement.format.name)",
            found: "other numbers")
        }
      }
      tensors.append(tensor)
    }
    return tensors
  }

  /// A shape, which extents in files may not make.
  func shape(_ dimensions: [Int], of suffix: String) throws(LayoutError) -> Shape {
    guard let shape = Shape(dimensions), ModuleParts.counts.contains(shape.count) else {
      throw disagreement(suffix, expected: "a matrix", found: "\(dimensions)")
    }
    return shape
  }
}
