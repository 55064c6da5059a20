// The tile of the integer matrix product: some rows of activations times a panel of weights.
//
// For each block along K, with n the exact sum of its products of codes:
//
//     y ← fma(d of w, n · d of x, y)           y ← fma(m of w, d · Σq of x, y) where there are minima
//
// in this order, every line rounded as it is written, whatever the tile's height. Sums n and y both
// stay in registers: writing y to memory once a block would cost a tenth of the speed.
//
// A tile is `height` rows of activations times `width` vectors of sixteen columns, chosen for the
// registers there are: of 32, 7 · 2 for n and as many for y, beside two vectors of weights and one
// of activations. Processors with a quarter of that take one vector at a time.
//
// The panel has been unpacked, once for many tiles. A block of 32, 64 or 128 elements then has a
// vector of codes for every four of them, `products` in all, for each half of the rows:
//
//     vectors of codes, rows 0…15 | vectors of codes, rows 16…31 | f32 d[32] | f32 m[32]
//
// Two operations for y come after every `products` dot products, so that longer blocks are faster:
// of what dot products alone could do, 0.80 with 8 of them, 0.94 with 32. Their number is known when
// a tile is compiled: what is an address to compute otherwise is then a part of an instruction.

internal import CVectors
internal import KerfElements

#if KERF_AVX512
  typealias TileWidth = Width<2>
#else
  typealias TileWidth = Width<1>
#endif

/// A number of rows that is known when a tile is compiled.
enum Height<let rows: Int> {
  /// Calls `body` with 0, 1, … in as many copies of its code: what it indexes stays in registers.
  @inline(__always)
  static func forEachRow(_ body: (_ row: Int) -> Void) {
    body(0)
    if rows > 1 { body(1) }
    if rows > 2 { body(2) }
    if rows > 3 { body(3) }
    if rows > 4 { body(4) }
    if rows > 5 { body(5) }
    if rows > 6 { body(6) }
    if rows > 7 { body(7) }
  }
}
/// A number of vectors that is known when a tile is compiled.
enum Width<let vectors: Int> {
  /// As ``Height/forEachRow(_:)``.
  @inline(__always)
  static func forEachVector(_ body: (_ vector: Int) -> Void) {
    body(0)
    if vectors > 1 { body(1) }
  }
}

/// Asks for the lines of what is `count` bytes long: a block of the next tile.
@inline(__always)
private func prefetch(_ bytes: UnsafeRawPointer, _ count: Int) {
  var offset = 0
  while offset < count {
    bytes_prefetch(bytes + offset)
    offset &+= 64
  }
}

/// The same of what will be unpacked soon.
@inline(__always)
private func prefetchEarly(_ bytes: UnsafeRawPointer, _ count: Int) {
  var offset = 0
  while offset < count {
    bytes_prefetch_early(bytes + offset)
    offset &+= 64
  }
}

/// How codes are multiplied with activations.
protocol DotProducts: SendableMetatype {
  /// Σ code · activation over the four bytes of each lane.
  static func adding(_ sum: i32x16, _ codes: i32x16, _ activations: i32x16) -> i32x16
}

enum CodeProducts: DotProducts {
  @inline(__always)
  static func adding(_ sum: i32x16, _ codes: i32x16, _ activations: i32x16) -> i32x16 {
    i32x16_adding_dot_codes(sum, codes, activations)
  }
}

#if KERF_AVX512 || KERF_AVXVNNI
  // One instruction does both.
  typealias ByteProducts = CodeProducts
#else
  enum ByteProducts: DotProducts {
    @inline(__always)
    static func adding(_ sum: i32x16, _ codes: i32x16, _ activations: i32x16) -> i32x16 {
      i32x16_adding_dot_bytes(sum, codes, activations)
    }
  }
#endif

/// Tiles of weights whose codes are multiplied so, `products` vectors of four and `minima` minima, 0 or
/// 1, to a block.
enum Tile<Products: DotProducts, let products: Int, let minima: Int> {
  /// See ``PackedKernels/multiplyUnpacked``.
  static func multiply(
    _ activations: UnsafeRawPointer, _ unpacked: UnsafeRawPointer,
    _ sums: UnsafeMutablePointer<Float>, _ ahead: UnsafeRawPointer, _ work: TileWork
  ) {
    switch work.rows {
    #if KERF_AVX512
      case 7: multiply(Height<7>.self, activations, unpacked, sums, ahead, work)
      case 6: multiply(Height<6>.self, activations, unpacked, sums, ahead, work)
      case 5: multiply(Height<5>.self, activations, unpacked, sums, ahead, work)
    #endif
    case 4: multiply(Height<4>.self, activations, unpacked, sums, ahead, work)
    case 3: multiply(Height<3>.self, activations, unpacked, sums, ahead, work)
    case 2: multiply(Height<2>.self, activations, unpacked, sums, ahead, work)
    default: multiply(Height<1>.self, activations, unpacked, sums, ahead, work)
    }
  }

  @inline(never)
  private static func multiply<let height: Int>(
    _: Height<height>.Type, _ activations: UnsafeRawPointer, _ unpacked: UnsafeRawPointer,
    _ sums: UnsafeMutablePointer<Float>, _ ahead: UnsafeRawPointer, _ work: TileWork
  ) {
    let blocks = Int(work.blocks)
    // Whole lines of what is ahead, some at every block.
    let lines = (Int(work.share) / blocks &+ 63) & ~63
    var t = 0
    while t < Int(work.count) {
      let x = activations + (4 &* products &+ 16) &* height &* blocks &* t
      let y = sums + 32 &* height &* t
      let early = ahead + lines &* blocks &* t
      multiply(Height<height>.self, TileWidth.self, x, unpacked, 0, blocks, y, early, lines)
      #if !KERF_AVX512
        multiply(Height<height>.self, TileWidth.self, x, unpacked, 1, blocks, y, early, 0)
      #endif
      t &+= 1
    }
  }

  /// Columns from 16 · `first` on.
  @inline(__always)
  private static func multiply<let height: Int, let width: Int>(
    _: Height<height>.Type, _: Width<width>.Type, _ activations: UnsafeRawPointer,
    _ unpacked: UnsafeRawPointer, _ first: Int, _ blocks: Int, _ sums: UnsafeMutablePointer<Float>,
    _ ahead: UnsafeRawPointer, _ lines: Int
  ) {
    // Bytes of a row of activations, and of half a panel's codes, in a block.
    let stride = 4 &* products &+ 16
    let half = 64 &* products
    let sums = sums + 16 &* first
    var y = InlineArray<height, InlineArray<width, f32x16>>(
      repeating: InlineArray<width, f32x16>(repeating: f32x16(repeating: 0)))
    Height<height>.forEachRow { i in
      Width<width>.forEachVector { v in
        y[unchecked: i][unchecked: v] = f32x16_load(sums + 32 &* i + 16 &* v)
      }
    }
    var b = 0
    while b < blocks {
      let x = activations + stride &* height &* b
      let block = unpacked + (2 &* half &+ 256) &* b
      let codes = block + half &* first
      let scales = block + 2 &* half + 64 &* first
      // A line of the next tile's block for every two vectors of codes, and what that leaves.
      let next = x + stride &* height &* blocks
      prefetchEarly(ahead + lines &* b, lines)
      prefetch(next + 32 &* products, stride &* height &- 32 &* products)

      var n = InlineArray<height, InlineArray<width, i32x16>>(
        repeating: InlineArray<width, i32x16>(repeating: i32x16(repeating: 0)))
      Height<height>.forEachRow { i in
        let start = i32x16(
          repeating: x.load(fromByteOffset: stride &* i &+ 4 &* products &+ 8, as: Int32.self))
        Width<width>.forEachVector { v in n[unchecked: i][unchecked: v] = start }
      }
      var g = 0
      while g < products {
        bytes_prefetch(next + 32 &* g)
        Width<2>.forEachVector { odd in
          Height<height>.forEachRow { i in
            let four = i32x16(
              repeating: x.load(fromByteOffset: stride &* i &+ 4 &* (g &+ odd), as: Int32.self))
            Width<width>.forEachVector { v in
              n[unchecked: i][unchecked: v] = Products.adding(
                n[unchecked: i][unchecked: v],
                i32x16_load(codes + half &* v + 64 &* (g &+ odd)), four)
            }
          }
        }
        g &+= 2
      }
      Height<height>.forEachRow { i in
        let row = x + (stride &* i &+ 4 &* products)
        let scale = row.load(as: Float.self)
        let unstart = row.load(fromByteOffset: 4, as: Float.self)
        Width<width>.forEachVector { v in
          y[unchecked: i][unchecked: v] = f32x16_fma(
            f32x16_load(scales + 64 &* v),
            i32x16_scaled(n[unchecked: i][unchecked: v], scale, unstart),
            y[unchecked: i][unchecked: v])
        }
      }
      if minima > 0 {
        Height<height>.forEachRow { i in
          let total = f32x16(
            repeating: x.load(
              fromByteOffset: stride &* i &+ 4 &* products &+ 12, as: Float.self))
          Width<width>.forEachVector { v in
            y[unchecked: i][unchecked: v] = f32x16_fma(
              f32x16_load(scales + 128 + 64 &* v), total, y[unchecked: i][unchecked: v])
          }
        }
      }
      b &+= 1
    }
    Height<height>.forEachRow { i in
      Width<width>.forEachVector { v in
        f32x16_store(sums + 32 &* i + 16 &* v, y[unchecked: i][unchecked: v])
      }
    }
  }
}
