// The twins of integer groups: int2…int8 of any length, with no offset, a zero point, or a bias.
//
// What each step is for stands in `KerfKernels/IntegerGroups.swift` and the files it names.

import KerfElements

/// A format of integer groups, one element at a time.
public struct ReferenceIntegerGroup {
  let group: GroupFormat
  let bits: Int
  private var highest: Float { Float((1 << bits) - 1) }
  private var middle: Float { Float(1 << (bits - 1)) }
  /// Groups of up to 128 elements, which fill vectors, are summed from the first element to the last;
  /// others in sixteen sums.
  private var isShort: Bool { group.length <= 128 && group.length % 16 == 0 }

  /// - Precondition: `format` is of integer groups.
  public init(_ format: Format) {
    guard case .group(let group) = format, case .integers(let bits) = group.codes else {
      preconditionFailure("\(format) is not of integer groups")
    }
    self.group = group
    self.bits = bits
  }

  // MARK: Bytes

  /// Scale, offset and codes as they are stored; codes count from 0.
  struct Fields {
    var scale: Float
    var zero = 0
    var bias: Float = 0
    var codes: [Int]
  }

  public func decodedRow(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: group.byteCount).flatMap { start in
      let block = Array(bytes[start..<start + group.byteCount])
      let s = number(block, at: 0)
      return codes(block).map { code in
        switch group.offset {
        case .none: return Float(code - (1 << (bits - 1))) * s
        case .zeroPoint: return Float(code - Int(block[group.scale.byteCount])) * s
        case .bias: return Float(code) * s + number(block, at: group.scale.byteCount)
        }
      }
    }
  }

  /// Codes as they are stored, from 0 on.
  private func codes(_ block: [UInt8]) -> [Int] {
    let head = group.byteCount - group.codeByteCount
    return (0..<group.length).map { i in
      (0..<bits).reduce(0) { code, k in
        let bit = i * bits + k
        return code | Int(block[head + bit / 8] >> (bit % 8) & 1) << k
      }
    }
  }

  /// A group as products have it: y = q · scale + minimum, where codes count from the middle.
  func centered(_ block: [UInt8]) -> (codes: [Int32], scale: Float, minimum: Float?) {
    let s = number(block, at: 0)
    let minimum: Float? =
      switch group.offset {
      case .none: nil
      case .zeroPoint: (middle - Float(block[group.scale.byteCount])) * s
      case .bias: number(block, at: group.scale.byteCount) + middle * s
      }
    return (codes(block).map { Int32($0) - Int32(middle) }, s, minimum)
  }

  private func bytes(_ fields: Fields) -> [UInt8] {
    var bytes = numberBytes(fields.scale)
    switch group.offset {
    case .none: break
    case .zeroPoint: bytes.append(UInt8(fields.zero))
    case .bias: bytes += numberBytes(fields.bias)
    }
    var stream = [UInt8](repeating: 0, count: group.codeByteCount)
    for (i, code) in fields.codes.enumerated() {
      for k in 0..<bits where code >> k & 1 == 1 {
        stream[(i * bits + k) / 8] |= 1 << ((i * bits + k) % 8)
      }
    }
    return bytes + stream
  }

  private func number(_ bytes: [UInt8], at offset: Int) -> Float {
    let word = (0..<group.scale.byteCount).reduce(UInt32(0)) {
      $0 | UInt32(bytes[offset + $1]) << (8 * $1)
    }
    switch group.scale {
    case .f16: return Float(Float16(bitPattern: UInt16(word)))
    case .bf16: return Float(bitPattern: word << 16)
    default: return Float(bitPattern: word)
    }
  }

  private func numberBytes(_ x: Float) -> [UInt8] {
    let word: UInt32 =
      switch group.scale {
      case .f16: UInt32(Float16(x).bitPattern)
      case .bf16: x.bitPattern >> 16
      default: x.bitPattern
      }
    return (0..<group.scale.byteCount).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
  }

  private func stored(_ x: Float) -> Float { group.scale.nearest(x) }

  // MARK: Encoding

  public func encodedRow(_ row: [Float], _ rounding: Rounding) -> [UInt8] {
    stride(from: 0, to: row.count, by: group.length).flatMap { start in
      let block = repaired(Array(row[start..<start + group.length]))
      return bytes(rounding == .reference ? reference(block) : searched(block, nil))
    }
  }

  public func encodedRow(_ row: [Float], weights: [Float]) -> [UInt8] {
    stride(from: 0, to: row.count, by: group.length).flatMap { start in
      let range = start..<start + group.length
      return bytes(searched(repaired(Array(row[range])), Array(weights[range])))
    }
  }

  /// As compressed-tensors and MLX compute.
  private func reference(_ x: [Float]) -> Fields {
    let (low, high) = (x.min()! + 0, x.max()! + 0)
    if group.offset == .bias {
      let span = min(max((high - low) / highest, 1e-7), .greatestFiniteMagnitude)
      let signed = low.magnitude > high.magnitude ? span : 0 - span
      let edge = low.magnitude > high.magnitude ? low : high
      let first = (edge / signed).rounded(.toNearestOrEven)
      let s = first == 0 ? signed : edge / first
      let b = first == 0 ? 0 : edge
      return Fields(
        scale: stored(s), bias: stored(b),
        codes: x.map { Int(min(max(($0 - b) / s, 0), highest).rounded(.toNearestOrEven)) })
    }
    let (smallest, largest) = (min(low, 0), max(high, 0))
    let wanted =
      group.offset == .none
      ? max(largest, 0 - smallest) / (highest * 0.5) : (largest - smallest) / highest
    var s = stored(wanted)
    var z = middle
    if s == 0 {
      s = group.scale == .f16 ? 0x1p-10 : group.scale == .bf16 ? 0x1p-7 : 0x1p-23
    } else if group.offset == .zeroPoint {
      z = min(max((0 - smallest) / s, 0), highest).rounded(.toNearestOrEven)
    }
    return Fields(
      scale: s, zero: Int(z),
      codes: x.map {
        let place = min(max($0 / s + (z - middle), 0 - middle), highest - middle)
        return Int(place.rounded(.toNearestOrEven) + middle)
      })
  }

  // MARK: Search

  private func searched(_ x: [Float], _ importance: [Float]?) -> Fields {
    let (low, high) = (x.min()! + 0, x.max()! + 0)
    let exponent = min(max(max(low.magnitude, high.magnitude).bitPattern >> 23, 1), 252)
    let power = Float(bitPattern: exponent << 23)
    let unit = Float(bitPattern: (254 - exponent) << 23)
    let weights = importance.map(levelled)
    let isFar = group.length > 128 && bits <= 6 && group.offset != .bias
    let candidates = IntegerCandidates.of(group.offset)
    var places =
      (isFar ? candidates.far : weights == nil ? candidates.near : candidates.wide)[bits - 2]
    if weights == nil && group.length > 128 && bits >= 7 {
      places = Array(places.prefix(group.offset == .none ? 4 : 8))
    }
    if weights == nil && isShort && group.length % 32 == 0 {
      return IntegerWords(group: group, bits: bits, unit: unit, power: power).fields(
        x, low * unit, high * unit, places)
    }
    if group.offset == .bias {
      return line(x, weights, unit: unit, power: power, low * unit, high * unit, places)
    }
    return scale(
      x, weights, unit: unit, power: power, min(low * unit, 0), max(high * unit, 0), places)
  }

  /// The largest weight becomes 1, and none is below 2⁻³⁰; where all are nothing, all are 1.
  private func levelled(_ weights: [Float]) -> [Float] {
    let largest = weights.max()!
    if largest < 0x1p-100 { return weights.map { _ in 1 } }
    let unit = 1 / largest
    return weights.map { max($0 * unit, 0x1p-30) }
  }

  private func total(_ terms: [Float]) -> Float {
    if isShort { return terms.reduce(0, +) }
    var sums = [Float](repeating: 0, count: 16)
    for (i, term) in terms.enumerated() { sums[i % 16] += term }
    while sums.count > 1 {
      sums = stride(from: 0, to: sums.count, by: 2).map { sums[$0] + sums[$0 + 1] }
    }
    return sums[0]
  }

  private func weighted(_ terms: [Float], _ weights: [Float]?) -> [Float] {
    guard let weights else { return terms }
    return zip(terms, weights).map { $0 * $1 }
  }

  private func nearest(_ place: Float, _ range: ClosedRange<Float>) -> Float {
    min(max(place, range.lowerBound), range.upperBound).rounded(.toNearestOrEven)
  }

  private func scale(
    _ x: [Float], _ weights: [Float]?, unit: Float, power: Float, _ smallest: Float,
    _ largest: Float, _ places: [Float]
  ) -> Fields {
    let elements = x.map { $0 * unit }
    let isSymmetric = group.offset == .none
    let size =
      isSymmetric ? (largest >= 0 - smallest ? largest : smallest) : largest - smallest
    var best: (xq: Float, qq: Float, zero: Float) = (0, 1, middle)
    func take(_ multiplier: Float, _ zero: Float) {
      let codes = elements.map { nearest($0 * multiplier, (0 - zero)...(highest - zero)) }
      let counted = weighted(codes, weights)
      let xq = total(zip(elements, counted).map { $0 * $1 })
      let qq = total(zip(codes, counted).map { $0 * $1 })
      if xq * xq * best.qq > best.xq * best.xq * qq { best = (xq, qq, zero) }
    }
    let inverse = reciprocal(size)
    if isSymmetric {
      for place in places { take(inverse * place, middle) }
    } else {
      for k in stride(from: 0, to: places.count, by: 2) {
        let multiplier = inverse * (highest + places[k + 1] - places[k])
        take(multiplier, nearest(places[k] - smallest * multiplier, 1...highest))
      }
    }
    for _ in 0..<2 { take(reciprocal(best.xq / best.qq), best.zero) }

    let s = stored(best.xq / best.qq * power)
    let multiplier = reciprocal(s * unit)
    return Fields(
      scale: s, zero: Int(best.zero),
      codes: elements.map {
        Int(nearest($0 * multiplier, (0 - best.zero)...(highest - best.zero)) + best.zero)
      })
  }

  private func line(
    _ x: [Float], _ weights: [Float]?, unit: Float, power: Float, _ smallest: Float,
    _ largest: Float, _ places: [Float]
  ) -> Fields {
    let range = largest - smallest
    let elements = x.map { $0 * unit - smallest }
    let sum = total(weighted(elements, weights))
    let weight = total(weighted(elements.map { _ in 1 }, weights))
    var best: (error: Float, slope: Float, shift: Float) = (.infinity, 0, 0)
    func sums(_ multiplier: Float, _ origin: Float) -> (zq: Float, qq: Float, q: Float) {
      let codes = elements.map { nearest(($0 - origin) * multiplier, 0...highest) }
      let counted = weighted(codes, weights)
      return (
        total(zip(elements, counted).map { $0 * $1 }), total(zip(codes, counted).map { $0 * $1 }),
        total(counted)
      )
    }
    func take(_ sums: (zq: Float, qq: Float, q: Float), slope: Float) {
      let square = weight * sums.qq
      let determinant = square - sums.q * sums.q
      let fitted = (weight * sums.zq - sum * sums.q) / determinant
      let a = max(square * 0x1p-18 < determinant ? fitted : slope, 0)
      let c = (sum - a * sums.q) / weight
      let first = a * (a * (sums.qq * 0.5) - sums.zq)
      let second = c * (c * (weight * 0.5) + (a * sums.q - sum))
      if first + second < best.error { best = (first + second, a, c) }
    }
    let inverse = reciprocal(range)
    for k in stride(from: 0, to: places.count, by: 2) {
      let steps = highest + places[k + 1] - places[k]
      let slope = range * (1 / steps)
      take(sums(inverse * steps, slope * (0 - places[k])), slope: slope)
    }
    for _ in 0..<2 { take(sums(reciprocal(best.slope), best.shift), slope: best.slope) }

    let s = stored(best.slope * power)
    let slope = s * unit
    let shift = (sum - slope * sums(reciprocal(slope), best.shift).q) / weight
    let b = stored((shift + smallest) * power)
    let (multiplier, origin) = (reciprocal(slope), b * unit)
    return Fields(
      scale: s, bias: b,
      codes: x.map { Int(nearest(($0 * unit - origin) * multiplier, 0...highest)) })
  }
}

extension GroupFormat.Scale {
  /// The nearest number that a scale can be, within its finite range.
  func nearest(_ x: Float) -> Float {
    switch self {
    case .f16: return Float(Float16(min(max(x, -65504), 65504)))
    case .bf16:
      let n = min(max(x, -0x1.FEp127), 0x1.FEp127).bitPattern
      return Float(bitPattern: (n + 0x7FFF + (n >> 16 & 1)) & 0xFFFF_0000)
    default: return min(max(x, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }
  }
}
