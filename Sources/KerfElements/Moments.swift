/// What some elements are like: their extremes, their mean, and sums of powers of their distances
/// from it, in double precision.
///
/// Elements that are not finite are counted and left out of everything else.
package struct Moments: Sendable, Hashable {
  /// Finite elements.
  package var count = 0
  /// Finite elements that are zero, of either sign.
  package var zeros = 0
  /// Elements that are NaN.
  package var notNumbers = 0
  /// Elements that are infinite.
  package var infinities = 0
  /// The least element; 0 where there is none.
  package var minimum: Float = 0
  /// The greatest element; 0 where there is none.
  package var maximum: Float = 0
  /// The mean m; 0 where there is none.
  package var mean = 0.0
  /// Σ(x−m)²
  package var second = 0.0
  /// Σ(x−m)³
  package var third = 0.0
  /// Σ(x−m)⁴
  package var fourth = 0.0

  package init() {}
}

/// Where ``KernelTable/tally`` counts: bins of one width on both sides of a centre, and two places
/// for all that lies beyond them.
package struct TallyBins: Sendable, Hashable {
  /// The middle of the bins.
  package let center: Double
  /// How far the bins reach from there.
  package let reach: Double
  /// How many bins there are.
  package let count: Int

  /// - Precondition: all are finite, `reach` and `count` above zero.
  package init(center: Double, reach: Double, count: Int) {
    precondition(center.isFinite && reach.isFinite && reach > 0 && count > 0, "bins of no width")
    self.center = center
    self.reach = reach
    self.count = count
  }
}
