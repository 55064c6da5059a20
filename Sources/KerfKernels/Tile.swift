// The tile of the integer matrix product: some rows of activations times a panel of weights.
//
// For each block of 32 along K, with n the exact sum of 32 products of codes:
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
// The panel has been unpacked, once for many tiles, to 1280 bytes a block:
//
//     8 vectors of codes, rows 0…15 | 8 vectors, rows 16…31 | f32 d[32] | f32 m[32]

internal import CVectors

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

enum ByteProducts: DotProducts {
  @inline(__always)
  static func adding(_ sum: i32x16, _ codes: i32x16, _ activations: i32x16) -> i32x16 {
    i32x16_adding_dot_bytes(sum, codes, activations)
  }
}

/// Tiles of weights whose codes are multiplied so, and that have `minima` minima a block, 0 or 1.
enum Tile<Products: DotProducts, let minima: Int> {
  /// See ``PackedKernels/multiplyUnpacked``.
  static func multiply(
    _ activations: UnsafeRawPointer, _ rows: Int, _ unpacked: UnsafeRawPointer, _ blocks: Int,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    switch rows {
    #if KERF_AVX512
      case 7: multiply(Height<7>.self, activations, unpacked, blocks, sums)
      case 6: multiply(Height<6>.self, activations, unpacked, blocks, sums)
      case 5: multiply(Height<5>.self, activations, unpacked, blocks, sums)
    #endif
    case 4: multiply(Height<4>.self, activations, unpacked, blocks, sums)
    case 3: multiply(Height<3>.self, activations, unpacked, blocks, sums)
    case 2: multiply(Height<2>.self, activations, unpacked, blocks, sums)
    default: multiply(Height<1>.self, activations, unpacked, blocks, sums)
    }
  }

  @inline(never)
  private static func multiply<let height: Int>(
    _: Height<height>.Type, _ activations: UnsafeRawPointer, _ unpacked: UnsafeRawPointer,
    _ blocks: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    #if KERF_AVX512
      multiply(Height<height>.self, TileWidth.self, activations, unpacked, 0, blocks, sums)
    #else
      multiply(Height<height>.self, TileWidth.self, activations, unpacked, 0, blocks, sums)
      multiply(Height<height>.self, TileWidth.self, activations, unpacked, 1, blocks, sums)
    #endif
  }

  /// Columns from 16 · `first` on.
  @inline(__always)
  private static func multiply<let height: Int, let width: Int>(
    _: Height<height>.Type, _: Width<width>.Type, _ activations: UnsafeRawPointer,
    _ unpacked: UnsafeRawPointer, _ first: Int, _ blocks: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
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
      let x = activations + 48 &* height &* b
      let panel = unpacked + 1280 &* b
      let codes = panel + 512 &* first
      let scales = panel + 1024 + 64 &* first
      prefetch(x + 48 &* height &* blocks, 48 &* height)

      var n = InlineArray<height, InlineArray<width, i32x16>>(
        repeating: InlineArray<width, i32x16>(repeating: i32x16(repeating: 0)))
      Height<height>.forEachRow { i in
        let start = i32x16(repeating: (x + 48 &* i).load(fromByteOffset: 40, as: Int32.self))
        Width<width>.forEachVector { v in n[unchecked: i][unchecked: v] = start }
      }
      var g = 0
      while g < 8 {
        Height<height>.forEachRow { i in
          let four = i32x16(
            repeating: (x + 48 &* i).load(fromByteOffset: 4 &* g, as: Int32.self))
          Width<width>.forEachVector { v in
            n[unchecked: i][unchecked: v] = Products.adding(
              n[unchecked: i][unchecked: v], i32x16_load(codes + 512 &* v + 64 &* g), four)
          }
        }
        g &+= 1
      }
      Height<height>.forEachRow { i in
        let row = x + 48 &* i
        let scale = row.load(fromByteOffset: 32, as: Float.self)
        let unstart = row.load(fromByteOffset: 36, as: Float.self)
        let total = f32x16(repeating: row.load(fromByteOffset: 44, as: Float.self))
        Width<width>.forEachVector { v in
          var sum = f32x16_fma(
            f32x16_load(scales + 64 &* v),
            i32x16_scaled(n[unchecked: i][unchecked: v], scale, unstart),
            y[unchecked: i][unchecked: v])
          if minima > 0 { sum = f32x16_fma(f32x16_load(scales + 128 + 64 &* v), total, sum) }
          y[unchecked: i][unchecked: v] = sum
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
