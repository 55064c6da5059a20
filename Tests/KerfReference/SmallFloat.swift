// The twins of floats of eight bits.

/// A sign, an exponent, and a significand whose leading bit is not stored.
public struct SmallFloat: Sendable {
  let bits: Int
  let lowest: Int
  /// The largest finite number, and its code.
  let largest: Float
  let hasInfinities: Bool

  /// Exponents from −6 to 8, three bits of significand; NaN where all bits are set.
  public static let e4m3 = SmallFloat(bits: 3, lowest: -6, largest: 448, hasInfinities: false)
  /// Exponents from −14 to 15, two bits of significand, infinities and NaN beyond.
  public static let e5m2 = SmallFloat(bits: 2, lowest: -14, largest: 57344, hasInfinities: true)

  /// The number of a code.
  public func number(_ code: UInt8) -> Float {
    let exponent = Int(code & 127) >> bits
    let significand = Float(Int(code) & (1 << bits - 1)) / Float(1 << bits)
    var x =
      exponent == 0
      ? Float(sign: .plus, exponent: lowest, significand: significand)
      : Float(sign: .plus, exponent: lowest + exponent - 1, significand: 1 + significand)
    if x > largest { x = hasInfinities && significand == 0 ? .infinity : .nan }
    return code & 128 == 0 ? x : -x
  }

  /// The code of the nearest number, of two as near the even one; beyond the largest, that.
  public func code(_ x: Float) -> UInt8 {
    let sign: UInt8 = x.sign == .minus ? 128 : 0
    if x.isNaN { return 127 | sign }
    if x.isInfinite && hasInfinities { return UInt8(128 - (1 << bits)) | sign }
    let magnitude = min(x.magnitude, largest)
    let exponent = max(magnitude == 0 ? lowest : Int(magnitude.exponent), lowest)
    let step = Float(sign: .plus, exponent: exponent - bits, significand: 1)
    let steps = UInt8((magnitude / step).rounded(.toNearestOrEven))
    return (steps + UInt8((exponent - lowest) << bits)) | sign
  }
}
