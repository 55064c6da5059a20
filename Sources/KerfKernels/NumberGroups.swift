// Groups of any length whose codes stand for the numbers of a grid: y = number(q) · s.
//
//     scale | codes: a little-endian stream of 4 or 8 bits each
//
// reference: nf4, fp4    s = max |x|, codes of x · (1 / s)
//            e2m1, e4m3  s = max |x| / largest number, as it is stored, codes of x / s
// optimal:   the best of a few candidates, `NumberSearch.swift`
//
// Sixteen short groups are searched at a time, a lane each (`ShortNumberGroups.swift`); of a long
// group, sixteen candidates (`LongNumberGroups.swift`).
//
// Elements are scaled by a power of two, so that the largest of a group is between 1 and 2: that
// costs no digits, and no sum overflows.

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

  /// Encodes `blocks` groups; see ``CodecKernels/Encode``.
  @inline(never)
  static func encode(
    _ shape: GroupShape, _ rule: ScaleRule, _ source: UnsafeRawPointer,
    _ importance: UnsafePointer<Float>?, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    let groups = Self(shape: shape, memory: workspace)
    let isShort = shape.length <= 64 && shape.length & 15 == 0
    var done = 0
    while done < blocks {
      let from = source + 4 &* shape.length &* done
      let weights = advanced(importance, by: shape.length &* done)
      let to = target + shape.byteCount &* done
      // Importance is for nothing but the search.
      var rule = Weights.isUniform ? rule : .optimal
      if case .given(let scales) = rule { rule = .given(scales + done) }
      if isShort {
        groups.encodeShort(rule, from, weights, to, min(16, blocks &- done))
        done &+= 16
      } else {
        groups.encodeLong(rule, from, weights, to)
        done &+= 1
      }
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

/// What is known of groups, a lane each.
struct GroupFacts {
  /// The element of largest magnitude; where the grid is symmetric, that magnitude.
  var size: f32x16
  /// The power of two that elements are scaled by.
  var unit: f32x16

  /// Powers of two from 2⁻¹²⁶ to 2¹²⁶, whose inverses are such as well.
  @inline(__always)
  init(size: f32x16) {
    self.size = size
    let exponent = f32x16_bits(size) & (255 &<< 23)
    let bound = i32x16_min(
      i32x16_max(exponent, i32x16(repeating: 1 &<< 23)), i32x16(repeating: 253 &<< 23))
    unit = i32x16_as_f32((254 &<< 23) &- bound)
  }

  @inline(__always)
  init(size: f32x16, unit: f32x16) {
    self.size = size
    self.unit = unit
  }
}

/// How the codes of groups follow from their scales, a lane each.
struct GroupCoding {
  /// Whether elements are divided, or multiplied.
  let divides: Bool
  let factor: f32x16
}

extension NumberGroups {
  /// The scales of the public code, as they are stored.
  @inline(__always)
  func referenceBits(_ facts: GroupFacts) -> i32x16 {
    shape.stored(f32x16_abs(facts.size) / Grid.largest, rest)
  }

  /// How groups with the scales of those bits are coded. Without a scale every element is zero.
  @inline(__always)
  func coding(_ rule: ScaleRule, _ bits: i32x16, _ unit: f32x16) -> GroupCoding {
    let scale = shape.value(bits, rest)
    let divisor = scale * unit
    let zero = f32x16(repeating: 0)
    let infinity = f32x16(repeating: .infinity)
    var multiplier = 1 / divisor
    var divides = Grid.divides
    switch rule {
    case .optimal: divides = false
    case .given: break
    case .reference:
      // The inverse of so small a scale has few digits, or none.
      if !divides { multiplier = 1 / f32x16_max(scale, f32x16(repeating: 1e-38)) * (1 / unit) }
    }
    let isScale =
      f32x16_above(f32x16_abs(divisor), zero)
      & f32x16_above(infinity, f32x16_abs(multiplier))
    return GroupCoding(
      divides: divides,
      factor: f32x16_select(isScale, divides ? divisor : multiplier, divides ? infinity : zero))
  }

  /// Writes the codes of `count` elements, which lie in whole vectors.
  @inline(__always)
  func writeCodes(
    _ elements: UnsafeRawPointer, _ count: Int, unit: Float, divides: Bool, factor: Float,
    to target: UnsafeMutableRawPointer
  ) {
    var i = 0
    while i < count {
      let y = f32x16_load(elements + 4 &* i) * unit
      let q = Grid.codes(divides ? y / factor : y * factor)
      let bytes = target + i &* Grid.bits / 8
      let isWhole = i &+ 16 <= count
      if Grid.bits == 8 {
        if isWhole {
          u8x16_store(bytes, q)
        } else {
          u8x16_store(rest, q)
          bytes.copyMemory(from: rest, byteCount: count &- i)
        }
      } else {
        let joined = u8x16_joined_nibbles(q)
        if isWhole {
          bytes.storeBytes(of: joined, as: UInt64.self)
        } else {
          rest.storeBytes(of: joined, as: UInt64.self)
          bytes.copyMemory(from: rest, byteCount: (count &- i) / 2)
        }
      }
      i &+= 16
    }
  }

  /// Room for a vector that is not whole.
  @inline(__always) var rest: UnsafeMutableRawPointer { memory + 18432 }

  /// What weights are scaled by, so that the heaviest is 1: 0 where nothing counts.
  @inline(__always)
  func weightUnits(_ heaviest: f32x16) -> f32x16 {
    f32x16_select(
      f32x16_below(heaviest, f32x16(repeating: 0x1p-100)), f32x16(repeating: 0), 1 / heaviest)
  }
  /// Weights of elements: so little, at least, that it only counts where nothing else does, and 1
  /// where nothing counts.
  @inline(__always)
  func leveled(_ weights: f32x16, _ units: f32x16) -> f32x16 {
    f32x16_select(
      f32x16_equal(units, f32x16(repeating: 0)), f32x16(repeating: 1),
      f32x16_max(weights * units, f32x16(repeating: 0x1p-40)))
  }
}
