// The scale and minimum of blocks, and how to get from there to codes.

internal import CVectors

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

/// Memory for a fit, so that what was decided for all blocks can be read for one.
struct FitLanes {
  let memory: UnsafeMutableRawPointer

  @inline(__always)
  var multipliers: UnsafeMutablePointer<Float> { memory.assumingMemoryBound(to: Float.self) }
  @inline(__always)
  var origins: UnsafeMutablePointer<Float> {
    (memory + 64).assumingMemoryBound(to: Float.self)
  }
  @inline(__always)
  var halfScales: UnsafeMutablePointer<UInt16> {
    (memory + 128).assumingMemoryBound(to: UInt16.self)
  }
  @inline(__always)
  var halfMinima: UnsafeMutablePointer<UInt16> {
    (memory + 160).assumingMemoryBound(to: UInt16.self)
  }

  @inline(__always)
  func store(_ fit: Fit) {
    f32x16_store(multipliers, fit.multiplier)
    f32x16_store(origins, fit.origin)
    u16x16_store(halfScales, f32x16_narrowed_f16(fit.scale))
    u16x16_store(halfMinima, f32x16_narrowed_f16(fit.minimum))
  }
}

extension Fit {
  /// A symmetric fit; a scale of zero has a multiplier of zero.
  @inline(__always)
  static func symmetric(scale: f32x16) -> Fit {
    Fit(scale: scale, multiplier: reciprocal(scale))
  }

  /// An affine fit to a scale and a minimum as they are stored.
  @inline(__always)
  static func affine(scale: f32x16, minimum: f32x16) -> Fit {
    Fit(scale: scale, minimum: minimum, multiplier: reciprocal(scale), origin: minimum)
  }

  /// The range from the smallest to the largest element, cut into `largestCode` steps.
  @inline(__always)
  static func affine(minimum: f32x16, maximum: f32x16, largestCode: Float) -> Fit {
    // Zeros of either sign must not make a scale of −0.
    let scale = (maximum - minimum + 0) / largestCode
    return Fit(
      scale: scale, minimum: minimum, multiplier: reciprocal(scale), origin: minimum)
  }

  @inline(__always)
  static func reciprocal(_ scale: f32x16) -> f32x16 {
    (1 / scale).replacing(with: 0, where: scale .== 0)
  }
}
