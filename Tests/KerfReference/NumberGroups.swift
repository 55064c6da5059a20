// The twin of groups whose codes stand for the numbers of a grid: nf4, fp4, e2m1, e4m3.
//
// What each step is for stands in `KerfKernels/NumberGroups.swift` and `NumberSearch.swift`.

import KerfElements

/// Numbers, and which of them is nearest to a place.
struct NumberGrid {
  /// The number of each code.
  let numbers: [Float]
  let largest: Float
  var isSymmetric = true
  var divides = false
  /// Candidates, without importance and with it.
  let places: [Float]
  let importantPlaces: [Float]
  /// The code of the nearest number.
  let code: @Sendable (Float) -> UInt8
  /// The nearest number; of a symmetric grid, of places that are not negative.
  let nearest: @Sendable (Float) -> Float

  /// How many of the bounds half-way between sorted numbers lie below a place.
  private static func count(_ place: Float, _ sorted: [Float]) -> Int {
    zip(sorted, sorted.dropFirst()).count { place > ($0 + $1) / 2 }
  }

  static let nf4: NumberGrid = {
    let numbers: [Float] = [
      -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
      -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
      0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
      0.7229568362236023, 1,
    ]
    return NumberGrid(
      numbers: numbers, largest: 1, isSymmetric: false,
      places: [
        1, -1, 1.1, -1.075, 0.94, 1.05, -0.94, -1.15, -1.025, 0.76, 1.15, 0.98, -0.98, -0.74, -1.1,
        1.025,
      ],
      importantPlaces: [
        1, -1, -1.15, 1.125, 1.275, -1.075, -1.3, 1.05, 0.92, -0.94, -1.8, 0.76, -0.72, 1.45, 1.2,
        -1.5,
      ],
      code: { UInt8(count($0, numbers)) }, nearest: { numbers[count($0, numbers)] })
  }()

  static let fp4: NumberGrid = {
    // Twelfths; of the two zeros one is for what is a little more.
    let numbers = ([0, 0.0625, 8, 12, 4, 6, 2, 3, 0, -0.0625, -8, -12, -4, -6, -2, -3] as [Float])
      .map { $0 / 12 }
    let order: [UInt8] = [11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3]
    let sorted = order.map { numbers[Int($0)] }
    return NumberGrid(
      numbers: numbers, largest: 1, places: [1, 1.125, 1.2, 1.05, 0.94, 1.075, 1.25, 1.15],
      importantPlaces: [1, 1.2, 1.45, 1.1, 1.75, 1.3, 0.94, 1.05],
      code: { order[count($0, sorted)] }, nearest: { sorted[8 + count($0, Array(sorted[8...]))] })
  }()

  static let e2m1: NumberGrid = {
    let magnitudes: [Float] = [0, 0.5, 1, 1.5, 2, 3, 4, 6]
    return NumberGrid(
      numbers: magnitudes + magnitudes.map { 0 - $0 }, largest: 6, divides: true,
      places: [1, 1.1, 0.66, 0.94, 0.72, 1.05, 0.62, 0.76],
      importantPlaces: [1, 1.2, 0.66, 1.45, 0.94, 1.1, 1.75, 0.76],
      code: { place in
        let code = UInt8(count(place.magnitude, magnitudes))
        return code == 0 || place > 0 ? code : code | 8
      },
      nearest: { place in
        // Two significant bits from 1 on, steps of a half below.
        let x = min(place, 6)
        let large = max(x * 0x1.000004p22, 0x1.8p22)
        return large - (large - x)
      })
  }()

  static let e4m3: NumberGrid = {
    /// Of two as near the one that is even.
    @Sendable func nearest(_ place: Float) -> Float {
      let x = min(place, 448)
      let step = Float(
        sign: .plus, exponent: max(x == 0 ? -6 : Int(x.exponent), -6) - 3, significand: 1)
      return (x / step).rounded(.toNearestOrEven) * step
    }
    let places: [Float] = [1, 0.64, 0.86, 0.72, 0.54, 0.56, 0.92, 0.58]
    return NumberGrid(
      numbers: (0...255).map { SmallFloat.e4m3.number(UInt8($0)) }, largest: 448, divides: true,
      places: places, importantPlaces: places,
      code: { SmallFloat.e4m3.code($0) }, nearest: nearest)
  }()
}

/// A format of groups as its runtimes read it.
public struct ReferenceNumberGroups: Sendable {
  public let format: GroupFormat
  /// What scales of eight bits are divided by.
  public let divisor: Float
  private let grid: NumberGrid

  /// The twin of a format whose codes are no integers.
  public init?(_ format: GroupFormat, divisor: Float = 1) {
    switch format.codes {
    case .integers: return nil
    case .nf4: grid = .nf4
    case .fp4: grid = .fp4
    case .e2m1: grid = .e2m1
    case .e4m3: grid = .e4m3
    }
    self.format = format
    self.divisor = divisor
  }

  /// The bytes of consecutive groups.
  public func encoded(_ row: [Float], _ rounding: Rounding, weights: [Float]? = nil) -> [UInt8] {
    groups(row).flatMap { start, group -> [UInt8] in
      let unit = unit(group)
      if rounding == .reference { return reference(group, unit) }
      let weights = weights.map { leveled(Array($0[start..<start + group.count])) }
      let bits = searched(group, unit, weights) ?? stored(largest(group).magnitude / grid.largest)
      return bytes(bits) + codes(group, unit, value(bits), divides: false)
    }
  }

  /// The bytes of consecutive groups whose scales somebody else has decided.
  public func encoded(_ row: [Float], scales: [Float]) -> [UInt8] {
    zip(groups(row), scales).flatMap { group, scale -> [UInt8] in
      let bits = stored(scale)
      return bytes(bits) + codes(group.1, unit(group.1), value(bits), divides: grid.divides)
    }
  }

  /// The elements of consecutive groups.
  public func decoded(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: format.byteCount).flatMap { start -> [Float] in
      let scale = value(bits(Array(bytes[start..<start + format.scale.byteCount])))
      let codes = bytes[start + format.scale.byteCount..<start + format.byteCount]
      let all = format.codes.bits == 8 ? Array(codes) : codes.flatMap { [$0 & 15, $0 >> 4] }
      return all.map { grid.numbers[Int($0)] * scale }
    }
  }

  private func groups(_ row: [Float]) -> [(Int, [Float])] {
    stride(from: 0, to: row.count, by: format.length).map {
      ($0, repaired(Array(row[$0..<$0 + format.length])))
    }
  }

  /// The element of largest magnitude; of two with either sign, the positive one.
  private func largest(_ group: [Float]) -> Float {
    let (top, bottom) = (max(group.max()!, 0), min(group.min()!, 0))
    let signed = top >= 0 - bottom ? top : bottom
    return grid.isSymmetric ? signed.magnitude : signed
  }

  /// The power of two that brings the largest element near 1.
  private func unit(_ group: [Float]) -> Float {
    let exponent = Int(largest(group).bitPattern >> 23 & 255) - 127
    return Float(sign: .plus, exponent: -min(max(exponent, -126), 126), significand: 1)
  }

  private func reference(_ group: [Float], _ unit: Float) -> [UInt8] {
    let bits = stored(largest(group).magnitude / grid.largest)
    let scale = value(bits)
    let codes =
      grid.divides
      ? codes(group, unit, scale, divides: true)
      : codes(group, unit, scale, divides: false, inverse: 1 / max(scale, 1e-38) * (1 / unit))
    return bytes(bits) + codes
  }

  private func codes(
    _ group: [Float], _ unit: Float, _ scale: Float, divides: Bool, inverse: Float? = nil
  ) -> [UInt8] {
    let divisor = scale * unit
    let multiplier = inverse ?? 1 / divisor
    let hasScale = divisor.magnitude > 0 && multiplier.magnitude != .infinity
    let codes = group.map { x in
      let y = x * unit
      return grid.code(!hasScale ? y * 0 : divides ? y / divisor : y * multiplier)
    }
    if format.codes.bits == 8 { return codes }
    return stride(from: 0, to: codes.count, by: 2).map { codes[$0] | codes[$0 + 1] << 4 }
  }

  /// Weights in units of the largest, so that a little is left to those that have none.
  private func leveled(_ weights: [Float]) -> [Float] {
    let largest = weights.max()!
    return largest < 0x1p-100
      ? weights.map { _ in 1 } : weights.map { max($0 * (1 / largest), 0x1p-40) }
  }

  /// The scale that leaves least, as it is stored; `nil` where none leaves less than zeros do.
  private func searched(_ group: [Float], _ unit: Float, _ weights: [Float]?) -> UInt32? {
    let size = largest(group)
    let isFree = format.scale != .e8m0 && format.scale != .e4m3
    var best: (gain: Float, bits: UInt32)?
    func take(_ gain: Float, _ bits: () -> UInt32) {
      if gain > best?.gain ?? 0 { best = (gain, bits()) }
    }
    if isFree {
      for place in weights == nil ? grid.places : grid.importantPlaces {
        let scaled = size * unit
        let multiplier = scaled == 0 ? 0 : place * grid.largest / scaled
        let (xq, qq) = sums(group, unit, weights, multiplier)
        take(xq * xq * (qq > 0 ? 1 / qq : 0)) {
          let scale = xq / qq * (1 / unit)
          return stored(min(max(scale, -.greatestFiniteMagnitude), .greatestFiniteMagnitude))
        }
      }
      return best?.bits
    }
    let first: Int
    var steps: [Int]
    if format.scale == .e8m0 {
      first = Int(size.bitPattern >> 23) - Int(grid.largest.exponent)
      steps = weights == nil ? [0, 1] : [0, 1, -1, -2]
    } else {
      first = Int(stored(size * (1 / grid.largest)))
      steps = [0, 1, -1, 2, 3, 4, 5, 6, 7, -2, -3, -4, -5, -6, -7, -8]
      if weights == nil { steps.removeLast(8) }
    }
    for step in steps {
      let bits = UInt32(
        format.scale == .e8m0 ? min(max(first + step, 0), 254) : min(max(first + step, 1), 126))
      let scale = value(bits) * unit
      let (xq, qq) = sums(group, unit, weights, 1 / scale)
      take(scale * ((xq + xq) - scale * qq)) { bits }
    }
    return best?.bits
  }

  /// Σ w·x·q and Σ w·q²: of a short group of whole vectors one element after another, of others
  /// element i in lane i mod 16.
  private func sums(
    _ group: [Float], _ unit: Float, _ weights: [Float]?, _ multiplier: Float
  ) -> (xq: Float, qq: Float) {
    let lanes = group.count <= 64 && group.count % 16 == 0 ? 1 : 16
    var xq = [Float](repeating: 0, count: lanes)
    var qq = xq
    for (i, element) in group.enumerated() {
      let x = grid.isSymmetric ? (element * unit).magnitude : element * unit
      let q = grid.nearest(x * multiplier)
      let weighted = weights.map { q * $0[i] } ?? q
      xq[i % lanes] += x * weighted
      qq[i % lanes] += q * weighted
    }
    return lanes == 1 ? (xq[0], qq[0]) : (rowSum(xq), rowSum(qq))
  }

  /// The bits of the nearest scale; of powers of two, the next that is no smaller.
  private func stored(_ x: Float) -> UInt32 {
    switch format.scale {
    case .f32: return x.bitPattern
    case .f16: return UInt32(Float16(min(max(x, -65504), 65504)).bitPattern)
    case .bf16:
      let largest = Float(bitPattern: 0x7F7F_0000)
      let n = min(max(x, -largest), largest).bitPattern
      return (n + 0x7FFF + (n >> 16 & 1)) >> 16
    case .e8m0:
      if x <= 0 { return x == 0 ? 127 : 0 }
      let exponent = x.significand == 1 ? Int(x.exponent) : Int(x.exponent) + 1
      return UInt32(min(max(exponent, -126), 127) + 127)
    case .e4m3: return UInt32(SmallFloat.e4m3.code(x * divisor))
    }
  }

  private func value(_ bits: UInt32) -> Float {
    switch format.scale {
    case .f32: Float(bitPattern: bits)
    case .f16: Float(Float16(bitPattern: UInt16(bits)))
    case .bf16: Float(bitPattern: bits << 16)
    case .e8m0:
      bits == 255 ? .nan : Float(sign: .plus, exponent: Int(bits) - 127, significand: 1)
    case .e4m3: SmallFloat.e4m3.number(UInt8(bits)) / divisor
    }
  }

  private func bytes(_ bits: UInt32) -> [UInt8] {
    (0..<format.scale.byteCount).map { UInt8(bits >> (8 * $0) & 255) }
  }

  private func bits(_ bytes: [UInt8]) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
