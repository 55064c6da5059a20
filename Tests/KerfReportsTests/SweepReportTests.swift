import Foundation
import KerfElements
import KerfMetrics
import KerfReports
import Testing

@Suite struct SweepReportTests {
  private static func loss(error: Double, reference: Double = 100, nonFinite: Int = 0) -> Loss {
    var sums = LossSums()
    sums.squaredError = error
    sums.squaredReference = reference
    sums.squaredCandidate = reference
    sums.nonFiniteReference = nonFinite
    var losses = LossAccumulator()
    losses.add(sums, count: 64)
    return losses.loss
  }

  private func report(relativeError: Double?) -> SweepReport {
    let loss = SweepReportTests.loss
    return SweepReport(
      source: "a.safetensors", instructionSet: .baseline, rounding: .optimal,
      sampledShare: relativeError == nil ? 1 : 0.25, seed: relativeError == nil ? nil : 7,
      tensors: [
        .init(name: "x,\u{1B}[2J", shape: [2, 32], format: .f16, byteCount: 128),
        .init(name: "y", shape: [2, 256], format: .f32, byteCount: 2048),
      ],
      formats: [
        .init(
          name: "f32", bitsPerWeight: 32,
          outcomes: [
            .init(byteCount: 256, loss: loss(0, 100, 0)),
            .init(byteCount: 2048, loss: loss(0, 100, 0)),
          ],
          byteCount: 2304, loss: loss(0, 100, 1), relativeError: relativeError.map { _ in 0 },
          encodeBytesPerSecond: 0),
        .init(
          name: "q4_K", bitsPerWeight: 4.5,
          outcomes: [nil, .init(byteCount: 288, loss: loss(1, 100, 0))],
          byteCount: 332, loss: loss(1, 100, 0), fileLoss: loss(2, 200, 0),
          relativeError: relativeError, encodeBytesPerSecond: 1.5e9,
          products: [.init(m: 1, operationsPerSecond: 2e9, weightBytesPerSecond: 3e9)]),
        .init(
          name: "q4_0", bitsPerWeight: 4.5,
          outcomes: [
            .init(byteCount: 36, loss: loss(4, 100, 0), nmseStandardError: relativeError),
            .init(byteCount: 288, loss: loss(1, 100, 0)),
          ],
          byteCount: 324, loss: loss(5, 200, 0), relativeError: relativeError,
          encodeBytesPerSecond: 1e9),
      ],
      keptByteCount: 1000, seconds: 0.5, productShape: [384, 1536])
  }

  @Test("the JSON has the names that others hold on to", arguments: [nil, 0.1])
  func json(relativeError: Double?) throws {
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(report(relativeError: relativeError).json.utf8))
        as? [String: Any])
    #expect(object["sampled_share"] as? Double == (relativeError == nil ? 1 : 0.25))
    #expect(object["matmul_shape"] as? [Int] == [384, 1536])
    let rows = try #require(object["formats"] as? [[String: Any]])
    #expect(rows.map { $0["format"] as? String } == ["f32", "q4_K", "q4_0"])
    #expect(rows.map { $0["file_bytes"] as? Int } == [3304, 1332, 1324])
    #expect(rows[0]["sqnr_db"] is NSNull && rows[0]["worst_tensor"] is NSNull)
    #expect(rows[0]["db_from_gaussian_bound"] is NSNull)
    #expect(rows[1]["sqnr_db"] as? Double == 20)
    #expect(rows[1]["file_nmse"] as? Double == 0.01)
    #expect(rows[1]["nmse_standard_error"] as? Double == relativeError.map { $0 * 0.01 })
    #expect(rows[1]["encode_gbps"] as? Double == 1.5)
    let products = try #require(rows[1]["matmul"] as? [[String: Any]])
    #expect(products.map { $0["weight_gbps"] as? Double } == [3])
    #expect((rows[1]["tensors"] as? [Any])?.count == 1)
    let worst = try #require(rows[2]["worst_tensor"] as? [String: Any])
    #expect(worst["name"] as? String == "x,\u{1B}[2J")
  }

  @Test("CSV has a line per format, and quotes what needs it")
  func csv() {
    let lines = report(relativeError: nil).csv.components(separatedBy: "\r\n")
    #expect(lines.count == 5 && lines[4].isEmpty)
    #expect(lines[0].hasPrefix("format,bits_per_weight,bytes,file_bytes,"))
    #expect(lines[0].contains("matmul_1_gops,matmul_1_weight_gbps"))
    #expect(lines[3].hasPrefix("q4_0,4.5,324,1324,2,") && lines[3].contains("\"x,\u{1B}[2J\""))
  }

  @Test("the table says what its columns leave out, and names cannot steer the terminal")
  func text() {
    let whole = report(relativeError: nil).text
    #expect(whole.contains("of file") && whole.contains("\u{FFFD}[2J"))
    #expect(!whole.contains("\u{1B}") && !whole.contains("±"))
    #expect(whole.contains("1 element NaN or infinite"))
    let sampled = report(relativeError: 0.1).text
    #expect(sampled.contains("20.00 ± 0.43") && sampled.contains("25.0 % of the elements, seed 7"))
    #expect(sampled.contains("exact    "))
  }
}
