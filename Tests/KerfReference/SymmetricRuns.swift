// The twins of the searches over runs: y = a · q, q on a grid of numbers.
//
// What each step is for stands in `KerfKernels/SymmetricRuns.swift` and `SubScales.swift`.

import KerfElements

/// The numbers that codes stand for, in order.
struct Grid {
  let numbers: [Float]

  static func integers(_ range: ClosedRange<Int>) -> Grid { Grid(numbers: range.map { Float($0) }) }
  static let iq4 = Grid(numbers: [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ])

  /// The code of the nearest number; half-way places go to the even integer, or to the lower number
  /// of a table.
  func code(_ place: Float) -> Int {
    // No number, as of ∞ · 0, counts as the lowest.
    guard !place.isNaN else { return 0 }
    if self.numbers[1] - self.numbers[0] == 1 {
      let clamped = min(max(place, numbers[0]), numbers[numbers.count - 1])
      return Int(clamped.rounded(.toNearestOrEven) - numbers[0])
    }
    return zip(numbers, numbers.dropFirst()).count { place > 0.5 * ($0 + $1) }
  }

  func nearest(_ place: Float) -> Float { numbers[code(place)] }
}

/// A run of elements and how much the squared errors of each count.
struct Run {
  var elements: [Float]
  /// `nil` where all count alike.
  var weights: [Float]?

  /// The element of largest magnitude; of two with either sign, the positive one.
  var signedLargest: Float {
    let (top, bottom) = (elements.max()!, elements.min()!)
    return top >= 0 - bottom ? top : bottom
  }

  /// Weights as the reference code has them: an element counts by its square.
  var weighedBySquares: Run {
    let size = signedLargest.magnitude
    let unit = size < 1e-15 ? 0 : 1 / size
    return Run(elements: elements, weights: elements.map { ($0 * unit) * ($0 * unit) })
  }

  func weighted(_ x: Float, _ j: Int) -> Float { weights.map { x * $0[j] } ?? x }

  /// Sums over the codes of elements times `multiplier`.
  func fit(_ grid: Grid, _ multiplier: Float) -> RunFit {
    var sums = RunFit(xq: 0, qq: 0)
    for (j, x) in elements.enumerated() {
      let q = grid.nearest(x * multiplier)
      sums.xq += x * weighted(q, j)
      sums.qq += q * weighted(q, j)
    }
    return sums
  }

  /// The two best of the candidates.
  func search(_ grid: Grid, _ places: [Float]) -> (first: RunFit, second: RunFit) {
    let unit = signedLargest.magnitude < 0x1p-100 ? 0 : 1 / signedLargest
    var (first, second) = (RunFit(xq: 0, qq: 1), RunFit(xq: 0, qq: 1))
    for place in places {
      let fit = fit(grid, unit * place)
      if fit.takesMore(than: first) {
        (first, second) = (fit, first)
      } else if fit.takesMore(than: second) {
        second = fit
      }
    }
    return (first, second)
  }
}

/// Σ w·x·q and Σ w·q².
struct RunFit {
  var xq, qq: Float

  var scale: Float { xq / qq }
  /// Σ w(x − aq)² − Σ wx²
  func error(_ a: Float) -> Float { a * (a * qq - (xq + xq)) }
  func takesMore(than other: RunFit) -> Bool { xq * xq * other.qq > other.xq * other.xq * qq }
}

/// The runs of a block; weights are made 1 at most, and alike in a run that has none.
func runs(_ block: [Float], _ importance: [Float]?, length: Int) -> [Run] {
  let largest = importance?.max() ?? 0
  let unit = largest < 0x1p-120 ? 0 : 1 / largest
  return stride(from: 0, to: block.count, by: length).map { start in
    let elements = block[start..<start + length].map { min(max($0, -0x1p36), 0x1p36) }
    let weights = importance.map { importance in
      let own = importance[start..<start + length]
      return own.max()! < 0x1p-120 ? own.map { _ in 0x1p-20 } : own.map { $0 * unit }
    }
    return Run(elements: elements, weights: weights)
  }
}

/// A block of symmetric codes under importance, its scale in half precision; codes count from 0.
func weightedSymmetric(
  _ block: [Float], _ importance: [Float], _ grid: Grid, _ places: [Float]
) -> (scale: Float, codes: [Int]) {
  let run = runs(block, importance, length: block.count)[0]
  let scale = storedHalf(run.search(grid, places).first.scale)
  return (scale, run.elements.map { grid.code($0 * reciprocal(scale)) })
}

extension ReferenceQ8_0: WeightedReferenceFormat {
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    guard let weights else { return searched(block) }
    let (scale, codes) = weightedSymmetric(
      block, weights, .integers(-128...127),
      [112, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, -128, -129])
    return halfBytes(scale) + codes.map { UInt8(bitPattern: Int8($0 - 128)) }
  }
}

extension ReferenceQ4_0: WeightedReferenceFormat {
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    guard let weights else { return searched(block) }
    let (scale, codes) = weightedSymmetric(
      block, weights, .integers(-8...7),
      [
        5.1, 6.1, 6.8, 7.2, 8.2, 8.8, 9.9, -7.7, -8, -8.3, -8.7, -9.1, -9.6, -10.1, -10.9, -12,
      ])
    return halfBytes(scale) + nibbles(codes.map { UInt8($0) })
  }
}

extension ReferenceQ5_0: WeightedReferenceFormat {
  public static func searched(_ block: [Float], weights: [Float]?) -> [UInt8] {
    guard let weights else { return searched(block) }
    let (scale, codes) = weightedSymmetric(
      block, weights, .integers(-16...15),
      [
        11, 12, 13, 14, 14.6, 15, 15.4, 16.8, -15.8, -16.2, -16.6, -17.2, -17.8, -18.6, -19.8,
        -21.6,
      ])
    let bytes = codes.map { UInt8($0) }
    return halfBytes(scale) + fifthBits(bytes) + nibbles(bytes)
  }
}
