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
    case .q4_1: "4-bit codes, a scale and a minimum per 32"
    case .q4_0: "4-bit codes, one scale per 32: small, and fast everywhere"
    case .q6_K: "6-bit codes, a scale per 16: close to q8_0 in three quarters of its bytes"
    case .iq4_nl: "4-bit codes for sixteen uneven numbers, one scale per 32: closer than q4_0"
    case .iq4_xs: "the numbers of iq4_nl, with 6-bit scales per 32: nearly as close, and smaller"
    case .q3_K: "3-bit codes, a 6-bit scale per 16"
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
    case .q6_K: "128 bytes of nibbles, 64 of upper bits, i8 s[16], f16 d; y = (q−32)·s·d"
    case .iq4_nl: "f16 d, 16 bytes of nibbles (q[j] low, q[j+16] high); y = table[q]·d"
    case .iq4_xs: "f16 d, 6 bytes of 6-bit s[8], 128 of nibbles; y = table[q]·(s−32)·d"
    case .q3_K:
      "32 bytes of third bits, 64 of lower bits, 12 of 6-bit s[16], f16 d; y = (q−4)·(s−32)·d"
    default: nil
    }
  }
}
