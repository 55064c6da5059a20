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
    decode: { source, target, count in
      UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
    })

  static let f16 = halves(
    narrow: { source, target, count in
      narrowed(source, target, count, sixteen: f32x16_narrowed_f16, one: f16_narrowed)
    },
    widen: { source, target, count in
      widened(source, target, count, sixteen: f16x16_widened, one: f16_widened)
    })

  static let bf16 = halves(
    narrow: { source, target, count in
      narrowed(source, target, count, sixteen: f32x16_narrowed_bf16, one: bf16_narrowed)
    },
    widen: { source, target, count in
      widened(source, target, count, sixteen: bf16x16_widened, one: bf16_widened)
    })

  /// There is one nearest value, so both roundings are the same kernel.
  private static func halves(
    narrow:
      @escaping @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void,
    widen: @escaping CodecKernels.Decode
  ) -> CodecKernels {
    let encode: CodecKernels.Encode = { source, target, count, _ in narrow(source, target, count) }
    return CodecKernels(encodeReference: encode, encodeOptimal: encode, decode: widen)
  }
}

@inline(__always)
private func narrowed(
  _ floats: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
  sixteen: (f32x16) -> u16x16, one: (Float) -> UInt16
) {
  let source = floats.assumingMemoryBound(to: Float.self)
  var i = 0
  while i &+ 16 <= count {
    u16x16_store(target + 2 &* i, sixteen(f32x16_load(source + i)))
    i &+= 16
  }
  while i < count {
    target.storeBytes(of: one(source[i]), toByteOffset: 2 &* i, as: UInt16.self)
    i &+= 1
  }
}

@inline(__always)
private func widened(
  _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int,
  sixteen: (u16x16) -> f32x16, one: (UInt16) -> Float
) {
  var i = 0
  while i &+ 16 <= count {
    f32x16_store(target + i, sixteen(u16x16_load(source + 2 &* i)))
    i &+= 16
  }
  while i < count {
    target[i] = one(source.loadUnaligned(fromByteOffset: 2 &* i, as: UInt16.self))
    i &+= 1
  }
}
