// The codes of a group as a stream of bits, lowest first: eight codes end on a byte.

internal import CVectors
internal import KerfElements

/// Codes of so many bits.
struct CodeStream {
  let bits: Int

  /// Eight codes, a byte each. Nothing is read from `end` on.
  @inline(__always)
  func load(_ source: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt64 {
    var word: UInt64 = 0
    if end - source >= 8 {
      word = source.loadUnaligned(as: UInt64.self)
    } else {
      var i = 0
      while i < min(bits, end - source) {
        word |= UInt64(source.load(fromByteOffset: i, as: UInt8.self)) &<< (8 &* UInt64(i))
        i &+= 1
      }
    }
    return u64_unpacked_codes(word, bits)
  }

  /// Stores the first `count` of eight codes; what follows them, before `end`, is not yet written.
  @inline(__always)
  func store(
    _ codes: UInt64, count: Int, _ target: UnsafeMutableRawPointer,
    _ end: UnsafeMutableRawPointer
  ) {
    let word = u64_packed_codes(codes, bits)
    if end - target >= 8 {
      target.storeBytes(of: word, as: UInt64.self)
    } else {
      var i = 0
      while i < (count &* bits) &>> 3 {
        target.storeBytes(
          of: UInt8(truncatingIfNeeded: word &>> (8 &* UInt64(i))), toByteOffset: i, as: UInt8.self)
        i &+= 1
      }
    }
  }
}

extension CodeStream {
  /// Stores the first `count` of 64 codes, in the same way.
  @inline(__always)
  func store(
    _ codes: u8x64, count: Int, _ target: UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer
  ) {
    if bits == 4 && (count == 64 || count == 32) {
      u8x64_store_nibbles(target, codes, count)
    } else if bits == 8 && count == 64 {
      u8x64_store(target, codes)
    } else {
      var codes = codes
      withUnsafeBytes(of: &codes) { bytes in
        var i = 0
        while i < count {
          store(
            bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self), count: min(8, count &- i),
            target + ((i &* bits) &>> 3), end)
          i &+= 8
        }
      }
    }
  }
}

/// How the codes of a group follow from its elements: the nearest integer to
/// (x · unit − origin) · factor, or to (x − origin) / factor + shift where `unit` is 1 / factor, not
/// below `lowest` nor above `lowest` + the largest code; the stored code is more by `zero`. Only a bias
/// has an origin, and only a zero point a shift.
struct CodeRule {
  var scale, offset: UInt32
  var unit, origin, factor, shift, lowest: Float
  var zero: Int32
}

/// Elements of groups, as they are.
protocol PlainElements {
  /// Elements 16·j… of group `b`; those past the end are 0.
  func plain(_ j: Int, of b: Int) -> f32x16
}

/// Groups that end on vectors, in memory.
struct PlainGroups<Element: Scalar>: PlainElements {
  let memory: UnsafeRawPointer
  let length: Int

  @inline(__always)
  func plain(_ j: Int, of b: Int) -> f32x16 {
    Element.load(memory + Element.bytesPerElement &* (length &* b &+ 16 &* j))
  }
}

extension IntegerGroup {
  /// Writes `count` groups whose elements are to be divided.
  @inline(__always)
  func writeQuotients<Elements: PlainElements>(
    _ elements: Elements, count: Int, _ work: GroupWork, _ target: UnsafeMutableRawPointer,
    _ end: UnsafeMutableRawPointer
  ) {
    guard work.hasUsualFactors else {
      return write(elements, count: count, work, target, end) { x, rule in
        (x - rule.origin) / rule.factor + rule.shift
      }
    }
    switch offset {
    case .none:
      write(elements, count: count, work, target, end) { x, rule in
        f32x16_quotients(x, rule.factor, rule.unit)
      }
    case .zeroPoint:
      write(elements, count: count, work, target, end) { x, rule in
        f32x16_quotients(x, rule.factor, rule.unit) + rule.shift
      }
    case .bias:
      write(elements, count: count, work, target, end) { x, rule in
        f32x16_quotients(x - rule.origin, rule.factor, rule.unit)
      }
    }
  }

  /// Writes `count` groups whose elements are to be multiplied.
  @inline(__always)
  func writeProducts<Elements: PlainElements>(
    _ elements: Elements, count: Int, _ work: GroupWork, _ target: UnsafeMutableRawPointer,
    _ end: UnsafeMutableRawPointer
  ) {
    if offset == .bias {
      write(elements, count: count, work, target, end) { x, rule in
        (x * rule.unit - rule.origin) * rule.factor
      }
    } else {
      write(elements, count: count, work, target, end) { x, rule in x * rule.unit * rule.factor }
    }
  }

  /// Writes `count` groups; `place` says where on the axis of codes an element falls.
  @inline(__always)
  private func write<Elements: PlainElements>(
    _ elements: Elements, count: Int, _ work: GroupWork, _ target: UnsafeMutableRawPointer,
    _ end: UnsafeMutableRawPointer, place: (f32x16, CodeRule) -> f32x16
  ) {
    let stream = CodeStream(bits: bits)
    let magic: Float = 0x1.8p23
    let vectors = (length &+ 15) &>> 4
    let largestCode = Float(highest)
    var b = 0
    while b < count {
      let rule = work.rule(b)
      let block = target + bytesPerBlock &* b
      store(rule.scale, block)
      switch offset {
      case .none: break
      case .zeroPoint:
        block.storeBytes(
          of: UInt8(truncatingIfNeeded: rule.offset), toByteOffset: scaleBytes, as: UInt8.self)
      case .bias: store(rule.offset, block + scaleBytes)
      }
      let least = Int32(bitPattern: magic.bitPattern) &- rule.zero
      let highest = rule.lowest + largestCode
      @inline(__always) func codes(_ j: Int) -> i32x16 {
        let x = elements.plain(min(j, vectors &- 1), of: b)
        let sum = f32x16_clamped(place(x, rule), rule.lowest, highest) + magic
        return unsafeBitCast(sum, to: i32x16.self) &- least
      }
      var to = block + headBytes
      var j = 0
      while j < vectors {
        let left = length &- 16 &* j
        let (a, b) = (codes(j), codes(j &+ 1))
        let (c, d) = left > 32 ? (codes(j &+ 2), codes(j &+ 3)) : (a, b)
        stream.store(i32x16_packed_unsigned(a, b, c, d), count: min(64, left), to, end)
        to += 8 &* bits
        j &+= 4
      }
      b &+= 1
    }
  }

  /// Stores the bits of a scale or a bias.
  @inline(__always)
  private func store(_ number: UInt32, _ target: UnsafeMutableRawPointer) {
    if scaleBytes == 2 {
      target.storeBytes(of: UInt16(truncatingIfNeeded: number), as: UInt16.self)
    } else {
      target.storeBytes(of: number, as: UInt32.self)
    }
  }

  /// The nearest number that a scale can be, its range ending at its largest finite one; and its bits.
  @inline(__always)
  func stored(_ x: f32x16) -> (number: f32x16, bits: i32x16) {
    switch scale {
    case .f16:
      let halves = f32x16_narrowed_f16(f32x16_clamped(x, -65504, 65504))
      return (f16x16_widened(halves), u16x16_widened(halves))
    case .bf16:
      let halves = f32x16_narrowed_bf16(f32x16_clamped(x, -0x1.FEp127, 0x1.FEp127))
      return (bf16x16_widened(halves), u16x16_widened(halves))
    default:
      let number = f32x16_clamped(x, -.greatestFiniteMagnitude, .greatestFiniteMagnitude)
      return (number, f32x16_bits(number))
    }
  }
}
