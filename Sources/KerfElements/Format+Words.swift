extension Format {
  /// What the format is for, in a line; `nil` for formats that are only carried.
  public var purpose: String? {
    switch self {
    case .f32: "single precision: what models are trained in"
    case .f16: "half precision: 11 bits of precision, up to 65504"
    case .bf16: "the range of f32 with 8 bits of precision"
    case .q8_0: "as good as f16 to most models, in half the bytes"
    case .q5_1: "5-bit codes, a scale and a minimum per 32: the closest of the small ones"
    case .q5_0: "5-bit codes, one scale per 32"
    case .q5_K: "5-bit codes, scales and minima of 32 that share two: close, in less than q5_1"
    case .q4_1: "4-bit codes, a scale and a minimum per 32"
    case .q4_0: "4-bit codes, one scale per 32: small, and fast everywhere"
    case .q4_K: "4-bit codes, scales and minima of 32 that share two: the usual choice"
    case .q2_K: "2-bit codes, scales and minima of 16 that share two: where memory is short"
    default: nil
    }
  }
}

extension Format {
  /// How a block lies in memory and what its codes q stand for; `nil` for formats that are only
  /// carried.
  public var layout: String? {
    switch self {
    case .f32, .f16, .bf16: "one element after another, little-endian"
    case .q8_0: "f16 d, i8 q[32]; y = q·d"
    case .q4_0: "f16 d, 16 bytes of nibbles (q[j] low, q[j+16] high); y = (q−8)·d"
    case .q4_1: "f16 d, f16 m, 16 bytes of nibbles (q[j] low, q[j+16] high); y = q·d + m"
    case .q5_0: "f16 d, u32 of fifth bits, 16 bytes of nibbles; y = (q−16)·d"
    case .q5_1: "f16 d, f16 m, u32 of fifth bits, 16 bytes of nibbles; y = q·d + m"
    case .q5_K:
      "f16 d, f16 dmin, 8 s and 8 m of 6 bits, 32 bytes of fifth bits, 128 of nibbles;"
        + " y = d·s·q − dmin·m"
    case .q4_K:
      "f16 d, f16 dmin, 8 s and 8 m of 6 bits, 128 bytes of nibbles; y = d·s·q − dmin·m"
    case .q2_K:
      "16 bytes of s (low) and m (high), 64 bytes of 2-bit q, f16 d, f16 dmin; y = d·s·q − dmin·m"
    default: nil
    }
  }
}
