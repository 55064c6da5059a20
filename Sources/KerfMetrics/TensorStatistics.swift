package import KerfElements

/// What the elements of a tensor are like, in double precision.
///
/// Elements that are NaN or infinite are counted and left out of every other figure. Sums do not
/// depend on the number of threads or the instruction set.
public struct TensorStatistics: Sendable, Hashable {
  /// Finite elements.
  public let count: Int
  /// Finite elements that are zero.
  public let zeros: Int
  /// Elements that are NaN.
  public let notNumbers: Int
  /// Elements that are infinite.
  public let infinities: Int
  /// The least element; `nil` where none is finite, as all that follows.
  public let minimum: Double?
  /// The greatest element.
  public let maximum: Double?
  /// The mean.
  public let mean: Double?
  /// The standard deviation of all elements, √(Σ(x−m)²/n).
  public let standardDeviation: Double?
  /// Σ(x−m)³/n over the cubed standard deviation; `nil` where all elements are the same.
  public let skewness: Double?
  /// Σ(x−m)⁴/n over the fourth power of the standard deviation, minus 3, which is what a normal
  /// distribution has; `nil` where all elements are the same.
  public let excessKurtosis: Double?
  /// Elements farther from the mean than ``outlierReach`` standard deviations.
  public let outliers: Int
  /// How elements are distributed, where that was asked for.
  public let histogram: Histogram?

  /// How many standard deviations from the mean outliers begin.
  public static let outlierReach = 6.0

  /// How many elements lie where, in bins of one width.
  public struct Histogram: Sendable, Hashable {
    /// Where the first bin begins, and where the last one ends.
    public let range: ClosedRange<Double>
    /// Elements in each bin; one on the border of two belongs to the upper one.
    public let counts: [Int]
    /// Elements below the first bin.
    public let below: Int
    /// Elements above the last bin.
    public let above: Int

    /// A histogram of these counts.
    public init(range: ClosedRange<Double>, counts: [Int], below: Int, above: Int) {
      self.range = range
      self.counts = counts
      self.below = below
      self.above = above
    }
  }
}

/// Adds up what pieces of a tensor are like, in the order they are given.
///
/// Moments of two sets are merged by the formulas of Pébay (Sandia report SAND2008-6212), which
/// generalise those of Chan, Golub and LeVeque for the variance.
package struct StatisticsAccumulator: Sendable {
  private var sums = Moments()
  private var below = 0
  private var above = 0
  private var bins: [Int] = []

  package init() {}

  /// Adds elements that are not among those added before.
  package mutating func add(_ moments: Moments) { sums.add(moments) }

  /// Adds all that another accumulator has of moments.
  package mutating func add(_ other: StatisticsAccumulator) { sums.add(other.sums) }

  /// The least element so far.
  package var minimum: Float { sums.minimum }
  /// The greatest element so far.
  package var maximum: Float { sums.maximum }

  /// Whether an element lies so far from the mean that it counts as an outlier.
  package var hasOutliers: Bool {
    tallyBins(1).map { $0.leavesOut(minimum) || $0.leavesOut(maximum) } ?? false
  }

  private var deviation: Double {
    sums.count > 0 ? (sums.second / Double(sums.count)).squareRoot() : 0
  }

  /// Where to count elements, once all pieces have been added: from the mean as far as outliers
  /// begin, on both sides. `nil` where all elements are the same.
  package func tallyBins(_ count: Int) -> TallyBins? {
    let reach = TensorStatistics.outlierReach * deviation
    guard reach > 0, reach.isFinite else { return nil }
    return TallyBins(center: sums.mean, reach: reach, count: count)
  }

  /// Adds what was counted there: below the bins, in each of them, above them.
  package mutating func add(tally: [Int]) {
    below += tally[0]
    above += tally[tally.count - 1]
    if bins.isEmpty { bins = [Int](repeating: 0, count: tally.count - 2) }
    for index in bins.indices { bins[index] += tally[index + 1] }
  }

  /// The figures so far.
  ///
  /// - Parameter hasHistogram: Whether what was counted in bins is wanted.
  package func statistics(hasHistogram: Bool = false) -> TensorStatistics {
    let count = sums.count
    let deviation = deviation
    let variance = deviation * deviation
    let hasSpread = count > 0 && variance > 0
    func some(_ value: Double) -> Double? { count > 0 ? value : nil }
    var histogram: TensorStatistics.Histogram?
    if hasHistogram, let places = tallyBins(1), !bins.isEmpty {
      histogram = TensorStatistics.Histogram(
        range: places.center - places.reach...places.center + places.reach, counts: bins,
        below: below, above: above)
    }
    return TensorStatistics(
      count: count, zeros: sums.zeros, notNumbers: sums.notNumbers, infinities: sums.infinities,
      minimum: some(Double(sums.minimum)), maximum: some(Double(sums.maximum)),
      mean: some(sums.mean), standardDeviation: some(deviation),
      skewness: hasSpread ? sums.third / Double(count) / (variance * deviation) : nil,
      excessKurtosis: hasSpread ? sums.fourth / Double(count) / (variance * variance) - 3 : nil,
      outliers: below + above, histogram: histogram)
  }
}

extension Moments {
  fileprivate mutating func add(_ other: Moments) {
    notNumbers += other.notNumbers
    infinities += other.infinities
    zeros += other.zeros
    guard other.count > 0 else { return }
    guard count > 0 else {
      let (zeros, notNumbers, infinities) = (zeros, notNumbers, infinities)
      self = other
      (self.zeros, self.notNumbers, self.infinities) = (zeros, notNumbers, infinities)
      return
    }
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
    let a = Double(count)
    let b = Double(other.count)
    let n = a + b
    let step = other.mean - mean
    // Each power of the step is divided by n at once, so that none overflows.
    let part = step / n
    fourth +=
      other.fourth + step * part * part * part * a * b * (a * a - a * b + b * b)
      + 6 * part * part * (a * a * other.second + b * b * second)
      + 4 * part * (a * other.third - b * third)
    third +=
      other.third + step * part * part * a * b * (a - b)
      + 3 * part * (a * other.second - b * second)
    second += other.second + step * part * a * b
    mean += part * b
    count += other.count
  }
}

extension TallyBins {
  /// Whether an element lies below the first bin or above the last.
  package func leavesOut(_ element: Float) -> Bool { abs(Double(element) - center) > reach }
}
