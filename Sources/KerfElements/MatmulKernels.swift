/// How packed weights and quantized activations lie in memory, the same for every instruction set.
///
/// `KerfKernels/PackedFormat.swift`, `PackedGroups.swift` and `Activations.swift` draw them.
package enum MatmulLayout {
  /// Rows of weights that are packed together, a panel; the last one is filled up with zeros.
  package static let panelRows = 32
}

/// What the integer matrix product can do with weights of one format.
///
/// A panel is 32 rows of weights, a tile that panel times some rows of activations. Everything that
/// is computed is exact or rounded in a fixed order: the same bits under every instruction set,
/// however the product was cut into tiles.
///
/// A block here is what is summed in integers: so many elements along K, which share a scale in
/// activations. It is a block of the format, or a part of a group.
package struct PackedKernels: Sendable {
  /// Elements along K of a block.
  package let blockElements: Int
  /// Rows of activations that a tile takes at most.
  package let tileRows: Int
  /// Rows of activations that ``multiply`` takes at most.
  package let directRows: Int

  /// Packs `rows` rows, so many of the format's blocks each, `stride` bytes apart, to `target`.
  package let pack: Pack
  package typealias Pack =
    @Sendable (
      _ source: UnsafeRawPointer, _ stride: Int, _ rows: Int, _ formatBlocks: Int,
      _ target: UnsafeMutableRawPointer
    ) -> Void

  /// The inverse of ``pack``, byte for byte.
  package let unpack: Unpack
  package typealias Unpack =
    @Sendable (
      _ source: UnsafeRawPointer, _ formatBlocks: Int,
      _ target: UnsafeMutableRawPointer, _ stride: Int, _ rows: Int
    ) -> Void

  /// Quantizes `blocks` blocks of one row of activations, writing them `stride` bytes apart.
  package let quantize: Quantize
  package typealias Quantize =
    @Sendable (
      _ source: UnsafePointer<Float>, _ blocks: Int,
      _ target: UnsafeMutableRawPointer, _ stride: Int
    ) -> Void

  /// Unpacks `blocks` blocks of a panel, from block `first` on, to bytes and floats, for
  /// ``multiplyUnpacked``.
  package let widen: Widen
  package typealias Widen =
    @Sendable (
      _ panel: UnsafeRawPointer, _ first: Int, _ blocks: Int, _ target: UnsafeMutableRawPointer
    ) -> Void

  /// Adds the products of tiles of activations and unpacked blocks to `sums`, which has a row of 32
  /// for each row of activations. Asks meanwhile for what is going to be unpacked, from `ahead` on.
  package let multiplyUnpacked: MultiplyUnpacked
  package typealias MultiplyUnpacked =
    @Sendable (
      _ activations: UnsafeRawPointer, _ unpacked: UnsafeRawPointer,
      _ sums: UnsafeMutablePointer<Float>, _ ahead: UnsafeRawPointer, _ work: TileWork
    ) -> Void

  /// Adds the product of `rows` rows of activations, at most ``directRows``, and packed panels to
  /// `sums`, which has as many rows of 32 for each panel, followed by as much scratch. Reads the
  /// weights once, from all panels in turns.
  package let multiply: Multiply
  package typealias Multiply =
    @Sendable (
      _ activations: UnsafeRawPointer, _ rows: Int, _ panels: PackedPanels,
      _ sums: UnsafeMutablePointer<Float>
    ) -> Void

  package init(
    blockElements: Int, tileRows: Int, directRows: Int, pack: @escaping Pack,
    unpack: @escaping Unpack, quantize: @escaping Quantize, widen: @escaping Widen,
    multiplyUnpacked: @escaping MultiplyUnpacked, multiply: @escaping Multiply
  ) {
    self.blockElements = blockElements
    self.tileRows = tileRows
    self.directRows = directRows
    self.pack = pack
    self.unpack = unpack
    self.quantize = quantize
    self.widen = widen
    self.multiplyUnpacked = multiplyUnpacked
    self.multiply = multiply
  }

  /// Bytes of one block of activations.
  package var activationByteCount: Int { blockElements + 16 }
  /// Bytes of one unpacked block of a panel.
  package var unpackedByteCount: Int { 32 * blockElements + 256 }
}

/// Tiles of one height, one after another.
///
/// All that a kernel is told of them fits the registers that arguments are passed in. In memory, it
/// may be waited for until all that was written before has left for the caches.
package struct TileWork {
  /// Rows of each, at most ``PackedKernels/tileRows``.
  package let rows: Int32
  /// Tiles.
  package let count: Int32
  /// Blocks along K.
  package let blocks: Int32
  /// Bytes that are asked for with each tile.
  package let share: Int32

  package init(rows: Int, count: Int, blocks: Int, share: Int) {
    self.rows = Int32(rows)
    self.count = Int32(count)
    self.blocks = Int32(blocks)
    self.share = Int32(share)
  }
}

/// Packed panels, one after another.
package struct PackedPanels {
  /// Where the first one begins.
  package let start: UnsafeRawPointer
  /// Panels.
  package let count: Int
  /// Bytes of a panel.
  package let stride: Int
  /// Blocks of each along K.
  package let blocks: Int

  package init(start: UnsafeRawPointer, count: Int, stride: Int, blocks: Int) {
    self.start = start
    self.count = count
    self.stride = stride
    self.blocks = blocks
  }
}
