public import KerfCodecs
internal import KerfDispatch
public import KerfElements

/// What weights are packed for.
public enum PackingTarget: Sendable, Hashable {
  /// The kernels of this process. The layout is the same for all of them today, so packed weights
  /// mean the same under every `KERF_ISA`.
  case thisProcessor
}

/// Weights W[N, K] arranged for the integer matrix product: the same bits in another order.
///
/// They take as many bytes as before, but for N filled up to a multiple of 32. The original bytes
/// come back exactly, so one copy in memory is enough.
///
/// ```swift
/// let packed = try quantized.packed(for: .thisProcessor)   // once per weight, then
/// try matmul(x, packed, into: &y)
/// ```
public struct PackedWeights: Sendable {
  /// How the weights were stored, and will be again.
  public let format: Format
  /// [N, K], in elements.
  public let shape: Shape
  /// Bytes of the packed weights.
  public var byteCount: Int { storage.bytes.count }

  let storage: TensorStorage

  /// The weights as they were, byte for byte.
  /// - Parameter threads: Threads to work on; `KERF_THREADS` or all processors where it is `nil`.
  /// - Throws: ``MatmulError/codec(_:)`` where the environment asks for kernels that are not there.
  public func unpacked(threads: Int? = nil) throws(MatmulError) -> QuantizedTensor {
    let kernels = try packedKernels(format)
    let rows = PackedRows(format: format, shape: shape)
    let from = Address(storage.bytes.baseAddress!)
    let unpacked = TensorStorage(byteCount: rows.byteCount * rows.count) { target in
      guard let base = target.baseAddress, !target.isEmpty else { return }
      let to = MutableAddress(base)
      Threads.forEach(rows.panels, threads: threads ?? Threads.defaultCount) { panel in
        kernels.unpack(
          from.pointer + panel * rows.panelByteCount, rows.formatBlocks,
          to.pointer + panel * MatmulLayout.panelRows * rows.byteCount, rows.byteCount,
          rows.inPanel(panel))
      }
    }
    return QuantizedTensor(format: format, shape: shape, storage: unpacked)
  }
}

extension QuantizedTensor {
  /// These weights arranged for the integer matrix product.
  ///
  /// - Parameters:
  ///   - target: What will multiply with them.
  ///   - threads: Threads to work on; `KERF_THREADS` or all processors where it is `nil`.
  /// - Throws: ``MatmulError/notAMatrix(_:expected:)`` where the shape is not [N, K],
  ///   ``MatmulError/notPacked(_:)`` for a format that the integer core does not take.
  public func packed(
    for target: PackingTarget = .thisProcessor, threads: Int? = nil
  ) throws(MatmulError) -> PackedWeights {
    guard shape.dimensions.count == 2 else {
      throw .notAMatrix(shape, expected: "weights of two dimensions, [N, K]")
    }
    let kernels = try packedKernels(format)
    let rows = PackedRows(format: format, shape: shape)
    let from = Address(storage.bytes.baseAddress!)
    let packed = TensorStorage(byteCount: rows.panels * rows.panelByteCount) { target in
      guard let base = target.baseAddress, !target.isEmpty else { return }
      let to = MutableAddress(base)
      Threads.forEach(rows.panels, threads: threads ?? Threads.defaultCount) { panel in
        kernels.pack(
          from.pointer + panel * MatmulLayout.panelRows * rows.byteCount, rows.byteCount,
          rows.inPanel(panel), rows.formatBlocks, to.pointer + panel * rows.panelByteCount)
      }
    }
    return PackedWeights(format: format, shape: shape, storage: packed)
  }
}

/// The kernels of this process for a format that the integer core takes.
func packedKernels(_ format: Format) throws(MatmulError) -> PackedKernels {
  guard let kernels = try currentTable().packed(format) else { throw .notPacked(format) }
  return kernels
}

/// The kernels of this process.
func currentTable() throws(MatmulError) -> KernelTable {
  do throws(CodecError) { return try KernelTable.current() } catch { throw .codec(error) }
}

/// Rows of weights, and the panels that they are packed to.
struct PackedRows {
  /// Rows.
  let count: Int
  /// Blocks of a row, as the format has them.
  let formatBlocks: Int
  /// Bytes of a row where it is not packed.
  let byteCount: Int

  init(format: Format, shape: Shape) {
    count = shape.rows
    formatBlocks = shape.columns / format.elementsPerBlock
    byteCount = formatBlocks * format.bytesPerBlock
  }

  var panels: Int { (count + MatmulLayout.panelRows - 1) / MatmulLayout.panelRows }
  var panelByteCount: Int { MatmulLayout.panelRows * byteCount }
  func inPanel(_ panel: Int) -> Int {
    min(MatmulLayout.panelRows, count - panel * MatmulLayout.panelRows)
  }
}
