// f32, f16 and bf16: one element after another, sixteen at a time.
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
