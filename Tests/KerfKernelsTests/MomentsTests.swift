import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct MomentsTests {
  private let counts = [0, 1, 15, 16, 17, 31, 4096, 4111]

  @Test("moments agree with plain double arithmetic", arguments: tables, Input.all)
  func moments(table: KernelTable, input: Input) {
    for count in counts {
      let row = input.row(count)
      let found = table.moments(row, count)
      let expected = Moments.reference(row)
      #expect(found.count == expected.count)
      #expect(found.zeros == expected.zeros)
      #expect(found.notNumbers == expected.notNumbers)
      #expect(found.infinities == expected.infinities)
      #expect(found.minimum == expected.minimum)
      #expect(found.maximum == expected.maximum)
      let largest = Double(max(abs(found.minimum), abs(found.maximum)))
      #expect(abs(found.mean - expected.mean) <= 1e-13 * largest)
      #expect(
        abs(found.second - expected.second) <= 1e-12 * expected.second + 1e-24 * largest * largest)
      // The third may be small beside what it is the difference of.
      let cubes = expected.second * largest
      #expect(abs(found.third - expected.third) <= 1e-12 * cubes + 1e-30 * cubes)
      #expect(abs(found.fourth - expected.fourth) <= 1e-12 * cubes * largest)
    }
  }

  @Test("a mean that is large beside the deviation costs nothing", arguments: tables)
  func largeMean(table: KernelTable) {
    // Elements of a few values around 2²³, where floats are whole numbers.
    let row = (0..<4096).map { 8_388_608 + Float($0 % 8) }
    let found = table.moments(row, row.count)
    #expect(found.mean == 8_388_611.5)
    #expect(found.second == 4096 * 5.25)
    #expect(abs(found.third) <= 1e-9)
    #expect(abs(found.fourth - 4096 * 48.5625) <= 1e-9)
  }

  @Test("elements that are all the same have no deviation at all", arguments: tables)
  func constant(table: KernelTable) {
    let row = [Float](repeating: 0.1, count: 4099)
    let found = table.moments(row, row.count)
    #expect(found.mean == Double(Float(0.1)))
    #expect(found.second == 0 && found.third == 0 && found.fourth == 0)
  }

  @Test("elements are counted where they lie", arguments: tables, Input.all)
  func tally(table: KernelTable, input: Input) {
    for bins in [
      TallyBins(center: 0, reach: 3, count: 10), TallyBins(center: -0.375, reach: 1e-3, count: 1),
      TallyBins(center: 7, reach: 1e30, count: 120),
    ] {
      for count in counts {
        let row = input.row(count)
        // What was counted before stays.
        var found = [Int](repeating: 5, count: bins.count + 2)
        table.tally(row, count, bins, &found)
        let isEqual = found.map { $0 - 5 } == bins.reference(row)
        #expect(isEqual)
      }
    }
  }

  @Test("every instruction set gives the same to the bit", arguments: Input.all)
  func sameEverywhere(input: Input) {
    let row = input.row(4111)
    for table in tables.dropFirst() {
      #expect(table.moments(row, row.count) == tables[0].moments(row, row.count))
    }
  }
}
