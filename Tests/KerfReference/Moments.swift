// What elements are like, one at a time.

import KerfElements

extension Moments {
  /// The moments of a row, in plain double arithmetic.
  package static func reference(_ row: [Float]) -> Moments {
    let finite = row.filter(\.isFinite)
    var found = Moments()
    found.count = finite.count
    found.zeros = finite.count { $0 == 0 }
    found.notNumbers = row.count(where: \.isNaN)
    found.infinities = row.count(where: \.isInfinite)
    guard let minimum = finite.min(), let maximum = finite.max() else { return found }
    found.minimum = minimum
    found.maximum = maximum
    found.mean = finite.reduce(0) { $0 + Double($1) } / Double(finite.count)
    for element in finite {
      let distance = Double(element) - found.mean
      found.second += distance * distance
      found.third += distance * distance * distance
      found.fourth += distance * distance * distance * distance
    }
    return found
  }
}

extension TallyBins {
  /// How many elements of a row lie below the bins, in each, and above them.
  package func reference(_ row: [Float]) -> [Int] {
    var counts = [Int](repeating: 0, count: count + 2)
    for element in row where element.isFinite {
      let distance = Double(element) - center
      if distance < -reach {
        counts[0] += 1
      } else if distance > reach {
        counts[count + 1] += 1
      } else {
        let bin = (distance + reach) * (Double(count) / (2 * reach))
        counts[1 + min(Int(bin), count - 1)] += 1
      }
    }
    return counts
  }
}
