// Groups of any length whose codes stand for the numbers of a grid: y = number(q) · s.
//
//     scale | codes: a little-endian stream of 4 or 8 bits each
//
// reference: nf4, fp4    s = max |x|, codes of x · (1 / s)
//            e2m1, e4m3  s = max |x| / largest number, as it is stored, codes of x / s
//
// optimal: sixteen rows of sums at a time. A row belongs to a candidate for the scale of a group: one
// group has sixteen, two have eight each, eight have two. Rows keep Σ w·x·q and Σ w·q² over the
// nearest numbers, element i of a group in lane i mod 16. Folded, rows become lanes, and what a
// candidate takes off the error follows: the square of the first by the second, refitted, where any
// scale may be stored; s · (2 Σ w·x·q − s · Σ w·q²), where a scale is one of a few.
//
// Elements are scaled by a power of two, so that the largest of a group is between 1 and 2: that
// costs no digits, and no sum overflows.
//
//     workspace   0         8192     16384  17408  18432
//                 elements  weights  Σwxq   Σwq²   facts
//
// A group longer than what these hold comes in pieces.

internal import CVectors
internal import KerfElements

/// How scales are chosen.
enum ScaleRule {
  /// As the public code of the runtime does.
  case reference
  /// For least squared error.
  case optimal
  /// As the caller has: a scale for each group.
  case given(UnsafePointer<Float>)
}

struct NumberGroups<Grid: NumberGrid, Weights: Weighting> {
  let shape: GroupShape
  let memory: UnsafeMutableRawPointer
  /// Candidates of a group.
  let candidates: Int

  @inline(__always) static var pieceLength: Int { 2048 }

  @inline(__always)
  private init(_ shape: GroupShape, _ memory: UnsafeMutableRawPointer) {
    self.shape = shape
    self.memory = memory
    switch shape.scale {
    case .e8m0: candidates = Weights.isUniform ? 2 : 4
    case .e4m3: candidates = Weights.isUniform ? 8 : 16
    default: candidates = Grid.placeCount
    }
  }

  /// Encodes `blocks` groups; see ``CodecKernels/Encode``.
  @inline(never)
  static func encode(
    _ shape: GroupShape, _ rule: ScaleRule, _ source: UnsafeRawPointer,
    _ importance: UnsafePointer<Float>?, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let groups = Self(shape, workspace)
    var batch = 1
    if case .optimal = rule {
      groups.prepare()
      if shape.length <= 128 { batch = 16 / groups.candidates }
    }
    var done = 0
    while done < blocks {
      let count = min(batch, blocks &- done)
      let from = source + 4 &* shape.length &* done
      let weights = advanced(importance, by: shape.length &* done)
      var b = 0
      while b < count {
        groups.measure(b, groups.group(b, from, weights))
        b &+= 1
      }
      if case .optimal = rule { groups.search(from, weights, count) }
      b = 0
      while b < count {
        let to = target + shape.byteCount &* (done &+ b)
        let group = groups.group(b, from, weights)
        switch rule {
        case .reference:
          groups.write(
            b, group, to, groups.referenceBits(b), divides: Grid.divides, least: 1e-38)
        case .optimal:
          groups.write(b, group, to, groups.facts.chosen[b], divides: false)
        case .given(let scales):
          let bits = shape.stored(f32x16(repeating: scales[done &+ b]))
          groups.write(b, group, to, bits[0], divides: Grid.divides)
        }
        b &+= 1
      }
      done &+= batch
    }
  }

  /// Decodes `blocks` groups; see ``CodecKernels/Decode``.
  @inline(never)
  static func decode(
    _ shape: GroupShape, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ blocks: Int
  ) {
    var b = 0
    while b < blocks {
      let group = source + shape.byteCount &* b
      let to = target + 4 &* shape.length &* b
      let codes = group + shape.codesOffset
      let scale = shape.load(group)
      var i = 0
      while i &+ 16 <= shape.length {
        let q =
          Grid.bits == 8
          ? u8x16_load(codes + i)
          : u64_nibbles((codes + i / 2).loadUnaligned(as: UInt64.self))
        f32x16_store(to + 4 &* i, Grid.numbers(q) * scale)
        i &+= 16
      }
      while i < shape.length {
        let byte = codes.load(fromByteOffset: Grid.bits == 8 ? i : i / 2, as: UInt8.self)
        let q = Grid.bits == 8 ? byte : i & 1 == 0 ? byte & 15 : byte &>> 4
        let y = (Grid.numbers(u8x16(repeating: q)) * scale)[0]
        to.storeBytes(of: y, toByteOffset: 4 &* i, as: Float.self)
        i &+= 1
      }
      b &+= 1
    }
  }
}

// Memory.
extension NumberGroups {
  /// A group in the caller's memory.
  struct Group {
    let elements: UnsafeRawPointer
    let weights: UnsafePointer<Float>?
  }

  /// What is known of groups, and of rows.
  struct Facts {
    let memory: UnsafeMutableRawPointer
    /// By row: the element of largest magnitude, or that magnitude where a grid is symmetric; and the
    /// power of two by which elements are scaled. With room for a vector from the last row on.
    @inline(__always) var sizes: UnsafeMutablePointer<Float> { floats(0) }
    @inline(__always) var units: UnsafeMutablePointer<Float> { floats(128) }
    /// By row: candidates for the scale where they are few, and what elements are multiplied by.
    @inline(__always) var scales: UnsafeMutablePointer<Float> { floats(256) }
    @inline(__always) var bits: UnsafeMutablePointer<Int32> { words(320) }
    @inline(__always) var multipliers: UnsafeMutablePointer<Float> { floats(384) }
    /// By row: sums.
    @inline(__always) var xq: UnsafeMutablePointer<Float> { floats(448) }
    @inline(__always) var qq: UnsafeMutablePointer<Float> { floats(512) }
    /// By row: what the candidate takes off the error. With room for another vector.
    @inline(__always) var gains: UnsafeMutablePointer<Float> { floats(576) }
    /// By row: what candidates are, whatever the group.
    @inline(__always) var places: UnsafeMutablePointer<Float> { floats(704) }
    @inline(__always) var steps: UnsafeMutablePointer<Int32> { words(704) }
    /// By group: what weights are scaled by, whether an element is not finite, the scale that was
    /// chosen.
    @inline(__always) var weightUnits: UnsafeMutablePointer<Float> { floats(768) }
    @inline(__always) var isDirty: UnsafeMutablePointer<Int32> { words(832) }
    @inline(__always) var chosen: UnsafeMutablePointer<Int32> { words(896) }
    /// A vector that is not whole.
    @inline(__always) var rest: UnsafeMutableRawPointer { memory + 960 }

    @inline(__always)
    private func floats(_ offset: Int) -> UnsafeMutablePointer<Float> {
      (memory + offset).assumingMemoryBound(to: Float.self)
    }
    @inline(__always)
    private func words(_ offset: Int) -> UnsafeMutablePointer<Int32> {
      (memory + offset).assumingMemoryBound(to: Int32.self)
    }
  }

  @inline(__always) var facts: Facts { Facts(memory: memory + 18432) }
  @inline(__always) var elements: UnsafeMutableRawPointer { memory }
  @inline(__always) var weights: UnsafeMutableRawPointer { memory + 8192 }
  /// Rows of Σ w·x·q; those of Σ w·q² follow 1024 bytes later.
  @inline(__always) var rows: UnsafeMutableRawPointer { memory + 16384 }
  /// Where a short group is staged.
  @inline(__always)
  func slot(_ b: Int) -> Int { 4 &* b &* ((shape.length &+ 15) & ~15) }
  @inline(__always) var isShort: Bool { shape.length <= Self.pieceLength }

  @inline(__always)
  func group(_ b: Int, _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>?) -> Group {
    Group(
      elements: source + 4 &* shape.length &* b,
      weights: advanced(importance, by: shape.length &* b))
  }

  /// Sixteen floats from index `i` on, zeros beyond `count`.
  @inline(__always)
  private func load(_ floats: UnsafeRawPointer, _ i: Int, of count: Int) -> f32x16 {
    if i &+ 16 <= count { return f32x16_load(floats + 4 &* i) }
    f32x16_store(facts.rest, f32x16(repeating: 0))
    facts.rest.copyMemory(from: floats + 4 &* i, byteCount: 4 &* (count &- i))
    return f32x16_load(facts.rest)
  }

  /// Finds the largest element and the largest weight of a group, and stages it if it is short.
  @inline(__always)
  func measure(_ b: Int, _ group: Group) {
    let zero = f32x16(repeating: 0)
    var (top, bottom, taint) = (zero, zero, zero)
    var i = 0
    while i < shape.length {
      let x = load(group.elements, i, of: shape.length)
      bytes_prefetch(group.elements + 4 &* (i &+ 512))
      if Grid.isSymmetric {
        top = f32x16_max(top, f32x16_abs(x))
      } else {
        top = f32x16_max(top, x)
        bottom = f32x16_min(bottom, x)
      }
      taint = f32x16_tainted(taint, x)
      i &+= 16
    }
    var size = f32x16_whole_maxima(top)
    if !Grid.isSymmetric {
      let depth = f32x16_whole_maxima(0 - bottom)
      size = f32x16_where_at_least(size, depth, size, 0 - depth)
    }
    let isDirty = f32x16_has_nan(taint) != 0
    if isDirty {
      let largest = finiteLargest(group.elements, shape.length)
      size = f32x16(repeating: Grid.isSymmetric ? largest.magnitude : largest)
    }
    // Powers of two from 2⁻¹²⁶ to 2¹²⁶, whose inverses are such as well.
    let exponent = f32x16_bits(size) & (255 &<< 23)
    let unit =
      (254 &<< 23)
      &- i32x16_min(
        i32x16_max(exponent, i32x16(repeating: 1 &<< 23)), i32x16(repeating: 253 &<< 23))
    let row = b &* candidates
    f32x16_store(facts.sizes + row, size)
    f32x16_store(facts.units + row, i32x16_as_f32(unit))
    facts.isDirty[b] = isDirty ? 1 : 0
    if !Weights.isUniform, let weights = group.weights {
      var heaviest = zero
      i = 0
      while i < shape.length {
        heaviest = f32x16_max(heaviest, load(UnsafeRawPointer(weights), i, of: shape.length))
        i &+= 16
      }
      let weight = f32x16_whole_maxima(heaviest)[0]
      // Where nothing counts, everything counts alike.
      facts.weightUnits[b] = weight < 0x1p-100 ? 0 : 1 / weight
    }
    if isShort { stage(b, group, from: 0, shape.length) }
  }

  /// Copies `count` elements of a group, scaled and repaired, and their weights; zeros fill the last
  /// vector.
  @inline(__always)
  func stage(_ b: Int, _ group: Group, from first: Int, _ count: Int) {
    let unit = facts.units[b &* candidates]
    let source = group.elements + 4 &* first
    let target = elements + slot(isShort ? b : 0)
    var i = 0
    while i < count {
      f32x16_store(target + 4 &* i, load(source, i, of: count) * unit)
      i &+= 16
    }
    if facts.isDirty[b] != 0 {
      let size = facts.sizes[b &* candidates].magnitude
      repair(source, target.assumingMemoryBound(to: Float.self), count, size * unit)
    }
    if !Weights.isUniform, let importance = group.weights {
      // So little that it only counts where nothing else does.
      let least: Float = 0x1p-40
      let scale = facts.weightUnits[b]
      let to = weights + slot(isShort ? b : 0)
      i = 0
      while i < count {
        let w = load(UnsafeRawPointer(importance + first), i, of: count) * scale
        f32x16_store(
          to + 4 &* i, scale == 0 ? f32x16(repeating: 1) : f32x16_max(w, f32x16(repeating: least)))
        i &+= 16
      }
    }
  }
}

// Scales and codes.
extension NumberGroups {
  /// The scale of the public code, as it is stored.
  @inline(__always)
  func referenceBits(_ b: Int) -> Int32 {
    shape.stored(f32x16(repeating: facts.sizes[b &* candidates].magnitude / Grid.largest))[0]
  }

  /// Writes a group with the scale of those bits.
  ///
  /// - Parameters:
  ///   - divides: Whether elements are divided by the scale, or multiplied by its inverse.
  ///   - least: The least scale that is inverted. Only the public code's own scales have one, which
  ///     are positive; its inverse is not that of the scaled scale where it rounds to few digits.
  @inline(__always)
  func write(
    _ b: Int, _ group: Group, _ target: UnsafeMutableRawPointer, _ bits: Int32, divides: Bool,
    least: Float? = nil
  ) {
    shape.store(bits, to: target)
    let unit = facts.units[b &* candidates]
    let scale = shape.load(target)
    let divisor = scale * unit
    var multiplier = 1 / divisor
    if let least { multiplier = 1 / max(scale, least) * (1 / unit) }
    // Without a scale every element is zero.
    if !(divisor.magnitude > 0) || multiplier.magnitude == .infinity { multiplier = 0 }
    let divides = divides && multiplier != 0
    let codes = target + shape.codesOffset
    var first = 0
    while first < shape.length {
      let count = min(Self.pieceLength, shape.length &- first)
      if !isShort { stage(b, group, from: first, count) }
      let from = elements + slot(isShort ? b : 0)
      let to = codes + first &* Grid.bits / 8
      var i = 0
      while i < count {
        let y = f32x16_load(from + 4 &* i)
        let q = Grid.codes(divides ? y / divisor : y * multiplier)
        let bytes = to + i &* Grid.bits / 8
        if Grid.bits == 8 {
          if i &+ 16 <= count {
            u8x16_store(bytes, q)
          } else {
            u8x16_store(facts.rest, q)
            bytes.copyMemory(from: facts.rest, byteCount: count &- i)
          }
        } else {
          let joined = u8x16_joined_nibbles(q)
          if i &+ 16 <= count {
            bytes.storeBytes(of: joined, as: UInt64.self)
          } else {
            facts.rest.storeBytes(of: joined, as: UInt64.self)
            bytes.copyMemory(from: facts.rest, byteCount: (count &- i) / 2)
          }
        }
        i &+= 16
      }
      first &+= count
    }
  }
}

/// The element of largest magnitude where infinities are as large as the largest finite one; of two
/// with either sign the positive one, and 0 where there is none.
@inline(never)
private func finiteLargest(_ elements: UnsafeRawPointer, _ count: Int) -> Float {
  var top: Float = 0
  var bottom: Float = 0
  var isInfinite = false
  var i = 0
  while i < count {
    let x = elements.loadUnaligned(fromByteOffset: 4 &* i, as: Float.self)
    if x.magnitude < .infinity {
      if x > top { top = x }
      if x < bottom { bottom = x }
    }
    if x == .infinity { isInfinite = true }
    i &+= 1
  }
  return isInfinite || top >= -bottom ? max(top, -bottom) : bottom
}

/// Makes NaN 0 and ±Inf as large as `size` says.
@inline(never)
private func repair(
  _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ size: Float
) {
  var i = 0
  while i < count {
    let x = source.loadUnaligned(fromByteOffset: 4 &* i, as: Float.self)
    if x != x {
      target[i] = 0
    } else if x.magnitude == .infinity {
      target[i] = x < 0 ? -size : size
    }
    i &+= 1
  }
}
