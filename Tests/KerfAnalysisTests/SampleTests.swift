import KerfAnalysis
import KerfCheckpoints
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfReference
import KerfTestSupport
import SystemPackage
import Testing

@Suite struct SampleTests {
  @Test(
    "what users write",
    arguments: [
      ("5%", Sample.Extent.share(0.05)), ("0.05", .share(0.05)), ("100%", .share(1)),
      ("1", .share(1)), ("1M", .elements(1_000_000)), ("2.5k", .elements(2500)),
      ("65536", .elements(65536)),
    ])
  func extents(text: String, extent: Sample.Extent) {
    #expect(Sample.Extent(text) == extent)
  }

  @Test(
    "what is no part of anything",
    arguments: ["", "%", "0", "0%", "101%", "-1", "-5%", "nan", "1e3", "M", "0M", "5 %", "infM"])
  func refused(text: String) { #expect(Sample.Extent(text) == nil) }

  @Test(
    "runs are whole tiles, each once, spread over all of the tensor",
    arguments: [Sample.Extent.share(0.013), .share(0.5), .share(0.97), .elements(100_000)])
  func runs(extent: Sample.Extent) throws {
    for elements in [40 * 4096, 1000 * 4096 + 32, 12_345_600] {
      let runs = try #require(Sample(extent, seed: 7).runs(of: "x", elements: elements))
      let ranges = (0..<runs.count).map { runs[$0] }
      #expect(ranges.allSatisfy { $0.lowerBound % 4096 == 0 && $0.upperBound <= elements })
      #expect(ranges.allSatisfy { $0.count == 4096 || $0.upperBound == elements })
      #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound })
      // No gap is longer than two strata.
      let stratum = elements / runs.count + 4096
      let edges = [0] + ranges.map(\.lowerBound) + [elements]
      #expect(zip(edges, edges.dropFirst()).allSatisfy { $1 - $0 <= 2 * stratum })
    }
  }

  @Test("runs are as long as groups that are longer than tiles")
  func longRuns() throws {
    let length = 11_008
    let runs = try #require(
      Sample(.share(0.1)).runs(of: "x", elements: 500 * length, length: length))
    let ranges = (0..<runs.count).map { runs[$0] }
    #expect(ranges.count == 50 && Set(ranges).count == 50)
    #expect(ranges.allSatisfy { $0.lowerBound % length == 0 && $0.count == length })
  }

  @Test("little is looked at as a whole")
  func small() {
    #expect(Sample(.share(0.01)).runs(of: "x", elements: 32 * 4096) == nil)
    #expect(Sample(.share(0.01)).runs(of: "x", elements: 0) == nil)
    #expect(Sample(.share(0.01)).runs(of: "x", elements: 32 * 4096 + 1)?.count == 32)
    #expect(Sample(.share(1)).runs(of: "x", elements: 1 << 30) == nil)
    #expect(Sample(.elements(1 << 40)).runs(of: "x", elements: 1 << 30) == nil)
  }

  @Test("seeds and names choose, and nothing else")
  func choice() throws {
    func chosen(_ seed: UInt64, _ name: String) throws -> [Int] {
      let runs = try #require(
        Sample(.share(0.1), seed: seed).runs(of: name, elements: 1000 * 4096))
      return (0..<runs.count).map { runs[$0].lowerBound }
    }
    #expect(try chosen(1, "a") == chosen(1, "a"))
    #expect(try chosen(1, "a") != chosen(2, "a"))
    #expect(try chosen(1, "a") != chosen(1, "b"))
  }

  /// Rows differ in size and tails, and some are much larger. What is rarer than runs are cannot be
  /// asked of a sample.
  @Test("the whole lies within three error bars of nearly every sample")
  func honesty() throws {
    let folder = try Folder()
    let path = folder.file("uneven.safetensors")
    var random = SplitMix(seed: 11)
    let columns = 512
    let rows = 2400
    var values = [Float](repeating: 0, count: rows * columns)
    for row in 0..<rows {
      let size: Float = (row % 40 == 5 ? 4 : 1) * (1 + Float(row) / Float(rows))
      let isHeavy = row % 8 == 0
      for column in 0..<columns {
        let x = Float(random.next() >> 40) / Float(1 << 24) * 2 - 1
        values[row * columns + column] = size * (isHeavy ? x * x * x * 3 : x)
      }
    }
    let half = values.count / 2
    try write(
      [
        ("a.weight", .f32, [rows / 2, columns], bytes(Array(values[..<half]))),
        ("b.weight", .f32, [rows / 2, columns], bytes(Array(values[half...]))),
      ], to: path)
    var request = SweepRequest(input: path, threads: 2)
    request.formats = [.format(.q4_0), .format(.q2_K)]
    request.rounding = .reference
    request.productRows = []
    let whole = try Sweep(request).run()
    #expect(whole.sampledShare == 1 && whole.formats.allSatisfy { $0.relativeError == nil })
    var within = 0
    var all = 0
    var squares = 0.0
    for seed in 0..<24 as Range<UInt64> {
      request.sample = Sample(.share(0.2), seed: seed)
      let sampled = try Sweep(request).run()
      #expect(sampled.sampledShare < 0.22)
      for (row, exact) in zip(sampled.formats, whole.formats) {
        let nmse = try #require(row.loss.nmse)
        let error = try #require(row.relativeError) * nmse
        let distance = (nmse - exact.loss.nmse!) / error
        within += abs(distance) <= 3 ? 1 : 0
        squares += distance * distance
        all += 1
        for (outcome, whole) in zip(row.outcomes, exact.outcomes) {
          let outcome = try #require(outcome)
          let bar = try #require(outcome.nmseStandardError)
          within += abs(outcome.loss.nmse! - whole!.loss.nmse!) <= 3 * bar ? 1 : 0
          all += 1
          // The estimates are those of whole tensors.
          #expect(outcome.loss.count == half)
        }
      }
    }
    #expect(all == 144)
    #expect(Double(within) >= 0.96 * Double(all))
    // Bars that are far too long would be no help.
    #expect((squares / 48).squareRoot() > 0.3)
  }
}
