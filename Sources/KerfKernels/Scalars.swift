// f32, f16, bf16 and floats of eight bits: one element after another, sixteen at a time.
//
// A "block" of these formats is one element.

internal import CVectors
internal import KerfElements

enum Scalars {
  static let f32 = CodecKernels(
    encodeReference: { source, target, count, _ in
      target.copyMemory(from: source, byteCount: count * 4)
    },
    encodeOptimal: { source, target, count, _ in
      target.copyMemory(from: source, byteCount: count * 4)
    },
    decode: { source, target, count in target.copyMemory(from: source, byteCount: count * 4) },
    decodeToF16: { convert(Floats.self, Halves.self, $0, $1, $2) },
    decodeToBF16: { convert(Floats.self, BrainHalves.self, $0, $1, $2) })

  static let f16 = halves(
    encode: { source, target, count, _ in
      convert(Floats.self, Halves.self, source, target, count)
    },
    decode: { convert(Halves.self, Floats.self, $0, $1, $2) },
    decodeToBF16: { convert(Halves.self, BrainHalves.self, $0, $1, $2) })

  static let bf16 = halves(
    encode: { source, target, count, _ in
      convert(Floats.self, BrainHalves.self, source, target, count)
    },
    decode: { convert(BrainHalves.self, Floats.self, $0, $1, $2) },
    decodeToF16: { convert(BrainHalves.self, Halves.self, $0, $1, $2) })

  static let f8_e4m3 = halves(
    encode: { source, target, count, _ in
      convert(Floats.self, E4M3Bytes.self, source, target, count)
    },
    decode: { convert(E4M3Bytes.self, Floats.self, $0, $1, $2) },
    decodeToF16: { convert(E4M3Bytes.self, Halves.self, $0, $1, $2) },
    decodeToBF16: { convert(E4M3Bytes.self, BrainHalves.self, $0, $1, $2) })

  static let f8_e5m2 = halves(
    encode: { source, target, count, _ in
      convert(Floats.self, E5M2Bytes.self, source, target, count)
    },
    decode: { convert(E5M2Bytes.self, Floats.self, $0, $1, $2) },
    decodeToF16: { convert(E5M2Bytes.self, Halves.self, $0, $1, $2) },
    decodeToBF16: { convert(E5M2Bytes.self, BrainHalves.self, $0, $1, $2) })

  /// There is one nearest value, so both roundings are the same kernel.
  private static func halves(
    encode: @escaping CodecKernels.Encode, decode: @escaping CodecKernels.Decode,
    decodeToF16: CodecKernels.Decode? = nil, decodeToBF16: CodecKernels.Decode? = nil
  ) -> CodecKernels {
    CodecKernels(
      encodeReference: encode, encodeOptimal: encode, decode: decode, decodeToF16: decodeToF16,
      decodeToBF16: decodeToBF16)
  }
}

/// Each element as the nearest that the other type has.
@inline(__always)
private func convert<From: Scalar, To: Scalar>(
  _: From.Type, _: To.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
  _ count: Int
) {
  var i = 0
  while i &+ 16 <= count {
    bytes_prefetch(source + From.bytesPerElement &* (i &+ 512))
    To.store(target + To.bytesPerElement &* i, From.load(source + From.bytesPerElement &* i))
    i &+= 16
  }
  while i < count {
    To.storeOne(target + To.bytesPerElement &* i, From.loadOne(source + From.bytesPerElement &* i))
    i &+= 1
  }
}

/// Floats of eight bits; see `numbers.h`.
private protocol SmallFloats: Scalar {
  static func numbers(_ codes: u8x16) -> f32x16
  static func codes(_ numbers: f32x16) -> i32x16
}

extension SmallFloats {
  @inline(__always) static var bytesPerElement: Int { 1 }
  @inline(__always)
  static func load(_ x: UnsafeRawPointer) -> f32x16 { numbers(u8x16_load(x)) }
  @inline(__always)
  static func loadOne(_ x: UnsafeRawPointer) -> Float {
    numbers(u8x16(repeating: x.load(as: UInt8.self)))[0]
  }
  @inline(__always)
  static func store(_ x: UnsafeMutableRawPointer, _ values: f32x16) {
    u8x16_store(x, i32x16_low_bytes(codes(values)))
  }
  @inline(__always)
  static func storeOne(_ x: UnsafeMutableRawPointer, _ value: Float) {
    let code = codes(f32x16(repeating: value))[0]
    x.storeBytes(of: UInt8(truncatingIfNeeded: code), as: UInt8.self)
  }
}

private enum E4M3Bytes: SmallFloats {
  @inline(__always) static func numbers(_ codes: u8x16) -> f32x16 { e4m3_numbers(codes) }
  @inline(__always) static func codes(_ x: f32x16) -> i32x16 { f32x16_e4m3_codes(x) }
}

private enum E5M2Bytes: SmallFloats {
  @inline(__always) static func numbers(_ codes: u8x16) -> f32x16 { e5m2_numbers(codes) }
  @inline(__always) static func codes(_ x: f32x16) -> i32x16 { f32x16_e5m2_codes(x) }
}
