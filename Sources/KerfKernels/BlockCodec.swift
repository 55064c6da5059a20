// The walk over a row of blocks that every block format shares.
//
// Blocks are taken sixteen at a time, a group: what is decided once per block (its scale, its
// minimum) is then decided for a whole vector of blocks at once, and only the codes are written
// block by block. A format says how it decides and how its bytes look; see `Q8_0.swift`.

internal import CVectors
internal import KerfElements

/// What was decided for sixteen blocks, a lane each.
struct Fit {
  /// The scale d, to be stored in half precision.
  var scale: f32x16
  /// The minimum m, to be stored in half precision; unused by symmetric formats.
  var minimum = f32x16(repeating: 0)
  /// Codes are made of (x − origin) · multiplier.
  var multiplier: f32x16
  var origin = f32x16(repeating: 0)
}

/// One format of 32 elements per block.
protocol BlockFormat: SendableMetatype {
  static var bytesPerBlock: Int { get }
  /// Whether a minimum follows the scale.
  static var hasMinimum: Bool { get }

  /// The scale that the public reference code takes.
  static func referenceFit(_ group: BlockGroup) -> Fit
  /// The scale of least squared error.
  static func optimalFit(_ group: BlockGroup) -> Fit

  /// Writes the codes of one block, that is all of its bytes after scale and minimum.
  ///
  /// With `clamping`, elements may lie outside of the range that the codes span; a reference fit
  /// spans them all.
  static func packCodes(
    _ block: UnsafePointer<Float>, multiplier: Float, origin: Float, clamping: Bool,
    to codes: UnsafeMutableRawPointer)
  /// Reads the codes of one block and scales them.
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float, to block: UnsafeMutablePointer<Float>)
}

extension BlockFormat {
  @inline(__always) static var codesOffset: Int { hasMinimum ? 4 : 2 }
  @inline(__always) static var codesByteCount: Int { bytesPerBlock &- codesOffset }

  /// Encodes `blocks` blocks; see ``CodecKernels/Encode``.
  @inline(__always)
  static func encode(
    _ source: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer, _ rounding: Rounding
  ) {
    var done = 0
    while done < blocks {
      let count = min(16, blocks &- done)
      let group = BlockGroup(source + 32 &* done, count, workspace)
      let block = target + bytesPerBlock &* done
      if rounding == .reference {
        write(referenceFit(group), group, clamping: false, block)
      } else {
        write(optimalFit(group), group, clamping: true, block)
      }
      done &+= count
    }
  }

  @inline(__always)
  private static func write(
    _ fit: Fit, _ group: BlockGroup, clamping: Bool, _ target: UnsafeMutableRawPointer
  ) {
    // A scale so small that its reciprocal overflows is stored as zero: any code means zero then,
    // and the reference code writes zeros.
    let overflowed = f32x16_abs(fit.multiplier) .== .infinity
    let usable = fit.multiplier.replacing(with: 0, where: overflowed)
    f32x16_store(group.multipliers, usable)
    f32x16_store(group.origins, fit.origin)
    u16x16_store(group.halfScales, f32x16_narrowed_f16(fit.scale))
    u16x16_store(group.halfMinima, f32x16_narrowed_f16(fit.minimum))
    var b = 0
    while b < group.count {
      let block = target + bytesPerBlock &* b
      block.storeBytes(of: group.halfScales[b], as: UInt16.self)
      if hasMinimum {
        block.storeBytes(of: group.halfMinima[b], toByteOffset: 2, as: UInt16.self)
      }
      packCodes(
        group.elements + 32 &* b, multiplier: group.multipliers[b], origin: group.origins[b],
        clamping: clamping, to: block + codesOffset)
      b &+= 1
    }
    if any(overflowed) {
      for b in 0..<group.count where overflowed[b] {
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
      encodeReference: { encode($0, $1, $2, $3, .reference) },
      encodeOptimal: { encode($0, $1, $2, $3, .optimal) },
      decode: { decode($0, $1, $2) })
  }
}
