package import KerfElements

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What a quantized tensor lost against its original, over all its elements.
///
/// x is an element of the original, y what the quantized tensor stands for in its place. Sums are
/// in double precision, compensated, and do not depend on the number of threads.
public struct Loss: Sendable, Hashable {
  /// Pairs that count: both elements finite.
  public let count: Int
  /// Elements of the original that are NaN or infinite; they are left out of every figure.
  public let nonFinite: Int
  /// Finite elements of the original whose stand-in is NaN or infinite; left out as well.
  public let overflowed: Int
  /// Σ(x−y)²
  public let squaredError: Double
  /// Σx²
  public let squaredReference: Double
  /// Σy²
  public let squaredCandidate: Double
  /// max |x−y|
  public let maxAbsoluteError: Double
  /// mean |x−y|
  public let meanAbsoluteError: Double
  /// mean (y−x): whether the quantized weights lean to one side.
  public let bias: Double

  /// Σw(x−y)² / Σwx², with the importance w of each column; `nil` where there was none.
  public let weightedNMSE: Double?

  /// mean (x−y)²
  public var mse: Double { count > 0 ? squaredError / Double(count) : 0 }

  /// √mse, in the weights' own unit.
  public var rmse: Double { mse.squareRoot() }

  /// Σ(x−y)² / Σx², or `nil` where the original is all zeros and the stand-in is not.
  public var nmse: Double? {
    if squaredError == 0 { return 0 }
    return squaredReference > 0 ? squaredError / squaredReference : nil
  }

  /// Signal-to-quantization-noise ratio in decibels, −10·log₁₀(nmse); `nil` where nothing was lost.
  public var sqnr: Double? {
    Loss.sqnr(squaredError: squaredError, squaredReference: squaredReference)
  }

  /// The loss of tensors together, without importance: of tensors of which only the loss is left.
  package static func total(_ losses: [Loss]) -> Loss {
    func sum(_ term: (Loss) -> Double) -> Double {
      losses.reduce(into: CompensatedSum()) { $0.add(term($1)) }.value
    }
    let count = losses.reduce(0) { $0 + $1.count }
    let divisor = Double(max(count, 1))
    return Loss(
      count: count, nonFinite: losses.reduce(0) { $0 + $1.nonFinite },
      overflowed: losses.reduce(0) { $0 + $1.overflowed },
      squaredError: sum(\.squaredError), squaredReference: sum(\.squaredReference),
      squaredCandidate: sum(\.squaredCandidate),
      maxAbsoluteError: losses.reduce(0) { max($0, $1.maxAbsoluteError) },
      meanAbsoluteError: sum { $0.meanAbsoluteError * Double($0.count) } / divisor,
      bias: sum { $0.bias * Double($0.count) } / divisor, weightedNMSE: nil)
  }

  /// The ratio from its two sums; `nil` where either is zero.
  package static func sqnr(squaredError: Double, squaredReference: Double) -> Double? {
    guard squaredError > 0, squaredReference > 0 else { return nil }
    return -10 * log10(squaredError / squaredReference)
  }

  /// Cosine of the angle between original and stand-in; `nil` where either is all zeros.
  ///
  /// It follows from the lengths of three sides, so it is right to about 1e-15 of 1: to as many
  /// digits as any figure between a tensor and its quantized form, to fewer where both have nothing
  /// to do with each other.
  public var cosine: Double? {
    guard squaredReference > 0, squaredCandidate > 0 else { return nil }
    // 2·Σxy = Σx² + Σy² − Σ(x−y)²
    let product = (squaredReference + squaredCandidate - squaredError) / 2
    return product / (squaredReference.squareRoot() * squaredCandidate.squareRoot())
  }
}

/// Adds up the loss of pieces, in the order they are given, and of whole tensors.
package struct LossAccumulator: Sendable {
  private var count = 0
  private var nonFinite = 0
  private var overflowed = 0
  private var squaredError = CompensatedSum()
  private var squaredReference = CompensatedSum()
  private var squaredCandidate = CompensatedSum()
  private var absoluteError = CompensatedSum()
  private var error = CompensatedSum()
  private var maxAbsoluteError = 0.0
  private var isWeighted = false
  private var weightedError = CompensatedSum()
  private var weightedReference = CompensatedSum()

  package init() {}

  /// Adds a piece of `count` elements; `weighted` are the sums of elements scaled by the root of
  /// their importance.
  package mutating func add(_ sums: LossSums, count: Int, weighted: LossSums? = nil) {
    if let weighted {
      isWeighted = true
      weightedError.add(weighted.squaredError)
      weightedReference.add(weighted.squaredReference)
    }
    self.count += count - sums.nonFiniteReference - sums.nonFiniteCandidate
    nonFinite += sums.nonFiniteReference
    overflowed += sums.nonFiniteCandidate
    squaredError.add(sums.squaredError)
    squaredReference.add(sums.squaredReference)
    squaredCandidate.add(sums.squaredCandidate)
    absoluteError.add(sums.absoluteError)
    error.add(sums.error)
    maxAbsoluteError = max(maxAbsoluteError, sums.maxAbsoluteError)
  }

  /// Adds all that another accumulator has.
  package mutating func add(_ other: LossAccumulator) {
    count += other.count
    nonFinite += other.nonFinite
    overflowed += other.overflowed
    squaredError.add(other.squaredError)
    squaredReference.add(other.squaredReference)
    squaredCandidate.add(other.squaredCandidate)
    absoluteError.add(other.absoluteError)
    error.add(other.error)
    isWeighted = isWeighted || other.isWeighted
    weightedError.add(other.weightedError)
    weightedReference.add(other.weightedReference)
    maxAbsoluteError = max(maxAbsoluteError, other.maxAbsoluteError)
  }

  /// The figures so far.
  package var loss: Loss {
    let divisor = Double(max(count, 1))
    return Loss(
      count: count, nonFinite: nonFinite, overflowed: overflowed,
      squaredError: squaredError.value, squaredReference: squaredReference.value,
      squaredCandidate: squaredCandidate.value, maxAbsoluteError: maxAbsoluteError,
      meanAbsoluteError: absoluteError.value / divisor, bias: error.value / divisor,
      weightedNMSE: weightedNMSE)
  }

  /// Σw(x−y)²; `nil` where nothing counted by importance.
  package var weightedSquaredError: Double? { isWeighted ? weightedError.value : nil }

  /// What a whole would have lost of which this is a part, one in `factor`, chosen by chance.
  package func scaled(by factor: Double) -> LossAccumulator {
    var whole = self
    whole.count = Int((Double(count) * factor).rounded())
    whole.nonFinite = Int((Double(nonFinite) * factor).rounded())
    whole.overflowed = Int((Double(overflowed) * factor).rounded())
    whole.squaredError.scale(by: factor)
    whole.squaredReference.scale(by: factor)
    whole.squaredCandidate.scale(by: factor)
    whole.absoluteError.scale(by: factor)
    whole.error.scale(by: factor)
    whole.weightedError.scale(by: factor)
    whole.weightedReference.scale(by: factor)
    return whole
  }

  private var weightedNMSE: Double? {
    guard isWeighted else { return nil }
    if weightedError.value == 0 { return 0 }
    return weightedReference.value > 0 ? weightedError.value / weightedReference.value : nil
  }
}

/// A sum that keeps what rounding would drop (Neumaier, 1974).
package struct CompensatedSum: Sendable {
  private var sum = 0.0
  private var correction = 0.0

  package init() {}

  package mutating func add(_ x: Double) {
    let total = sum + x
    correction += sum.magnitude >= x.magnitude ? (sum - total) + x : (x - total) + sum
    sum = total
  }

  package mutating func add(_ other: CompensatedSum) {
    add(other.sum)
    correction += other.correction
  }

  package mutating func scale(by factor: Double) {
    sum *= factor
    correction *= factor
  }

  package var value: Double { sum + correction }
}
