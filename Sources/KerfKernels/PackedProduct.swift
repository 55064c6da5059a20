// A product of few rows: weights are read once, from where they are packed, so it is bound by
// memory. The sums are those of `Tile.swift`, to the bit.

internal import CVectors
internal import KerfElements

extension PackedFormat {
  /// See ``PackedKernels/widen``.
  @inline(__always)
  static func widen(
    _ panel: UnsafeRawPointer, _ first: Int, _ blocks: Int, _ target: UnsafeMutableRawPointer
  ) {
    var b = 0
    while b < blocks {
      let from = panel + packedByteCount &* (first &+ b)
      let to = target + 1280 &* b
      var half = 0
      while half < 2 {
        let codes = Packed.load(from + packedCodes(half))
        var g = 0
        while g < 8 {
          i32x16_store(to + 512 &* half + 64 &* g, codes[g])
          g &+= 1
        }
        f32x16_store(
          to + 1024 + 64 &* half, f16x16_widened(u16x16_load(from + 32 &* half)))
        if hasMinimum {
          f32x16_store(
            to + 1152 + 64 &* half, f16x16_widened(u16x16_load(from + 64 + 32 &* half)))
        }
        half &+= 1
      }
      b &+= 1
    }
  }

  /// Blocks that a panel takes before it is another one's turn: about a kilobyte. A CPU fetches ahead
  /// in several pages at once, and in each but a little: with eight panels taking turns, each asked
  /// for two turns ahead, weights arrive half as fast again as one panel's alone.
  @inline(__always)
  private static var turnBlocks: Int { max(1, 1152 / packedByteCount) }

  /// See ``PackedKernels/multiply``.
  @inline(__always)
  static func multiply(
    _ activations: UnsafeRawPointer, _ rows: Int, _ panels: PackedPanels,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    var first = 0
    while first < panels.blocks {
      let blocks = min(turnBlocks, panels.blocks &- first)
      let x = activations + 48 &* rows &* first
      var p = 0
      while p < panels.count {
        multiply(
          x, rows, panels.start + (panels.stride &* p &+ packedByteCount &* first), blocks,
          sums + 32 &* rows &* p)
        p &+= 1
      }
      first &+= blocks
    }
  }

  @inline(__always)
  private static func multiply(
    _ activations: UnsafeRawPointer, _ rows: Int, _ packed: UnsafeRawPointer, _ blocks: Int,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    switch rows {
    case 4: multiply(Height<4>.self, activations, packed, blocks, sums)
    case 3: multiply(Height<3>.self, activations, packed, blocks, sums)
    case 2: multiply(Height<2>.self, activations, packed, blocks, sums)
    default: multiply(Height<1>.self, activations, packed, blocks, sums)
    }
  }

  @inline(__always)
  private static func multiply<let height: Int>(
    _: Height<height>.Type, _ activations: UnsafeRawPointer, _ packed: UnsafeRawPointer,
    _ blocks: Int, _ sums: UnsafeMutablePointer<Float>
  ) {
    var y = InlineArray<2, InlineArray<height, f32x16>>(
      repeating: InlineArray<height, f32x16>(repeating: f32x16(repeating: 0)))
    var j = 0
    while j < height {
      y[0][j] = f32x16_load(sums + 32 &* j)
      y[1][j] = f32x16_load(sums + 32 &* j + 16)
      j &+= 1
    }
    var b = 0
    while b < blocks {
      let x = activations + 48 &* height &* b
      let from = packed + packedByteCount &* b
      var ahead = 0
      while ahead < packedByteCount {
        bytes_prefetch(from + packedByteCount &* (2 &* turnBlocks) + ahead)
        ahead &+= 64
      }
      var half = 0
      while half < 2 {
        let codes = Packed.load(from + packedCodes(half))
        let scales = f16x16_widened(u16x16_load(from + 32 &* half))
        var i = 0
        while i < height {
          let row = x + 48 &* i
          var n = i32x16(repeating: row.load(fromByteOffset: 40, as: Int32.self))
          var g = 0
          while g < 8 {
            n = Packed.Products.adding(
              n, codes[g], i32x16(repeating: row.load(fromByteOffset: 4 &* g, as: Int32.self)))
            g &+= 1
          }
          let scaled = i32x16_scaled(
            n, row.load(fromByteOffset: 32, as: Float.self),
            row.load(fromByteOffset: 36, as: Float.self))
          y[half][i] = f32x16_fma(scales, scaled, y[half][i])
          if hasMinimum {
            y[half][i] = f32x16_fma(
              f16x16_widened(u16x16_load(from + 64 + 32 &* half)),
              f32x16(repeating: row.load(fromByteOffset: 44, as: Float.self)), y[half][i])
          }
          i &+= 1
        }
        half &+= 1
      }
      b &+= 1
    }
    var i = 0
    while i < height {
      f32x16_store(sums + 32 &* i, y[0][i])
      f32x16_store(sums + 32 &* i + 16, y[1][i])
      i &+= 1
    }
  }

  static var packedKernels: PackedKernels {
    PackedKernels(
      blockElements: 32, tileRows: tileRows, directRows: directRows,
      pack: { pack($0, $1, $2, $3, $4) },
      unpack: { unpack($0, $1, $2, $3, $4) },
      quantize: {
        Activations<2>.quantize($0, $1, $2, $3, codeOfZero: codeOfZero, inPairs: false)
      },
      widen: { widen($0, $1, $2, $3) },
      multiplyUnpacked: {
        if hasMinimum {
          Tile<Packed.Products, 8, 1>.multiply($0, $1, $2, $3, $4)
        } else {
          Tile<Packed.Products, 8, 0>.multiply($0, $1, $2, $3, $4)
        }
      },
      multiply: { multiply($0, $1, $2, $3) })
  }
}

/// Rows of activations that a direct product takes at most.
let directRows = 4

#if KERF_AVX512
  let tileRows = 7
#else
  let tileRows = 4
#endif
