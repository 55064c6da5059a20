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
    case .q6_K: "6-bit codes, a scale per 16: close to q8_0 in three quarters of its bytes"
    case .iq4_nl: "4-bit codes for sixteen uneven numbers, one scale per 32: closer than q4_0"
    case .iq4_xs: "the numbers of iq4_nl, with 6-bit scales per 32: nearly as close, and smaller"
    case .q3_K: "3-bit codes, a 6-bit scale per 16"
    case .mxfp4: "4-bit floats, a power of two per 32: what some models are trained in"
    case .nvfp4: "4-bit floats, an 8-bit scale per 16: close to q4_0's size and finer"
    case .tq2_0: "2-bit codes, one scale per 256: for models trained with three values"
    case .tq1_0: "three values, one scale per 256, in the fewest bytes"
    case .iq3_s: "fours of elements from a list, 3.4 bits"
    case .iq3_xxs: "fours of elements from a list, 3.1 bits"
    case .iq2_s: "eights of elements from a list, 2.6 bits"
    case .iq2_xs: "eights of elements from a list, 2.3 bits"
    case .iq2_xxs: "eights of elements from a list, 2.1 bits"
    case .iq1_m: "eights of elements from a list, 1.75 bits"
    case .iq1_s: "eights of elements from a list, 1.6 bits: the smallest there is"
    case .q4_K: "4-bit codes, scales and minima of 32 that share two: the usual choice"
    case .q2_K: "2-bit codes, scales and minima of 16 that share two: where memory is short"
    case .f8_e4m3: "4 bits of precision, up to 448"
    case .f8_e5m2: "the range of f16 with 3 bits of precision"
    case .group(let group): group.purpose
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
    case .mxfp4: "u8 e, 16 bytes of nibbles (q[j] low, q[j+16] high); y = E2M1(q)·2^(e−127)"
    case .nvfp4:
      "4 × u8 s, 4 × 8 bytes of nibbles (q[j] low, q[j+8] high); y = E2M1(q)·UE4M3(s)"
    case .tq2_0: "2 × 32 bytes of 2 bits (q[j] lowest, then q[j+32]…), f16 d; y = (q−1)·d"
    case .tq1_0: "48 bytes of five base-3 digits, 4 bytes of four, f16 d; y = (q−1)·d"
    case .iq3_s:
      "f16 d, 64 bytes of entries, 8 of ninth bits, 32 of signs, 8 × 4 bits s; y = ±n·(2s+1)·d"
    case .iq3_xxs: "f16 d, 64 bytes of entries, 8 × u32 of signs and s; y = ±n·(s+½)·d/2"
    case .iq2_s:
      "f16 d, 32 bytes of entries, 32 of signs, 8 of upper bits, 16 × 4 bits s; y = ±n·(s+½)·d/4"
    case .iq2_xs: "f16 d, 32 × u16 of entries and signs, 16 × 4 bits s; y = ±n·(s+½)·d/4"
    case .iq2_xxs:
      "f16 d, 8 × (4 bytes of entries, u32 of signs and s); y = ±n·(s+½)·d/4"
    case .iq1_m:
      "32 bytes of entries, 16 of upper bits and shifts, 8 of s and f16 d; y = (n±⅛)·(2s+1)·d"
    case .iq1_s:
      "f16 d, 32 bytes of entries, 8 × u16 of upper bits, s, shift; y = (n±⅛)·(2s+1)·d"
    case .q5_K:
      "f16 d, f16 dmin, 8 s and 8 m of 6 bits, 32 bytes of fifth bits, 128 of nibbles;"
        + " y = d·s·q − dmin·m"
    case .q4_K:
      "f16 d, f16 dmin, 8 s and 8 m of 6 bits, 128 bytes of nibbles; y = d·s·q − dmin·m"
    case .q2_K:
      "16 bytes of s (low) and m (high), 64 bytes of 2-bit q, f16 d, f16 dmin; y = d·s·q − dmin·m"
    case .f8_e4m3: "a sign, 4 bits of exponent, 3 of significand; no infinities"
    case .f8_e5m2: "a sign, 5 bits of exponent, 2 of significand: the upper byte of f16"
    case .group(let group): group.layout
    default: nil
    }
  }
}

extension GroupFormat {
  /// What elements of a group share.
  private var shared: String {
    switch offset {
    case .none: "a scale"
    case .zeroPoint: "a scale and a zero point"
    case .bias: "a scale and a bias"
    }
  }

  /// What the format is for.
  fileprivate var purpose: String {
    switch codes {
    case .integers(let bits):
      "\(bits)-bit codes, \(shared) per \(length), as runtimes of the model hub load them"
    case .nf4: "4-bit codes for quantiles of a normal distribution, \(shared) per \(length)"
    case .fp4: "4-bit codes for sixteen uneven numbers, \(shared) per \(length)"
    case .e2m1: "4-bit floats, \(shared) per \(length)"
    case .e4m3: "8-bit floats, \(shared) per \(length)"
    }
  }

  /// How a group lies in memory, and what its codes stand for.
  fileprivate var layout: String {
    let head =
      switch offset {
      case .none: "\(scale) s"
      case .zeroPoint: "\(scale) s, u8 z"
      case .bias: "\(scale) s, \(scale) b"
      }
    let meaning =
      switch (codes, offset) {
      case (.integers, .zeroPoint): "(q−z)·s"
      case (.integers, .bias): "q·s + b"
      case (.integers(let bits), .none): "(q−\(1 << (bits - 1)))·s"
      default: "\(codes.name.uppercased())(q)·s"
      }
    return "\(head), \(length) codes of \(codes.bits) bits, the lowest bits first; y = \(meaning)"
  }
}
