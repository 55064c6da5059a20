// Scales of groups as they are stored: floats of three sizes, powers of two, floats of eight bits.
//
//     f32, f16, bf16    little-endian
//     e8m0              u8 e: 2^(e − 127); 255 stands for no number
//     e4m3              u8 of sign, four bits of exponent, three of significand; up to 448
//
// A tensor of e4m3 scales may have a number by which all of them are to be divided.

internal import CVectors
internal import KerfElements

/// What a group looks like, and how its scale is stored.
struct GroupShape {
  /// Elements of a group.
  let length: Int
  let scale: GroupFormat.Scale
  /// What e4m3 scales are divided by.
  let divisor: Float
  let codesByteCount: Int

  init(_ format: GroupFormat, divisor: Float) {
    length = format.length
    scale = format.scale
    self.divisor = divisor
    codesByteCount = format.codeByteCount
  }

  @inline(__always) var codesOffset: Int { scale.byteCount }
  @inline(__always) var byteCount: Int { codesOffset &+ codesByteCount }
  /// Whether a scale is a number like others, not one of a few.
  @inline(__always)
  var isFree: Bool { scale == .f32 || scale == .f16 || scale == .bf16 }

  /// The bits of the scale that is nearest to each lane; lanes must be finite. Powers of two are
  /// those that are no smaller.
  ///
  /// - Parameter memory: Room for a vector.
  @inline(__always)
  func stored(_ x: f32x16, _ memory: UnsafeMutableRawPointer) -> i32x16 {
    f32x16_store(memory, x)
    store(memory)
    return i32x16_load(memory)
  }

  /// The numbers that such bits stand for.
  @inline(__always)
  func value(_ bits: i32x16, _ memory: UnsafeMutableRawPointer) -> f32x16 {
    i32x16_store(memory, bits)
    restore(memory)
    return f32x16_load(memory)
  }

  // Once for all that have scales: types of scales are many, and so are the instructions.
  @inline(never)
  private func store(_ memory: UnsafeMutableRawPointer) {
    i32x16_store(memory, bits(f32x16_load(memory)))
  }
  @inline(never)
  private func restore(_ memory: UnsafeMutableRawPointer) {
    f32x16_store(memory, number(i32x16_load(memory)))
  }

  @inline(__always)
  private func bits(_ x: f32x16) -> i32x16 {
    switch scale {
    case .f32: return f32x16_bits(x)
    case .f16: return u16x16_widened(f32x16_narrowed_f16(f32x16_clamped(x, -65504, 65504)))
    case .bf16:
      let largest = Float(bitPattern: 0x7F7F_0000)
      return u16x16_widened(f32x16_narrowed_bf16(f32x16_clamped(x, -largest, largest)))
    case .e8m0:
      // The exponent, and one more where there is a significand.
      let bits = (f32x16_bits(x) &+ 0x7F_FFFF) &>> 23
      let isNone = f32x16_equal(x, f32x16(repeating: 0))
      let bound = i32x16_min(i32x16_max(bits, i32x16(repeating: 0)), i32x16(repeating: 254))
      return i32x16_select(isNone, i32x16(repeating: 127), bound)
    case .e4m3:
      return f32x16_e4m3_codes(x * divisor)
    }
  }

  @inline(__always)
  private func number(_ bits: i32x16) -> f32x16 {
    switch scale {
    case .f32: return i32x16_as_f32(bits)
    case .f16: return f16x16_widened(i32x16_low_halves(bits))
    case .bf16: return i32x16_as_f32(bits &<< 16)
    case .e8m0:
      let one = i32x16(repeating: 1)
      let power = i32x16_select(i32x16_below(bits, one), i32x16(repeating: 1 &<< 22), bits &<< 23)
      let isNone = i32x16_below(i32x16(repeating: 254), bits)
      return i32x16_as_f32(power | (isNone & 0x7FC0_0000))
    case .e4m3:
      let x = e4m3_numbers(i32x16_low_bytes(bits))
      return divisor == 1 ? x : x / divisor
    }
  }

  /// The scale of a group in memory.
  @inline(__always)
  func load(_ group: UnsafeRawPointer) -> Float {
    switch scale {
    case .f32: return group.loadUnaligned(as: Float.self)
    case .f16: return f16_widened(group.loadUnaligned(as: UInt16.self))
    case .bf16: return Float(bitPattern: UInt32(group.loadUnaligned(as: UInt16.self)) &<< 16)
    case .e8m0:
      let e = UInt32(group.load(as: UInt8.self))
      return Float(bitPattern: e == 0 ? 1 &<< 22 : e == 255 ? 0x7FC0_0000 : e &<< 23)
    case .e4m3:
      let code = UInt32(group.load(as: UInt8.self))
      let m = code & 127
      let sign = (code & 128) &<< 24
      if m == 127 { return Float(bitPattern: 0x7FC0_0000 | sign) }
      let magnitude = m < 8 ? Float(m) * 0x1p-9 : Float(bitPattern: m &<< 20 &+ (120 &<< 23))
      let x = Float(bitPattern: magnitude.bitPattern | sign)
      return divisor == 1 ? x : x / divisor
    }
  }

  /// Writes the bits of a scale.
  @inline(__always)
  func store(_ bits: Int32, to group: UnsafeMutableRawPointer) {
    let bits = UInt32(bitPattern: bits)
    switch scale {
    case .f32: group.storeBytes(of: bits, as: UInt32.self)
    case .f16, .bf16: group.storeBytes(of: UInt16(truncatingIfNeeded: bits), as: UInt16.self)
    case .e8m0, .e4m3: group.storeBytes(of: UInt8(truncatingIfNeeded: bits), as: UInt8.self)
    }
  }
}
