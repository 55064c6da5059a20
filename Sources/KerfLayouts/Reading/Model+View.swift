package import KerfCheckpoints
internal import KerfElements

extension Model: CheckpointSource {
  /// The model as a checkpoint of matrices, whatever its layout.
  package var view: Checkpoint {
    guard layout != nil || checkpoint.container == .onnx else { return checkpoint }
    let tensors = tensors.enumerated().map { number, tensor in
      switch tensor.source {
      case .stored(let stored): stored.named(tensor.name)
      case .arranged, .turned:
        TensorDescription(
          name: tensor.name, format: tensor.format, shape: tensor.shape,
          byteCount: tensor.byteCount, storedByteCount: tensor.storedByteCount, number: number)
      }
    }
    return Checkpoint(checkpoint, tensors: tensors, source: self)
  }

  package func read(
    _ tensor: Int, _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) {
    do {
      try read(tensors[tensor], range, into: buffer)
    } catch .checkpoint(let error) {
      throw error
    } catch {
      preconditionFailure("reading found what opening should have: \(error)")
    }
  }
}
