import KerfCodecs
import KerfElements
import KerfMetrics
import KerfReference
import Testing

@Suite struct StatisticsTests {
  /// The statistics of a row that comes in pieces.
  private func statistics(_ row: [Float], pieces: [Int], bins: Int = 1) throws -> TensorStatistics {
    let table = try KernelTable.current()
    var found = StatisticsAccumulator()
    var start = 0
    for piece in pieces {
      Array(row[start..<start + piece]).withUnsafeBufferPointer {
        guard let address = $0.baseAddress else { return }
        found.add(table.moments(address, piece))
      }
      start += piece
    }
    #expect(start == row.count)
    if let places = found.tallyBins(bins) {
      var counts = [Int](repeating: 0, count: bins + 2)
      table.tally(row, row.count, places, &counts)
      found.add(tally: counts)
    }
    return found.statistics(hasHistogram: bins > 1)
  }

  @Test(
    "pieces make the same as the whole", arguments: [[3000], [1, 2999], [1000, 0, 1500, 500]])
  func pieces(pieces: [Int]) throws {
    var random = SplitMix(seed: 3)
    // Skewed, with long tails, and far from zero.
    let row = (0..<3000).map { _ in
      let x = random.normal()
      return 1000 + x * x * x + Float(x > 2 ? 40 : 0)
    }
    let found = try statistics(row, pieces: pieces)
    let expected = Moments.reference(row)
    let deviation = (expected.second / 3000).squareRoot()
    #expect(abs(found.mean! - expected.mean) <= 1e-12 * expected.mean)
    #expect(abs(found.standardDeviation! - deviation) <= 1e-12 * deviation)
    let skewness = expected.third / 3000 / (deviation * deviation * deviation)
    #expect(abs(found.skewness! - skewness) <= 1e-11 * abs(skewness))
    let kurtosis = expected.fourth / 3000 / (deviation * deviation * deviation * deviation) - 3
    #expect(abs(found.excessKurtosis! - kurtosis) <= 1e-11 * kurtosis)
    #expect(
      found.outliers == row.count { abs(Double($0) - expected.mean) > 6 * deviation })
    #expect(found.outliers > 0)
  }

  @Test func knownDistributions() throws {
    // Two values of equal share: the flattest there is.
    let coin = try statistics((0..<1024).map { $0 % 2 == 0 ? -1 : 1 }, pieces: [512, 512])
    #expect(coin.mean == 0 && coin.standardDeviation == 1)
    #expect(coin.skewness == 0 && coin.excessKurtosis == -2)
    var random = SplitMix(seed: 9)
    let normal = try statistics((0..<65536).map { _ in random.normal() }, pieces: [65536])
    #expect(abs(normal.excessKurtosis!) < 0.2)
  }

  @Test func whatIsNoNumberIsLeftOut() throws {
    let found = try statistics([.nan, 2, .infinity, 4, -.infinity, 0], pieces: [1, 2, 3], bins: 4)
    #expect(found.count == 3)
    #expect((found.notNumbers, found.infinities, found.zeros) == (1, 2, 1))
    #expect(found.minimum == 0 && found.maximum == 4 && found.mean == 2)
    #expect(found.histogram?.counts.reduce(0, +) == 3)
  }

  @Test("nothing is said of nothing", arguments: [[], [Float.nan, .nan]])
  func nothing(row: [Float]) throws {
    let found = try statistics(row, pieces: [row.count], bins: 4)
    #expect(found.count == 0 && found.notNumbers == row.count)
    #expect(found.minimum == nil && found.maximum == nil && found.mean == nil)
    #expect(found.standardDeviation == nil && found.excessKurtosis == nil)
    #expect(found.histogram == nil && found.outliers == 0)
  }

  @Test func elementsThatAreAllTheSame() throws {
    let found = try statistics([Float](repeating: -0.3, count: 5000), pieces: [4096, 904], bins: 4)
    #expect(found.standardDeviation == 0 && found.mean == Double(Float(-0.3)))
    #expect(found.skewness == nil && found.excessKurtosis == nil && found.histogram == nil)
  }
}
