// Groups of integers packed for the matrix product: 32 rows, a panel, group by group.
//
//     group of a panel = what 32 rows have in one group along K, in as many bytes as before
//
//     scales[32] | zero points or biases[32] | block | block …
//     block = rows 0…15: codes | rows 16…31: codes | rows 0…15: codes | rows 16…31: codes …
//
// A block is what is summed in integers: 128 elements, or 64 or 32 where a group is no multiple of
// more. So a channel, a group as long as a row, has one scale of weights and many of activations.
// Codes are vectors of 64 bytes, a word for each of sixteen rows: the words of the rows' streams.
//
//     8 bits     bytes of row r in vector w: q[4w … 4w + 3]
//     4 bits     … low nibbles q[8w], q[8w + 2], …, high nibbles q[8w + 1], q[8w + 3], …
//
// Activations are quantized in that order. Codes count from the middle, whatever their offset is:
//
//     y = (q − middle) · d + m        m = nothing, (middle − z) · d, or b + middle · d

internal import CVectors
internal import KerfElements

/// A format of groups that the integer product takes.
struct PackedGroup {
  let bits: Int
  let offset: GroupFormat.Offset
  let scale: GroupFormat.Scale
  /// Elements of a block, and blocks of a group.
  let blockElements: Int
  let blocksPerGroup: Int
  /// Bytes of a row's group, and of what comes before its codes: its scale, and its offset.
  let groupBytes: Int
  let scaleBytes: Int
  let offsetBytes: Int

  init?(_ format: GroupFormat) {
    guard case .integers(let bits) = format.codes, bits == 4 || bits == 8,
      format.scale.byteCount > 1
    else { return nil }
    // The largest power of two that divides the length, at most 128.
    blockElements = min(128, format.length & -format.length)
    guard blockElements >= 32 else { return nil }
    self.bits = bits
    offset = format.offset
    scale = format.scale
    blocksPerGroup = format.length / blockElements
    groupBytes = format.byteCount
    scaleBytes = format.scale.byteCount
    offsetBytes = format.byteCount &- format.codeByteCount &- format.scale.byteCount
  }

  /// The code that others are counted from.
  @inline(__always) var middle: Float { bits == 4 ? 8 : 128 }
  /// Words of a row's codes in a block.
  @inline(__always) var words: Int { (blockElements &* bits) &>> 5 }
  /// Bytes of a block of a panel.
  @inline(__always) var blockBytes: Int { 128 &* words }
  /// Bytes of one unpacked block.
  @inline(__always) var unpackedBytes: Int { 32 &* blockElements &+ 256 }

  /// Where group `g` of a panel begins.
  @inline(__always)
  func head(_ panel: UnsafeRawPointer, _ g: Int) -> UnsafeRawPointer {
    panel + 32 &* groupBytes &* g
  }
  /// Where the codes of block `b` of a group begin.
  @inline(__always)
  func codes(_ head: UnsafeRawPointer, _ b: Int) -> UnsafeRawPointer {
    head + (32 &* (scaleBytes &+ offsetBytes) &+ blockBytes &* b)
  }

  /// Scales of sixteen rows.
  @inline(__always)
  func scales(_ head: UnsafeRawPointer, _ half: Int) -> f32x16 {
    numbers(head + 16 &* scaleBytes &* half)
  }

  /// What sixteen rows add to a product with the middle taken off: m.
  @inline(__always)
  func minima(_ head: UnsafeRawPointer, _ half: Int, _ scales: f32x16) -> f32x16 {
    let offsets = head + (32 &* scaleBytes &+ 16 &* offsetBytes &* half)
    if offset == .zeroPoint {
      return (middle - i32x16_to_f32(u8x16_widened(u8x16_load(offsets)))) * scales
    }
    return numbers(offsets) + middle * scales
  }

  @inline(__always)
  private func numbers(_ source: UnsafeRawPointer) -> f32x16 {
    switch scale {
    case .f16: f16x16_widened(u16x16_load(source))
    case .bf16: bf16x16_widened(u16x16_load(source))
    default: f32x16_load(source)
    }
  }
}

// MARK: Packing

extension PackedGroup {
  /// Calls `move` for each field of so many groups of a row: where it stands in the row, where in
  /// the panel, and its bytes.
  @inline(__always)
  private func forEachField(
    _ row: Int, _ groups: Int, _ move: (_ inRow: Int, _ inPanel: Int, _ bytes: Int) -> Void
  ) {
    var g = 0
    while g < groups {
      var inRow = groupBytes &* g
      var inPanel = 32 &* inRow
      move(inRow, inPanel &+ scaleBytes &* row, scaleBytes)
      inRow &+= scaleBytes
      inPanel &+= 32 &* scaleBytes
      if offsetBytes > 0 { move(inRow, inPanel &+ offsetBytes &* row, offsetBytes) }
      inRow &+= offsetBytes
      inPanel &+= 32 &* offsetBytes
      inPanel &+= 64 &* (row &>> 4) &+ 4 &* (row & 15)
      var w = 0
      while w < words &* blocksPerGroup {
        move(inRow &+ 4 &* w, inPanel &+ 128 &* w, 4)
        w &+= 1
      }
      g &+= 1
    }
  }

  @inline(__always)
  private func copy(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ bytes: Int
  ) {
    switch bytes {
    case 1: target.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
    case 2: target.storeBytes(of: source.loadUnaligned(as: UInt16.self), as: UInt16.self)
    default: target.storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
    }
  }

  /// See ``PackedKernels/pack``.
  @inline(never)
  func pack(
    _ source: UnsafeRawPointer, _ stride: Int, _ rows: Int, _ groups: Int,
    _ target: UnsafeMutableRawPointer
  ) {
    if rows < 32 {
      target.initializeMemory(as: UInt8.self, repeating: 0, count: 32 &* groupBytes &* groups)
    }
    var r = 0
    while r < rows {
      let row = source + stride &* r
      forEachField(r, groups) { copy(row + $0, target + $1, $2) }
      r &+= 1
    }
  }

  /// See ``PackedKernels/unpack``.
  @inline(never)
  func unpack(
    _ source: UnsafeRawPointer, _ groups: Int, _ target: UnsafeMutableRawPointer, _ stride: Int,
    _ rows: Int
  ) {
    var r = 0
    while r < rows {
      let row = target + stride &* r
      forEachField(r, groups) { copy(source + $1, row + $0, $2) }
      r &+= 1
    }
  }
}
