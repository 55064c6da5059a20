/// A small generator that gives the same numbers everywhere (Steele, Lea and Flood, 2014).
public struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Nearly normal: the sum of twelve uniform numbers.
  public mutating func normal() -> Float {
    (0..<12).reduce(-6) { sum, _ in sum + Float(next() >> 40) / Float(1 << 24) }
  }

  /// `count` nearly normal numbers.
  public mutating func normals(_ count: Int) -> [Float] { (0..<count).map { _ in normal() } }
}
