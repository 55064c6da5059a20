// swift-format-ignore-file: AlwaysUseLowerCamelCase
// The twins of formats whose scales are integers times one scale.

import KerfElements

/// d in half precision, s of each run, a code for each element.
struct SubScaledBlock {
  var d: Float
  var s: [Int]
  var codes: [UInt8]
}

/// What sets one of these formats apart.
struct SubScaledScheme {
  let grid: Grid
  let length: Int
  /// s is −limit…limit − 1.
  let limit: Int
  let ends: (first: Float, step: Float)
  /// Whether the reference code rounds d before it decides codes.
  var roundsFirst = true

  private var integers: Grid { .integers(-limit...limit - 1) }

  /// d and s, for codes that are the nearest ones.
  private func block(_ runs: [Run], _ d: Float, _ s: [Float]) -> SubScaledBlock {
    SubScaledBlock(
      d: d, s: s.map { Int($0) },
      codes: zip(runs, s).flatMap { run, s in
        let multiplier = reciprocal(s * d)
        return run.elements.map { UInt8(grid.code($0 * multiplier)) }
      })
  }

  /// As the reference code decides.
  func referenced(_ block: [Float], scale: (Run) -> Float) -> SubScaledBlock {
    let runs = runs(block, nil, length: length)
    let scales = runs.map { scale($0.weighedBySquares) }
    let (top, bottom) = (scales.max()!, scales.map { 0 - $0 }.max()!)
    let largest = top >= bottom ? top : 0 - bottom
    let multiplier = largest.magnitude < 1e-15 ? 0 : -Float(limit) / largest
    let d = multiplier == 0 ? 0 : largest / -Float(limit)
    return self.block(
      runs, roundsFirst ? storedHalf(d) : d,
      scales.map { integers.nearest($0 * multiplier) })
  }

  /// With the least error that candidates lead to.
  func searched(_ block: [Float], _ importance: [Float]?, _ places: [Float]) -> SubScaledBlock {
    let runs = runs(block, importance, length: length)
    let bests = runs.map { $0.search(grid, places) }
    let largest = bests.map(\.first.scale.magnitude).max()!

    var least = Float.infinity
    var d: Float = 0
    for k in 0..<16 {
      let share = 1 / (Float(k) * ends.step + ends.first)
      let candidate = max(storedHalf(largest * share), 0x1p-24)
      let multiplier = 1 / candidate
      let error = sum(
        bests.map { first, second in
          min(
            first.error(candidate * integers.nearest(first.scale * multiplier)),
            second.error(candidate * integers.nearest(second.scale * multiplier)))
        })
      if error < least { (least, d) = (error, candidate) }
    }

    var s: [Float] = []
    var fits: [RunFit] = []
    for (first, second) in bests {
      let one = integers.nearest(first.scale * (1 / d))
      let other = integers.nearest(second.scale * (1 / d))
      let takesOther = second.error(d * other) < first.error(d * one)
      s.append(takesOther ? other : one)
      fits.append(takesOther ? second : first)
    }
    if zip(bests, s).contains(where: { $0.first.scale != 0 && $1.magnitude < 8.5 }) {
      for r in runs.indices {
        let middle = s[r]
        var least = fits[r].error(middle * d)
        for step in [Float(-1), 0, 1] {
          let factor = integers.nearest(middle + step)
          let tried = runs[r].fit(grid, reciprocal(factor * d))
          let error = tried.error(factor * d)
          if error < least { (least, s[r], fits[r]) = (error, factor, tried) }
        }
      }
    }

    let terms = zip(s, fits)
    let refitted = storedHalf(
      sum(terms.map { $0 * $1.xq }) / sum(terms.map { $0 * $0 * $1.qq }))
    let gain = sum(terms.map { $1.error($0 * d) - $1.error($0 * refitted) })
    return self.block(runs, gain > 0 && refitted > 0 ? refitted : d, s)
  }

  /// Neighbours, then pairs, then fours, then eights.
  private func sum(_ terms: [Float]) -> Float {
    terms.count == 1
      ? terms[0]
      : sum(stride(from: 0, to: terms.count, by: 2).map { terms[$0] + terms[$0 + 1] })
  }
}

/// `width` bits of a byte, from bit `first` on.
private func field(_ byte: UInt8, _ first: Int, _ width: Int) -> UInt8 {
  (byte >> UInt8(first)) & (1 << UInt8(width) - 1)
}

/// Fields of `width` bits as one byte, the first one lowest.
private func byte(_ fields: [UInt8], width: Int) -> UInt8 {
  fields.reversed().reduce(0) { $0 << UInt8(width) | $1 }
}

/// ql[128], qh[64], i8 s[16], f16 d; y = (s · d) · (q − 32).
public enum ReferenceQ6_K: WeightedReferenceFormat {
  public static let format = Format.q6_K
  private static let scheme = SubScaledScheme(
    grid: .integers(-32...31), length: 16, limit: 128, ends: (113, 1))

  public static func encoded(_ block: [Float]) -> [UInt8] {
    let places = [Float(-32)] + ((-9...9).filter { $0 != 0 }.map { -32 - 0.1 * Float($0) })
    return bytes(scheme.referenced(block) { $0.search(scheme.grid, places).first.scale })
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(
      scheme.searched(
        block, weights,
        weights == nil
          ? [-24, -25, -26, -27, -28, -29, -30, -30.875, -31.25, -31.75, -32, -32.375]
          : [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, -31.5, -32, -32.75, -33.75, -35.25]))
  }

  private static func bytes(_ block: SubScaledBlock) -> [UInt8] {
    let q = block.codes
    var low: [UInt8] = []
    var high: [UInt8] = []
    for half in [0, 128] {
      low += (0..<64).map { j in byte([0, 64].map { field(q[half + j + $0], 0, 4) }, width: 4) }
      high += (0..<32).map { j in
        byte([0, 32, 64, 96].map { field(q[half + j + $0], 4, 2) }, width: 2)
      }
    }
    return low + high + block.s.map { UInt8(bitPattern: Int8($0)) } + halfBytes(block.d)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let d = half(bytes, at: 208)
    return (0..<256).map { i in
      let (half, j) = (i / 128, i % 128)
      let low = field(bytes[64 * half + j % 64], j / 64 * 4, 4)
      let high = field(bytes[128 + 32 * half + j % 32], j / 32 * 2, 2)
      let s = Int8(bitPattern: bytes[192 + i / 16])
      return d * Float(s) * (Float(low | high << 4) - 32)
    }
  }
}

/// 32 bytes of third bits, 64 of lower bits, 12 of s, f16 d; y = ((s − 32) · d) · (q − 4).
public enum ReferenceQ3_K: WeightedReferenceFormat {
  public static let format = Format.q3_K
  private static let scheme = SubScaledScheme(
    grid: .integers(-4...3), length: 16, limit: 32, ends: (24, 0.6))

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(scheme.referenced(block, scale: descended))
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(
      scheme.searched(
        block, weights,
        weights == nil
          ? [3, 3.25, -3.7, -3.95, -4.15, -4.35, -4.6, -4.95]
          : [2.9, 3.2, 4.1, 4.7, 5.4, 6.5, -3.7, -4, -4.4, -4.9, -5.4, -6.5]))
  }

  /// Codes of the widest grid, changed one by one, and their scale.
  private static func descended(_ run: Run) -> Float {
    let largest = run.signedLargest
    let multiplier = largest.magnitude < 1e-15 ? 0 : -4 / largest
    var codes = run.elements.map { scheme.grid.nearest($0 * multiplier) }
    var (xq, qq) = (Float(0), Float(0))
    for (x, (w, q)) in zip(run.elements, zip(run.weights!, codes)) {
      xq += x * (w * q)
      qq += q * (w * q)
    }
    for _ in 0..<5 {
      for (j, x) in run.elements.enumerated() {
        let (w, q) = (run.weights![j], codes[j])
        let xqOthers = xq - x * (w * q)
        let qqOthers = qq - q * (w * q)
        guard xqOthers > 0 else { continue }
        let changed = scheme.grid.nearest(x * qqOthers / xqOthers)
        let xqChanged = xqOthers + x * (w * changed)
        let qqChanged = qqOthers + changed * (w * changed)
        if qqChanged > 0 && xqChanged * xqChanged * qq > xq * xq * qqChanged {
          (xq, qq, codes[j]) = (xqChanged, qqChanged, changed)
        }
      }
    }
    return qq > 0 ? xq / qq : 0
  }

  private static func bytes(_ block: SubScaledBlock) -> [UInt8] {
    let q = block.codes
    let s = block.s.map { UInt8($0 + 32) }
    let high = (0..<32).map { j in
      byte((0..<8).map { field(q[j + 32 * $0], 2, 1) }, width: 1)
    }
    let low = [0, 128].flatMap { half in
      (0..<32).map { j in
        byte([0, 32, 64, 96].map { field(q[half + j + $0], 0, 2) }, width: 2)
      }
    }
    let lower = (0..<8).map { j in byte([0, 8].map { field(s[j + $0], 0, 4) }, width: 4) }
    let upper = (0..<4).map { j in byte([0, 4, 8, 12].map { field(s[j + $0], 4, 2) }, width: 2) }
    return high + low + lower + upper + halfBytes(block.d)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let d = half(bytes, at: 108)
    return (0..<256).map { i in
      let r = i / 16
      let lower = field(bytes[96 + r % 8], r / 8 * 4, 4)
      let upper = field(bytes[104 + r % 4], r / 4 * 2, 2)
      let s = lower | upper << 4
      let low = field(bytes[32 + 32 * (i / 128) + i % 32], i % 128 / 32 * 2, 2)
      let third = field(bytes[i % 32], i / 32, 1)
      return d * (Float(s) - 32) * (Float(low | third << 2) - 4)
    }
  }
}

private let iq4ReferencePlaces = [Float(127)] + (0..<15).map { Float(-134 + $0) }
private let iq4Places: [Float] = [
  92, 109, 114, 118, 122, -103, -108, -112, -120, -123, 126, -126, -129, -133, -137, -141,
]
private let iq4WeightedPlaces: [Float] = [
  92, 106, 112, 116, 122, -86, -102, -110, -118, 130, 144, 166, -124, -128, -132, -138, -144, -154,
  -168, -188,
]

/// f16 d, nibbles; y = d · table[q].
public enum ReferenceIQ4_NL: WeightedReferenceFormat {
  public static let format = Format.iq4_nl

  public static func encoded(_ block: [Float]) -> [UInt8] {
    let run = runs(block, nil, length: 32)[0]
    let best = run.weighedBySquares.search(.iq4, iq4ReferencePlaces).first
    return bytes(run, best.scale)
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    let run = runs(block, weights, length: 32)[0]
    let fitted = run.search(.iq4, weights == nil ? iq4Places : iq4WeightedPlaces).first.scale
    let scale = storedHalf(fitted)
    guard scale.magnitude < 0x1p-20 else { return bytes(run, scale) }
    let tried = fitted >= 0 ? max(scale, 0x1p-24) : min(scale, -0x1p-24)
    return bytes(run, run.fit(.iq4, 1 / tried).error(tried) < 0 ? tried : 0)
  }

  private static func bytes(_ run: Run, _ d: Float) -> [UInt8] {
    halfBytes(storedHalf(d))
      + nibbles(run.elements.map { UInt8(Grid.iq4.code($0 * reciprocal(d))) })
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    nibbleCodes(bytes[2...]).map { Grid.iq4.numbers[Int($0)] * half(bytes, at: 0) }
  }
}

/// f16 d, 6 bytes of s, nibbles; y = ((s − 32) · d) · table[q].
public enum ReferenceIQ4_XS: WeightedReferenceFormat {
  public static let format = Format.iq4_xs
  private static let scheme = SubScaledScheme(
    grid: .iq4, length: 32, limit: 32, ends: (24, 0.6), roundsFirst: false)

  public static func encoded(_ block: [Float]) -> [UInt8] {
    bytes(scheme.referenced(block) { $0.search(.iq4, iq4ReferencePlaces).first.scale })
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    bytes(scheme.searched(block, weights, weights == nil ? iq4Places : iq4WeightedPlaces))
  }

  private static func bytes(_ block: SubScaledBlock) -> [UInt8] {
    let s = block.s.map { UInt8($0 + 32) }
    let upper = [0, 4].map { r in byte((0..<4).map { field(s[r + $0], 4, 2) }, width: 2) }
    let lower = (0..<4).map { j in byte([0, 1].map { field(s[2 * j + $0], 0, 4) }, width: 4) }
    let codes = (0..<8).flatMap { nibbles(Array(block.codes[32 * $0..<32 * $0 + 32])) }
    return halfBytes(storedHalf(block.d)) + upper + lower + codes
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    (0..<8).flatMap { r in
      let upper = field(bytes[2 + r / 4], r % 4 * 2, 2)
      let s = field(bytes[4 + r / 2], r % 2 * 4, 4) | upper << 4
      let scale = half(bytes, at: 0) * (Float(s) - 32)
      return nibbleCodes(bytes[(8 + 16 * r)..<(24 + 16 * r)]).map {
        Grid.iq4.numbers[Int($0)] * scale
      }
    }
  }
}
