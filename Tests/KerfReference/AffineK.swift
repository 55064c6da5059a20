// swift-format-ignore-file: AlwaysUseLowerCamelCase

import KerfElements

/// Formats of 256 elements whose runs have lines of their own, y = (d · s) · q − (dmin · m).
public protocol ReferenceAffineK: WeightedReferenceFormat {
  static var runLength: Int { get }
  static var highest: Float { get }
  static var levels: Float { get }
  /// Candidates, without importance and with it.
  static var spans: [(first: Float, last: Float)] { get }
  static var weightedSpans: [(first: Float, last: Float)] { get }
  static var ends: [(scale: Float, minimum: Float)] { get }
  static var weightedEnds: [(scale: Float, minimum: Float)] { get }
  /// What the reference code tries.
  static var reference: (first: Float, count: Int, isAbsolute: Bool) { get }
  static func bytes(d: [UInt8], levels: [(s: UInt8, m: UInt8)], codes: [[UInt8]]) -> [UInt8]
}

extension ReferenceAffineK {
  public static func encoded(_ block: [Float]) -> [UInt8] {
    var block = AffineBlock(
      split(block).map { x in
        let weights = AffineRun.referenceWeights(x, isAbsolute: reference.isAbsolute)
        var run = AffineRun(x, weights, highest: highest, isBounded: true)
        run.tryReferenceLines(
          first: reference.first, count: reference.count, isAbsolute: reference.isAbsolute)
        return run
      }, levels: levels)
    block.takeLargest()
    return bytes(block)
  }

  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    let weights = weights.map(split)
    var block = AffineBlock(
      split(block).enumerated().map { r, x in
        var run = AffineRun(x, weights?[r], highest: highest, isBounded: true)
        run.tryLines(weights == nil ? spans : weightedSpans, clamps: weights != nil)
        if weights != nil {
          run.tryBest()
          run.tryBest()
        }
        return run
      }, levels: levels)
    if weights != nil { block.share() }
    block.spread(weights == nil ? ends : weightedEnds)
    block.refit()
    return bytes(block)
  }

  private static func split(_ block: [Float]) -> [[Float]] {
    stride(from: 0, to: 256, by: runLength).map { Array(block[$0..<$0 + runLength]) }
  }

  private static func bytes(_ block: AffineBlock) -> [UInt8] {
    bytes(
      d: halfBytes(block.scale) + halfBytes(block.minimum),
      levels: zip(block.s, block.m).map { (UInt8($0), UInt8($1)) }, codes: block.codes)
  }

  /// A run, decoded.
  static func line(_ d: Float, _ s: UInt8, _ minimum: Float, _ m: UInt8, _ codes: [UInt8])
    -> [Float]
  {
    codes.map { (d * Float(s)) * Float($0) - minimum * Float(m) }
  }
}

/// f16 d, f16 dmin, 12 bytes of s and m, nibbles by pairs of runs.
public enum ReferenceQ4_K: ReferenceAffineK {
  public static let format = Format.q4_K
  public static let runLength = 32
  public static let highest: Float = 15
  public static let levels: Float = 63
  public static let reference: (first: Float, count: Int, isAbsolute: Bool) = (-1, 21, false)
  public static let spans: [(first: Float, last: Float)] = [
    (-0.49, -0.2), (-0.41, 0.2), (-0.29, -0.14), (-0.24, -1.16), (-0.19, 0.35), (-0.12, -0.88),
    (-0.08, -0.04), (-0.01, 0.43), (0.11, -0.78), (0.14, 0.02), (0.17, 0.49), (0.86, -0.89),
  ]
  public static let weightedSpans: [(first: Float, last: Float)] = [
    (-1.4, 0.16), (-1.13, 2.05), (-0.58, 0.01), (-0.35, 0.33), (-0.14, 2.3), (-0.06, 1.1),
    (0.02, -0.12), (0.02, 0.42), (0.07, -0.89), (0.79, -0.15), (0.92, -1.77), (1.04, -0.89),
  ]
  public static let ends: [(scale: Float, minimum: Float)] = [
    (-1.11, 0.13), (0.27, -2.83), (0.02, -1.01), (-2.06, -0.23),
  ]
  public static let weightedEnds: [(scale: Float, minimum: Float)] = [
    (-0.64, -3.74), (0.01, -0.88), (0.01, 0.06), (-1, -0.09),
  ]

  public static func bytes(
    d: [UInt8], levels: [(s: UInt8, m: UInt8)], codes: [[UInt8]]
  ) -> [UInt8] {
    d + sixBits(levels) + pairsOfNibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let (s, m) = sixBitLevels(Array(bytes[4..<16]))
    return (0..<8).flatMap { r in
      line(half(bytes, at: 0), s[r], half(bytes, at: 2), m[r], nibbleRun(bytes[16...], r))
    }
  }
}

/// f16 d, f16 dmin, 12 bytes of s and m, 32 bytes whose bit r is the fifth bit of run r, nibbles.
public enum ReferenceQ5_K: ReferenceAffineK {
  public static let format = Format.q5_K
  public static let runLength = 32
  public static let highest: Float = 31
  public static let levels: Float = 63
  public static let reference: (first: Float, count: Int, isAbsolute: Bool) = (-0.5, 16, false)
  public static let spans: [(first: Float, last: Float)] = [
    (-0.42, -0.18), (-0.31, -1.12), (-0.3, 0.24), (-0.15, -2.01), (-0.07, -2.89), (-0.07, -0.92),
    (-0.04, -0.14), (0.06, 0.24), (0.07, -1.79), (0.19, -0.75), (0.32, 0.39), (1.1, -0.1),
  ]
  public static let weightedSpans: [(first: Float, last: Float)] = [
    (-1.79, 0.25), (-0.45, -0.08), (-0.37, 0.45), (-0.19, -2.07), (-0.17, -1.16), (-0.12, 1.05),
    (0.07, -0.74), (0.2, 0.03), (0.94, -1.89), (0.96, -2.91), (1.07, 0.09), (1.09, -0.9),
  ]
  public static let ends: [(scale: Float, minimum: Float)] = [
    (0.19, 0.11), (-1.93, -0.02), (0.04, -0.95), (0.07, -1.93),
  ]
  public static let weightedEnds: [(scale: Float, minimum: Float)] = [
    (-0.01, -0.03), (-0.04, -0.91), (-2.02, -2.03), (-2.87, -0.97),
  ]

  public static func bytes(
    d: [UInt8], levels: [(s: UInt8, m: UInt8)], codes: [[UInt8]]
  ) -> [UInt8] {
    let fifth = (0..<32).map { (j: Int) -> UInt8 in
      (0..<8).reduce(0) { $0 | (codes[$1][j] >> 4) << $1 }
    }
    return d + sixBits(levels) + fifth + pairsOfNibbles(codes)
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let (s, m) = sixBitLevels(Array(bytes[4..<16]))
    return (0..<8).flatMap { (r: Int) -> [Float] in
      let codes = nibbleRun(bytes[48...], r).enumerated().map { j, low in
        low | (bytes[16 + j] >> r & 1) << 4
      }
      return line(half(bytes, at: 0), s[r], half(bytes, at: 2), m[r], codes)
    }
  }
}

/// 16 bytes of s and m, 2-bit codes, f16 d, f16 dmin.
public enum ReferenceQ2_K: ReferenceAffineK {
  public static let format = Format.q2_K
  public static let runLength = 16
  public static let highest: Float = 3
  public static let levels: Float = 15
  public static let reference: (first: Float, count: Int, isAbsolute: Bool) = (-0.5, 16, true)
  public static let spans: [(first: Float, last: Float)] = [
    (-0.49, -0.23), (-0.49, 0.1), (-0.47, 0.37), (-0.24, 0.48), (-0.2, -0.05), (0.01, 0.08),
    (0.01, 0.49), (0.31, 0.49),
  ]
  public static let weightedSpans: [(first: Float, last: Float)] = [
    (-1.76, 0.09), (-1.6, 1.1), (-0.7, 0), (-0.63, 1.07), (-0.43, 0.16), (-0.34, 1.47),
    (-0.2, -0.82), (-0.15, 0.22), (-0.08, 2.23), (0.03, 0.5),
  ]
  public static let ends: [(scale: Float, minimum: Float)] = [
    (0.1, 0.15), (0.47, -0.42), (-0.47, 0.56),
  ]
  public static let weightedEnds: [(scale: Float, minimum: Float)] = [
    (0.14, -0.7), (-0.61, 0.41), (0.09, 0.13),
  ]

  public static func bytes(
    d: [UInt8], levels: [(s: UInt8, m: UInt8)], codes: [[UInt8]]
  ) -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: 64)
    for (i, code) in codes.joined().enumerated() {
      packed[i / 128 * 32 + i % 32] |= code << (2 * (i % 128 / 32))
    }
    return levels.map { $0.s | $0.m << 4 } + packed + d
  }

  public static func decoded(_ bytes: [UInt8]) -> [Float] {
    let codes = (0..<256).map { (i: Int) -> UInt8 in
      let shift = 2 * (i % 128 / 32)
      return (bytes[16 + i / 128 * 32 + i % 32] >> shift) & 3
    }
    let (d, minimum) = (half(bytes, at: 80), half(bytes, at: 82))
    var elements: [Float] = []
    for r in 0..<16 {
      let run = Array(codes[16 * r..<16 * r + 16])
      elements += line(d, bytes[r] & 15, minimum, bytes[r] >> 4, run)
    }
    return elements
  }
}

/// Eight s and eight m of six bits: of the first four of each the bits are together in bytes 0…7; of
/// the others the lower four are the nibbles of bytes 8…11, the upper two above those of bytes 0…7.
private func sixBits(_ levels: [(s: UInt8, m: UInt8)]) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: 12)
  for i in 0..<4 {
    let (first, second) = (levels[i], levels[i + 4])
    bytes[i] = first.s | ((second.s >> 4) << 6)
    bytes[i + 4] = first.m | ((second.m >> 4) << 6)
    bytes[i + 8] = (second.s & 15) | (second.m << 4)
  }
  return bytes
}

private func sixBitLevels(_ bytes: [UInt8]) -> (s: [UInt8], m: [UInt8]) {
  var s = [UInt8](repeating: 0, count: 8)
  var m = s
  for i in 0..<4 {
    (s[i], m[i]) = (bytes[i] & 63, bytes[i + 4] & 63)
    s[i + 4] = (bytes[i + 8] & 15) | ((bytes[i] >> 6) << 4)
    m[i + 4] = (bytes[i + 8] >> 4) | ((bytes[i + 4] >> 6) << 4)
  }
  return (s, m)
}

/// The nibbles of each two runs share 32 bytes.
private func pairsOfNibbles(_ codes: [[UInt8]]) -> [UInt8] {
  stride(from: 0, to: 8, by: 2).flatMap { r in
    zip(codes[r], codes[r + 1]).map { ($0 & 15) | ($1 << 4) }
  }
}

private func nibbleRun(_ bytes: ArraySlice<UInt8>, _ r: Int) -> [UInt8] {
  bytes.dropFirst(r / 2 * 32).prefix(32).map { r % 2 == 0 ? $0 & 15 : $0 >> 4 }
}

extension ReferenceQ4_1: WeightedReferenceFormat {
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    guard let weights else { return searched(block) }
    let fit = weightedAffine(block, weights, highest: 15, spans)
    return halfBytes(fit.scale) + halfBytes(fit.minimum) + nibbles(fit.codes)
  }
}

extension ReferenceQ5_1: WeightedReferenceFormat {
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    guard let weights else { return searched(block) }
    let fit = weightedAffine(block, weights, highest: 31, spans)
    return halfBytes(fit.scale) + halfBytes(fit.minimum) + fifthBits(fit.codes)
      + nibbles(fit.codes)
  }
}

private func weightedAffine(
  _ block: [Float], _ importance: [Float], highest: Float, _ spans: [(first: Float, last: Float)]
) -> SearchedFit {
  var run = AffineRun(block, importance, highest: highest, isBounded: false)
  run.tryLines(spans, clamps: true)
  run.tryBest()
  run.tryBest()
  run.slope = storedHalf(run.slope)
  run.shiftBest()
  let scale = storedHalf(run.slope)
  let minimum = storedHalf(run.smallest - run.shift)
  let multiplier = inverseOfPositive(scale)
  return SearchedFit(
    scale: scale, minimum: minimum,
    codes: block.map { UInt8(nearest(($0 - minimum) * multiplier, highest)) })
}
