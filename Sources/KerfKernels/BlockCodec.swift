// The walk over a row of blocks that every block format shares.
//
// Blocks are taken sixteen at a time, a group: what is decided once per block (its scale, its
// minimum) is then decided for a whole vector of blocks at once, and only the codes are written
// block by block. A format says how it decides and how its bytes look; see `Q8_0.swift`.

internal import CVectors
internal import KerfElements

/// One format of 32 elements per block.
protocol BlockFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  /// How the 32 codes of a block are stored, that is all of its bytes after scale and minimum.
  associatedtype Codes: CodePacking
  /// Whether a minimum follows the scale.
  static var hasMinimum: Bool { get }

  /// The scale that the public reference code takes.
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit
  /// Encodes `blocks` blocks with the scales of least error; see ``CodecKernels/Encode``.
  static func encodeOptimal(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer)
  /// The same with errors weighted by importance; see ``CodecKernels/EncodeWeighted``.
  static func encodeWeighted(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer)

  /// Sixteen codes, of elements that are scaled by `multiplier` after `origin` was taken away. What
  /// `Codes` cannot hold becomes the nearest that it can.
  static func codes(_ elements: f32x16, multiplier: Float, origin: Float) -> i32x16
  /// Reads the codes of one block and scales them: its first sixteen elements, and the others.
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16)
}

extension BlockFormat {
  @inline(__always) static var codesOffset: Int { hasMinimum ? 4 : 2 }
  @inline(__always) static var codesByteCount: Int { bytesPerBlock &- codesOffset }

  /// Encodes `blocks` blocks with the reference code's scales; see ``CodecKernels/Encode``.
  @inline(__always)
  static func encodeReference<Element: Source>(
    _: Element.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let count = min(16, blocks &- done)
      let from = source + 32 &* Element.bytesPerElement &* done
      let to = target + bytesPerBlock &* done
      if count == 16 && Element.areFinite(from) {
        let group = BlockGroup<Element>(whole: from, workspace)
        let fit = referenceFit(group)
        if f32x16_are_finite(fit.scale) != 0 {
          write(fit, group, to)
          done &+= 16
          continue
        }
      }
      let group = BlockGroup<Floats>(repairing: Element.self, from, count, workspace)
      write(referenceFit(group), group, to)
      done &+= count
    }
  }

  @inline(__always)
  private static func write<Element>(
    _ fit: Fit, _ group: BlockGroup<Element>, _ target: UnsafeMutableRawPointer
  ) {
    // A scale so small that its reciprocal overflows is stored as zero: any code means zero then,
    // and the reference code writes zeros.
    let magnitudes = f32x16_abs(fit.multiplier)
    let overflowed = f32x16_equal_bits(magnitudes, f32x16(repeating: .infinity))
    var fit = fit
    fit.multiplier.replace(with: 0, where: magnitudes .== .infinity)
    let lanes = group.lanes(0)
    lanes.store(fit)
    var b = 0
    while b < group.count {
      Codes.pack(
        quad(group, lanes, b, offset: 0), quad(group, lanes, b, offset: 16),
        to: group.codes)
      let count = min(4, group.count &- b)
      var i = 0
      while i < count {
        writeBlock(b &+ i, packed: i, of: group.codes, lanes, target)
        Element.prefetchBlock(group.block(b &+ i &+ 16))
        i &+= 1
      }
      b &+= 4
    }
    if overflowed != 0 {
      for b in 0..<group.count where overflowed &>> UInt32(b) & 1 != 0 {
        (target + bytesPerBlock &* b + codesOffset)
          .initializeMemory(as: UInt8.self, repeating: 0, count: codesByteCount)
      }
    }
  }

  /// Writes block `b`, whose packed codes are number `i` of four.
  @inline(__always)
  static func writeBlock(
    _ b: Int, packed i: Int, of codes: UnsafeRawPointer, _ lanes: FitLanes,
    _ target: UnsafeMutableRawPointer
  ) {
    let block = target + bytesPerBlock &* b
    block.storeBytes(of: lanes.halfScales[b], as: UInt16.self)
    if hasMinimum { block.storeBytes(of: lanes.halfMinima[b], toByteOffset: 2, as: UInt16.self) }
    Codes.copy(i, of: codes, to: block + codesOffset)
  }

  /// Sixteen codes of each of four blocks, from element `offset` of a block on.
  @inline(__always)
  private static func quad<Element>(
    _ group: BlockGroup<Element>, _ lanes: FitLanes, _ first: Int, offset: Int
  ) -> CodeQuad {
    let elements = group.block(first) + offset &* Element.bytesPerElement
    @inline(__always) func codes(_ i: Int) -> i32x16 {
      Self.codes(
        Element.load(elements + 32 &* Element.bytesPerElement &* i),
        multiplier: lanes.multipliers[first &+ i], origin: lanes.origins[first &+ i])
    }
    return CodeQuad(a: codes(0), b: codes(1), c: codes(2), d: codes(3))
  }

  /// Decodes `blocks` blocks to elements of any type; see ``CodecKernels/Decode``.
  @inline(__always)
  static func decode<Element: Scalar>(
    to _: Element.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      bytes_prefetch(block + bytesPerBlock &* 16)
      let scale = f16_widened(block.loadUnaligned(as: UInt16.self))
      let minimum =
        hasMinimum
        ? f16_widened(block.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) : 0
      let (low, high) = unpack(block + codesOffset, scale: scale, minimum: minimum)
      let elements = target + 32 &* Element.bytesPerElement &* b
      Element.store(elements, low)
      Element.store(elements + 16 &* Element.bytesPerElement, high)
      b &+= 1
    }
  }

  static var kernels: CodecKernels {
    CodecKernels(
      encodeReference: { encodeReference(Floats.self, $0, $1, $2, $3) },
      encodeOptimal: { encodeOptimal($0, $1, $2, $3) },
      encodeWeighted: { encodeWeighted($0, $1, $2, $3, $4) },
      decode: { decode(to: Floats.self, $0, $1, $2) },
      encodeReferenceF16: { encodeReference(Halves.self, $0, $1, $2, $3) },
      encodeReferenceBF16: { encodeReference(BrainHalves.self, $0, $1, $2, $3) },
      decodeToF16: { decode(to: Halves.self, $0, $1, $2) },
      decodeToBF16: { decode(to: BrainHalves.self, $0, $1, $2) })
  }
}
