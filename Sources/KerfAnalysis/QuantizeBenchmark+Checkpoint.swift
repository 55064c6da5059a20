public import KerfBenchmarking
internal import KerfCheckpoints
internal import KerfCodecs
internal import KerfElements
public import SystemPackage

extension QuantizeBenchmark {
  /// Elements that are read of a matrix at most.
  private static let largestCount = 1 << 24

  /// A measurement of the largest matrix of f32, f16 or bf16 that a model has; of its first rows,
  /// where it has more than 2²⁴ elements.
  /// - Throws: ``AnalysisError``: `.checkpoint` where the file cannot be read, `.nothingToQuantize`
  ///   where it has no such matrix.
  public init(largestMatrixOf path: FilePath) throws(AnalysisError) {
    let model: Checkpoint
    do throws(CheckpointError) {
      model = try Checkpoint.open(path)
    } catch {
      throw .checkpoint(error)
    }
    let matrices = model.tensors.filter {
      ElementType($0.format) != nil && $0.shape.dimensions.count == 2 && $0.shape.count > 0
        && $0.shape.columns <= QuantizeBenchmark.largestCount
    }
    guard let matrix = matrices.max(by: { $0.shape.count < $1.shape.count }),
      let elementType = ElementType(matrix.format)
    else { throw .nothingToQuantize(path, pattern: nil) }
    let columns = matrix.shape.columns
    let shape = Shape([min(matrix.shape.rows, QuantizeBenchmark.largestCount / columns), columns])!
    let bytes: [UInt8]
    do throws(CheckpointError) {
      bytes = try model.bytes(of: matrix, 0..<shape.count * elementType.format.bytesPerBlock)
    } catch {
      throw .checkpoint(error)
    }
    self.init(
      weights: Tensor(
        shape: shape, elementType: elementType,
        storage: TensorStorage(byteCount: bytes.count) { $0.copyBytes(from: bytes) }))
  }
}

extension ElementType {
  fileprivate init?(_ format: Format) {
    guard let found = ElementType.allCases.first(where: { $0.format == format }) else { return nil }
    self = found
  }
}
