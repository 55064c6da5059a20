import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct LossSumsTests {
  @Test("sums agree with plain double arithmetic", arguments: tables, Input.all)
  func sums(table: KernelTable, input: Input) {
    for count in [0, 1, 15, 16, 17, 4096, 4111] {
      let x = input.row(count)
      var random = SplitMix(seed: 5)
      let y = x.map { $0 * (1 + random.normal() * 0.01) }
      let found = table.loss(x, y, count)
      let expected = naive(x, y)
      #expect(found.nonFiniteReference == expected.nonFiniteReference)
      #expect(found.nonFiniteCandidate == expected.nonFiniteCandidate)
      #expect(found.maxAbsoluteError == expected.maxAbsoluteError)
      #expect(close(found.squaredError, expected.squaredError))
      #expect(close(found.squaredReference, expected.squaredReference))
      #expect(close(found.squaredCandidate, expected.squaredCandidate))
      #expect(close(found.absoluteError, expected.absoluteError))
      #expect(abs(found.error - expected.error) <= 1e-12 * expected.absoluteError)
    }
  }

  @Test("every instruction set gives the same sums to the bit", arguments: Input.all)
  func sameEverywhere(input: Input) {
    let x = input.row(4111)
    let y = x.map { $0 * 1.01 + 0.001 }
    for table in tables.dropFirst() {
      #expect(table.loss(x, y, x.count) == tables[0].loss(x, y, x.count))
    }
  }

  private func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-13 * abs(b) }

  private func naive(_ x: [Float], _ y: [Float]) -> LossSums {
    var sums = LossSums()
    for (a, b) in zip(x, y) {
      if !a.isFinite { sums.nonFiniteReference += 1; continue }
      if !b.isFinite { sums.nonFiniteCandidate += 1; continue }
      let e = Double(b) - Double(a)
      sums.squaredError += e * e
      sums.squaredReference += Double(a) * Double(a)
      sums.squaredCandidate += Double(b) * Double(b)
      sums.absoluteError += abs(e)
      sums.error += e
      sums.maxAbsoluteError = max(sums.maxAbsoluteError, abs(e))
    }
    return sums
  }
}
