// Products of packed groups: unpacking for tiles, and products of few rows, whose weights are read
// once, from where they are packed. The sums are those of `Tile.swift`, to the bit.

internal import CVectors
internal import KerfElements

/// What a vector of packed codes holds.
private protocol GroupCodes: SendableMetatype {
  associatedtype Products: DotProducts
  /// Vectors of unpacked codes, four elements of each of sixteen rows, to one of packed ones.
  static var vectors: Int { get }
  /// What the middle is when it is multiplied.
  static var codeOfZero: Int32 { get }
  /// The first and, where there are two, the second of them.
  static func first(_ packed: i32x16) -> i32x16
  static func second(_ packed: i32x16) -> i32x16
}

private enum GroupNibbles: GroupCodes {
  typealias Products = CodeProducts
  @inline(__always) static var vectors: Int { 2 }
  @inline(__always) static var codeOfZero: Int32 { 8 }
  @inline(__always) static func first(_ packed: i32x16) -> i32x16 { packed & 0x0F0F_0F0F }
  @inline(__always)
  static func second(_ packed: i32x16) -> i32x16 { (packed &>> 4) & 0x0F0F_0F0F }
}

/// Bytes have no sign: they are as they should be where the CPU multiplies such ones, and lose 128
/// elsewhere.
private enum GroupBytes: GroupCodes {
  typealias Products = ByteProducts
  @inline(__always) static var vectors: Int { 1 }
  @inline(__always) static var codeOfZero: Int32 { dot_zero() }
  @inline(__always)
  static func first(_ packed: i32x16) -> i32x16 {
    packed ^ i32x16(repeating: dot_sign_bits() ^ Int32(bitPattern: 0x8080_8080))
  }
  @inline(__always) static func second(_ packed: i32x16) -> i32x16 { packed }
}

extension PackedGroup {
  var kernels: PackedKernels {
    bits == 4 ? kernels(GroupNibbles.self) : kernels(GroupBytes.self)
  }

  @inline(__always)
  private func kernels<Codes: GroupCodes>(_: Codes.Type) -> PackedKernels {
    PackedKernels(
      blockElements: blockElements, tileRows: tileRows, directRows: directGroupRows,
      pack: { pack($0, $1, $2, $3, $4) },
      unpack: { unpack($0, $1, $2, $3, $4) },
      quantize: quantize(codeOfZero: Codes.codeOfZero, inPairs: Codes.vectors > 1),
      widen: { widen(Codes.self, $0, $1, $2, $3) },
      multiplyUnpacked: tiles(Codes.Products.self),
      multiply: { multiply(Codes.self, $0, $1, $2, $3) })
  }

  private func quantize(codeOfZero zero: Int32, inPairs: Bool) -> PackedKernels.Quantize {
    switch blockElements {
    case 128:
      { Activations<8>.quantize($0, $1, $2, $3, codeOfZero: zero, inPairs: inPairs) }
    case 64:
      { Activations<4>.quantize($0, $1, $2, $3, codeOfZero: zero, inPairs: inPairs) }
    default:
      { Activations<2>.quantize($0, $1, $2, $3, codeOfZero: zero, inPairs: inPairs) }
    }
  }

  /// Called once a tile, so nothing is captured: counting references would take a while.
  @inline(__always)
  private func tiles<Products: DotProducts>(
    _: Products.Type
  ) -> PackedKernels.MultiplyUnpacked {
    switch (blockElements, offset) {
    case (128, .none): { Tile<Products, 32, 0>.multiply($0, $1, $2, $3, $4) }
    case (128, _): { Tile<Products, 32, 1>.multiply($0, $1, $2, $3, $4) }
    case (64, .none): { Tile<Products, 16, 0>.multiply($0, $1, $2, $3, $4) }
    case (64, _): { Tile<Products, 16, 1>.multiply($0, $1, $2, $3, $4) }
    case (_, .none): { Tile<Products, 8, 0>.multiply($0, $1, $2, $3, $4) }
    default: { Tile<Products, 8, 1>.multiply($0, $1, $2, $3, $4) }
    }
  }

  // MARK: Many rows

  /// See ``PackedKernels/widen``.
  @inline(__always)
  private func widen<Codes: GroupCodes>(
    _: Codes.Type, _ panel: UnsafeRawPointer, _ first: Int, _ blocks: Int,
    _ target: UnsafeMutableRawPointer
  ) {
    var (g, b) = first.quotientAndRemainder(dividingBy: blocksPerGroup)
    var done = 0
    while done < blocks {
      let head = head(panel, g)
      let codes = codes(head, b)
      let to = target + unpackedBytes &* done
      let facts = to + 32 &* blockElements
      var half = 0
      while half < 2 {
        var w = 0
        while w < words {
          let packed = i32x16_load(codes + (128 &* w &+ 64 &* half))
          let target = to + (16 &* blockElements &* half &+ 64 &* Codes.vectors &* w)
          i32x16_store(target, Codes.first(packed))
          if Codes.vectors > 1 { i32x16_store(target + 64, Codes.second(packed)) }
          w &+= 1
        }
        let scales = scales(head, half)
        f32x16_store(facts + 64 &* half, scales)
        if offset != .none {
          f32x16_store(facts + 128 + 64 &* half, minima(head, half, scales))
        }
        half &+= 1
      }
      done &+= 1
      b &+= 1
      if b == blocksPerGroup { (g, b) = (g &+ 1, 0) }
    }
  }

  // MARK: Few rows

  /// Words of each half of a panel's rows before it is another panel's turn: a kilobyte, as in
  /// ``PackedFormat``.
  @inline(__always) private var turnWords: Int { min(8, words) }

  /// See ``PackedKernels/multiply``.
  @inline(__always)
  private func multiply<Codes: GroupCodes>(
    _: Codes.Type, _ activations: UnsafeRawPointer, _ rows: Int, _ panels: PackedPanels,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    let counts = UnsafeMutableRawPointer(sums + 32 &* rows &* panels.count)
    var (g, b) = (0, 0)
    var done = 0
    while done < panels.blocks {
      let x = activations + (blockElements &+ 16) &* rows &* done
      var first = 0
      while first < words {
        var p = 0
        while p < panels.count {
          let head = head(panels.start + panels.stride &* p, g)
          let turn = Turn(
            x: x, head: head, codes: codes(head, b), first: first,
            counts: counts + 128 &* rows &* p, sums: sums + 32 &* rows &* p)
          switch rows {
          #if KERF_AVX512
            case 8: multiply(Height<8>.self, Codes.self, turn)
            case 7: multiply(Height<7>.self, Codes.self, turn)
            case 6: multiply(Height<6>.self, Codes.self, turn)
            case 5: multiply(Height<5>.self, Codes.self, turn)
          #endif
          case 4: multiply(Height<4>.self, Codes.self, turn)
          case 3: multiply(Height<3>.self, Codes.self, turn)
          case 2: multiply(Height<2>.self, Codes.self, turn)
          default: multiply(Height<1>.self, Codes.self, turn)
          }
          p &+= 1
        }
        first &+= turnWords
      }
      done &+= 1
      b &+= 1
      if b == blocksPerGroup { (g, b) = (g &+ 1, 0) }
    }
  }

  /// Some words of a block of a panel.
  private struct Turn {
    /// The block of activations.
    let x: UnsafeRawPointer
    let head: UnsafeRawPointer
    let codes: UnsafeRawPointer
    let first: Int
    /// The sums of products of a block that takes several turns.
    let counts: UnsafeMutableRawPointer
    let sums: UnsafeMutablePointer<Float>
  }

  @inline(__always)
  private func multiply<let height: Int, Codes: GroupCodes>(
    _: Height<height>.Type, _: Codes.Type, _ turn: Turn
  ) {
    let stride = blockElements &+ 16
    let x = turn.x
    var n = InlineArray<height, InlineArray<2, i32x16>>(
      repeating: InlineArray<2, i32x16>(repeating: i32x16(repeating: 0)))
    Height<height>.forEachRow { i in
      let start = i32x16(
        repeating: x.load(fromByteOffset: stride &* i &+ blockElements &+ 8, as: Int32.self))
      Width<2>.forEachVector { half in
        n[unchecked: i][unchecked: half] =
          turn.first == 0 ? start : i32x16_load(turn.counts + (128 &* i &+ 64 &* half))
      }
    }
    var w = turn.first
    let end = w &+ turnWords
    while w < end {
      let from = turn.codes + 128 &* w
      bytes_prefetch(from + 256 &* turnWords)
      bytes_prefetch(from + (256 &* turnWords &+ 64))
      let low = i32x16_load(from)
      let high = i32x16_load(from + 64)
      let four = x + 4 &* Codes.vectors &* w
      Height<height>.forEachRow { i in
        let x = i32x16(repeating: four.load(fromByteOffset: stride &* i, as: Int32.self))
        n[unchecked: i][unchecked: 0] = Codes.Products.adding(
          n[unchecked: i][unchecked: 0], Codes.first(low), x)
        n[unchecked: i][unchecked: 1] = Codes.Products.adding(
          n[unchecked: i][unchecked: 1], Codes.first(high), x)
      }
      if Codes.vectors > 1 {
        Height<height>.forEachRow { i in
          let x = i32x16(repeating: four.load(fromByteOffset: stride &* i &+ 4, as: Int32.self))
          n[unchecked: i][unchecked: 0] = Codes.Products.adding(
            n[unchecked: i][unchecked: 0], Codes.second(low), x)
          n[unchecked: i][unchecked: 1] = Codes.Products.adding(
            n[unchecked: i][unchecked: 1], Codes.second(high), x)
        }
      }
      w &+= 1
    }
    if end < words {
      Height<height>.forEachRow { i in
        Width<2>.forEachVector { half in
          i32x16_store(
            turn.counts + (128 &* i &+ 64 &* half), n[unchecked: i][unchecked: half])
        }
      }
      return
    }
    Width<2>.forEachVector { half in
      let scales = scales(turn.head, half)
      let minima = offset == .none ? scales : minima(turn.head, half, scales)
      Height<height>.forEachRow { i in
        let row = x + (stride &* i &+ blockElements)
        let y = turn.sums + (32 &* i &+ 16 &* half)
        var sum = f32x16_fma(
          scales,
          i32x16_scaled(
            n[unchecked: i][unchecked: half], row.load(as: Float.self),
            row.load(fromByteOffset: 4, as: Float.self)),
          f32x16_load(y))
        if offset != .none {
          let total = f32x16(repeating: row.load(fromByteOffset: 12, as: Float.self))
          sum = f32x16_fma(minima, total, sum)
        }
        f32x16_store(y, sum)
      }
    }
  }
}

/// Rows of activations that a direct product takes at most: so many that their sums stay in registers.
#if KERF_AVX512
  private let directGroupRows = 8
#else
  private let directGroupRows = 4
#endif
