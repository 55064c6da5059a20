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
  /// Whether a minimum follows the scale.
  static var hasMinimum: Bool { get }

  /// The scale that the public reference code takes.
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit
  /// Encodes `blocks` blocks with the scales of least error; see ``CodecKernels/Encode``.
  static func encodeOptimal(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer)

  /// Sixteen codes, of elements that were scaled by `multiplier` after `origin` was taken away.
  ///
  /// With `clamping`, elements may lie outside of the range that the codes span; a reference fit
  /// spans them all.
  static func codes(
    _ elements: f32x16, multiplier: Float, origin: Float, clamping: Bool
  ) -> i32x16
  /// Writes the 32 codes of a block, that is all of its bytes after scale and minimum.
  static func store(_ low: i32x16, _ high: i32x16, to codes: UnsafeMutableRawPointer)
  /// Reads the codes of one block and scales them.
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>)
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
        write(referenceFit(group), group, clamping: false, to)
      } else {
        let group = BlockGroup<Floats>(repairing: Element.self, from, count, workspace)
        write(referenceFit(group), group, clamping: false, to)
      }
      done &+= count
    }
  }

  @inline(__always)
  private static func write<Element>(
    _ fit: Fit, _ group: BlockGroup<Element>, clamping: Bool, _ target: UnsafeMutableRawPointer
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
      let block = target + bytesPerBlock &* b
      block.storeBytes(of: lanes.halfScales[b], as: UInt16.self)
      if hasMinimum {
        block.storeBytes(of: lanes.halfMinima[b], toByteOffset: 2, as: UInt16.self)
      }
      let elements = group.block(b)
      if Element.prefetches { bytes_prefetch(elements + 2048) }
      let multiplier = lanes.multipliers[b]
      let origin = lanes.origins[b]
      store(
        codes(
          Element.load(elements), multiplier: multiplier, origin: origin, clamping: clamping),
        codes(
          Element.load(elements + 16 &* Element.bytesPerElement), multiplier: multiplier,
          origin: origin, clamping: clamping),
        to: block + codesOffset)
      b &+= 1
    }
    if overflowed != 0 {
      for b in 0..<group.count where overflowed &>> UInt32(b) & 1 != 0 {
        (target + bytesPerBlock &* b + codesOffset)
          .initializeMemory(as: UInt8.self, repeating: 0, count: codesByteCount)
      }
    }
  }

  /// Decodes `blocks` blocks; see ``CodecKernels/Decode``.
  @inline(__always)
  static func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      let scale = f16_widened(block.loadUnaligned(as: UInt16.self))
      let minimum =
        hasMinimum
        ? f16_widened(block.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) : 0
      unpack(block + codesOffset, scale: scale, minimum: minimum, to: target + 32 &* b)
      b &+= 1
    }
  }

  static var kernels: CodecKernels {
    CodecKernels(
      encodeReference: { encodeReference(Floats.self, $0, $1, $2, $3) },
      encodeOptimal: { encodeOptimal($0, $1, $2, $3) },
      decode: { decode($0, $1, $2) },
      encodeReferenceF16: { encodeReference(Halves.self, $0, $1, $2, $3) },
      encodeReferenceBF16: { encodeReference(BrainHalves.self, $0, $1, $2, $3) })
  }
}
