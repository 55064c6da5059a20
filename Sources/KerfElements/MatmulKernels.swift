/// How packed weights and quantized activations lie in memory, the same for every instruction set.
///
/// `KerfKernels/PackedFormat.swift` and `KerfKernels/Activations.swift` draw both.
package enum MatmulLayout {
  /// Rows of weights that are packed together, a panel; the last one is filled up with zeros.
  package static let panelRows = 32
  /// Elements along K that share a scale, in weights and in activations.
  package static let blockElements = 32
  /// Bytes of one block of activations.
  package static let activationByteCount = 48
  /// Bytes of one unpacked block of a panel.
  package static let unpackedByteCount = 1280
}

/// What the integer matrix product can do with weights of one format.
///
/// A panel is 32 rows of weights, a tile that panel times some rows of activations. Everything that
/// is computed is exact or rounded in a fixed order: the same bits under every instruction set,
/// however the product was cut into tiles.
package struct PackedKernels: Sendable {
  /// Rows of activations that a tile takes at most.
  package let tileRows: Int
  /// Rows of activations that ``multiply`` takes at most.
  package let directRows: Int

  /// Blocks of a panel that ``multiply`` should take before it turns to another panel.
  package let turnBlocks: Int

  /// Packs `rows` rows, `blocks` blocks each, `stride` bytes apart, to `target`.
  package let pack:
    @Sendable (
      _ source: UnsafeRawPointer, _ stride: Int, _ rows: Int, _ blocks: Int,
      _ target: UnsafeMutableRawPointer
    ) -> Void

  /// The inverse of ``pack``, byte for byte.
  package let unpack:
    @Sendable (
      _ source: UnsafeRawPointer, _ blocks: Int,
      _ target: UnsafeMutableRawPointer, _ stride: Int, _ rows: Int
    ) -> Void

  /// Quantizes `blocks` blocks of one row of activations, writing them `stride` bytes apart.
  package let quantize:
    @Sendable (
      _ source: UnsafePointer<Float>, _ blocks: Int,
      _ target: UnsafeMutableRawPointer, _ stride: Int
    ) -> Void

  /// Unpacks `blocks` blocks of a panel to bytes and floats, for ``multiplyUnpacked``.
  package let widen:
    @Sendable (_ packed: UnsafeRawPointer, _ blocks: Int, _ target: UnsafeMutableRawPointer) -> Void

  /// Adds the product of `rows` rows of activations, at most ``tileRows``, and `blocks` unpacked
  /// blocks to `sums`, which has a row of 32 for each row of activations.
  package let multiplyUnpacked:
    @Sendable (
      _ activations: UnsafeRawPointer, _ rows: Int, _ unpacked: UnsafeRawPointer, _ blocks: Int,
      _ sums: UnsafeMutablePointer<Float>
    ) -> Void

  /// Adds the product of `rows` rows of activations, at most ``directRows``, and `blocks` packed
  /// blocks of a panel to `sums`. Reads the weights once, and asks for those of its next turns.
  package let multiply:
    @Sendable (
      _ activations: UnsafeRawPointer, _ rows: Int, _ packed: UnsafeRawPointer, _ blocks: Int,
      _ sums: UnsafeMutablePointer<Float>
    ) -> Void

  package init(
    tileRows: Int, directRows: Int, turnBlocks: Int,
    pack: @escaping @Sendable (UnsafeRawPointer, Int, Int, Int, UnsafeMutableRawPointer) -> Void,
    unpack: @escaping @Sendable (UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int, Int) -> Void,
    quantize: @escaping @Sendable (UnsafePointer<Float>, Int, UnsafeMutableRawPointer, Int) -> Void,
    widen: @escaping @Sendable (UnsafeRawPointer, Int, UnsafeMutableRawPointer) -> Void,
    multiplyUnpacked:
      @escaping @Sendable (
        UnsafeRawPointer, Int, UnsafeRawPointer, Int, UnsafeMutablePointer<Float>
      ) -> Void,
    multiply:
      @escaping @Sendable (
        UnsafeRawPointer, Int, UnsafeRawPointer, Int, UnsafeMutablePointer<Float>
      ) -> Void
  ) {
    self.tileRows = tileRows
    self.directRows = directRows
    self.turnBlocks = turnBlocks
    self.pack = pack
    self.unpack = unpack
    self.quantize = quantize
    self.widen = widen
    self.multiplyUnpacked = multiplyUnpacked
    self.multiply = multiply
  }
}
