// Groups of integers that share a scale, of any length: int2…int8.
//
//     s                   | codes       y = (q − 2^(bits−1)) · s
//     s | u8 z            | codes       y = (q − z) · s                  z in 0…2^bits − 1
//     s | b like s        | codes       y = q · s + b
//
// s is f32, f16 or bf16; code i stands in bits i·bits… of the stream, lowest first.
//
// reference: what runtimes' own quantizers compute (`IntegerReference.swift`). optimal: the best of some
// candidates, refitted by least squares (`IntegerScales.swift`, `IntegerLines.swift`).
//
// Up to 128 elements, sixteen groups have a lane each; in a longer one, as a channel is, sixteen
// elements have (`GroupElements.swift`). Short groups of 32, 64, … are searched in words, unless
// errors have weights (`IntegerWords.swift`).

internal import CVectors
internal import KerfElements

/// What kernels know of a format of integer groups.
struct IntegerGroup {
  let bits: Int
  let length: Int
  let offset: GroupFormat.Offset
  let scale: GroupFormat.Scale
  /// Bytes of a scale.
  let scaleBytes: Int
  /// Bytes before the codes.
  let headBytes: Int
  let bytesPerBlock: Int

  /// Nothing, where there are no kernels: scales that only floats have; biases of groups that do not
  /// end on a vector.
  init?(_ format: GroupFormat) {
    guard case .integers(let bits) = format.codes, format.scale.byteCount > 1 else { return nil }
    if format.offset == .bias && format.length & 15 != 0 { return nil }
    self.bits = bits
    length = format.length
    offset = format.offset
    scale = format.scale
    scaleBytes = format.scale.byteCount
    headBytes = format.byteCount - format.codeByteCount
    bytesPerBlock = format.byteCount
  }

  /// The largest code.
  @inline(__always) var highest: Int { 1 &<< bits &- 1 }
  /// The code of 0 where there is no offset.
  @inline(__always) var middle: Int { 1 &<< (bits &- 1) }
  /// Whether sixteen groups have a lane each.
  @inline(__always) var isShort: Bool { length <= 128 && length & 15 == 0 }

  var kernels: CodecKernels {
    // Long groups are widened first.
    let fromF16: CodecKernels.Encode = { encodeShortAsReference(Halves.self, $0, $1, $2, $3) }
    let fromBF16: CodecKernels.Encode = { encodeShortAsReference(BrainHalves.self, $0, $1, $2, $3) }
    return CodecKernels(
      encodeReference: { encodeReference($0, $1, $2, $3) },
      encodeOptimal: { encode(Uniform.self, $0, nil, $1, $2, $3) },
      encodeWeighted: { encode(Important.self, $0, $1, $2, $3, $4) },
      decode: { decode($0, $1, $2) }, encodeReferenceF16: isShort ? fromF16 : nil,
      encodeReferenceBF16: isShort ? fromBF16 : nil)
  }

  /// With the scales that a search finds.
  @inline(__always)
  private func encode<Weights: Weighting>(
    _: Weights.Type, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    let work = GroupWork(memory: workspace)
    work.store(candidates: self, isUniform: Weights.isUniform)
    let areWords = Weights.isUniform && WordGroups.take(self)
    if areWords { work.storeCandidateWords(self) }
    let end = target + bytesPerBlock &* blocks
    var done = 0
    while done < blocks {
      let from = source + 4 &* length &* done
      let weights = advanced(importance, by: length &* done)
      let to = target + bytesPerBlock &* done
      let count = min(16, blocks &- done)
      if areWords {
        let groups = work.extremes(Floats.self, from, count: count, length: length).groups
        if offset == .bias {
          WordGroups.decideLine(groups, count: count, self, work)
        } else {
          WordGroups.decideScale(groups, count: count, self, work)
        }
        let plain = PlainGroups<Floats>(memory: groups, length: length)
        writeProducts(plain, count: count, work, to, end)
        done &+= count
      } else if isShort {
        let groups = TurnedGroups<Weights>(
          from, importance: weights, count: count, length: length, work)
        decide(groups, work)
        writeProducts(groups.plain, count: count, work, to, end)
        done &+= count
      } else {
        let group = LongGroup<Weights>(from, importance: weights, length: length, work)
        decide(group, work)
        writeProducts(group, count: 1, work, to, end)
        done &+= 1
      }
    }
  }

  @inline(__always)
  private func decide<Elements: GroupElements>(_ elements: Elements, _ work: GroupWork) {
    if offset == .bias {
      elements.decideLine(self, work)
    } else {
      elements.decideScale(self, work)
    }
  }

  /// With the scales that runtimes' own quantizers take.
  @inline(__always)
  private func encodeReference(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    if isShort { return encodeShortAsReference(Floats.self, source, target, blocks, workspace) }
    let work = GroupWork(memory: workspace)
    let end = target + bytesPerBlock &* blocks
    var b = 0
    while b < blocks {
      let group = LongGroup<Uniform>(
        source + 4 &* length &* b, importance: nil, length: length, work)
      work.decideAsReference(self)
      writeQuotients(group, count: 1, work, target + bytesPerBlock &* b, end)
      b &+= 1
    }
  }

  /// The same, of short groups.
  @inline(__always)
  private func encodeShortAsReference<Element: Scalar>(
    _: Element.Type, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let work = GroupWork(memory: workspace)
    let end = target + bytesPerBlock &* blocks
    var done = 0
    while done < blocks {
      let from = source + Element.bytesPerElement &* length &* done
      let to = target + bytesPerBlock &* done
      let count = min(16, blocks &- done)
      let (groups, isRepaired) = work.extremes(
        Element.self, from, count: count, length: length)
      work.decideAsReference(self)
      if isRepaired {
        let plain = PlainGroups<Floats>(memory: groups, length: length)
        writeQuotients(plain, count: count, work, to, end)
      } else {
        let plain = PlainGroups<Element>(memory: groups, length: length)
        writeQuotients(plain, count: count, work, to, end)
      }
      done &+= count
    }
  }

  @inline(never)
  private func decode(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int
  ) {
    let end = source + bytesPerBlock &* blocks
    let stream = CodeStream(bits: bits)
    var rest = length &* blocks
    var b = 0
    while b < blocks {
      let block = source + bytesPerBlock &* b
      bytes_prefetch(block + 1024)
      let s = load(block)
      let bias: Float = offset == .bias ? load(block + scaleBytes) : 0
      let zero: Int32 =
        switch offset {
        case .none: Int32(truncatingIfNeeded: middle)
        case .zeroPoint: Int32(block.load(fromByteOffset: scaleBytes, as: UInt8.self))
        case .bias: 0
        }
      var codes = block + headBytes
      let to = target + 4 &* length &* b
      var i = 0
      while i < length {
        let left = length &- i
        let first = stream.load(codes, end)
        let second = left > 8 ? stream.load(codes + bits, end) : 0
        var y = i32x16_to_f32(u64x2_widened_bytes(first, second) &- zero) * s
        if offset == .bias { y += bias }
        store(y, to + 4 &* i, count: min(16, left), room: rest)
        codes += 2 &* bits
        i &+= 16
        rest &-= 16
      }
      rest &-= length &- i
      b &+= 1
    }
  }

  @inline(__always)
  private func load(_ number: UnsafeRawPointer) -> Float {
    switch scale {
    case .f16: f16_widened(number.loadUnaligned(as: UInt16.self))
    case .bf16: bf16_widened(number.loadUnaligned(as: UInt16.self))
    default: number.loadUnaligned(as: Float.self)
    }
  }

  /// Stores sixteen elements, of which `count` count, where there is room for all; else those.
  @inline(__always)
  private func store(_ y: f32x16, _ target: UnsafeMutableRawPointer, count: Int, room: Int) {
    if room >= 16 {
      f32x16_store(target, y)
    } else {
      var i = 0
      while i < count {
        target.storeBytes(of: y[i], toByteOffset: 4 &* i, as: Float.self)
        i &+= 1
      }
    }
  }
}
