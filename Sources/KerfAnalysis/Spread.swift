/// How much the error of a sample's runs varies, and so how far the sample may be from the whole.
///
/// With the squared error eᵢ and the squared reference xᵢ of each run, nmse is the ratio r = Σe/Σx,
/// and what a run lies off is dᵢ = eᵢ − r·xᵢ. The variance of Σd over the whole tensor follows from
/// that of the dᵢ, as if runs had been drawn anywhere (Cochran, Sampling Techniques, §6.4): strata
/// can only make it smaller. The moments are kept, so that r may be another's: that of all tensors.
package struct Spread: Sendable {
  /// Runs that were looked at.
  package private(set) var runs = 0
  private var e = 0.0
  private var x = 0.0
  private var ee = 0.0
  private var ex = 0.0
  private var xx = 0.0

  mutating func add(error: Double, reference: Double) {
    runs += 1
    e += error
    x += reference
    ee += error * error
    ex += error * reference
    xx += reference * reference
  }

  mutating func add(_ other: Spread) {
    runs += other.runs
    e += other.e
    x += other.x
    ee += other.ee
    ex += other.ex
    xx += other.xx
  }

  /// The variance of the whole tensor's Σ(e − r·x), of which `share` was looked at.
  package func variance(ratio r: Double, share: Double) -> Double {
    guard runs > 1, share > 0, share < 1 else { return 0 }
    let n = Double(runs)
    let mean = (e - r * x) / n
    let squares = ee - 2 * r * ex + r * r * xx
    let ofOne = max(squares - n * mean * mean, 0) / (n - 1)
    return n * ofOne * (1 - share) / (share * share)
  }
}
