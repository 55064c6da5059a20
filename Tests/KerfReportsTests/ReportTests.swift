import Foundation
import KerfElements
import KerfMetrics
import KerfReports
import Testing

@Suite struct ReportTests {
  private let report: LossReport = {
    var losses = LossAccumulator()
    var sums = LossSums()
    sums.squaredError = 0.5
    sums.squaredReference = 64
    sums.squaredCandidate = 63
    sums.absoluteError = 4
    sums.error = -0.25
    sums.maxAbsoluteError = 0.125
    sums.nonFiniteReference = 1
    losses.add(sums, count: 65)
    return LossReport(
      source: "a.safetensors", target: "b.gguf", instructionSet: .baseline,
      rows: [
        .init(
          name: "x, \"y\"\n", shape: [5, 13], sourceFormat: .f32, format: .f16,
          wantedFormat: .q4_0, sourceByteCount: 260, byteCount: 130, loss: losses.loss,
          note: "rows of 13 do not fill blocks of q4_0: f16 instead"),
        .init(
          name: "ids", shape: [2], sourceFormat: .i64, format: .i64, wantedFormat: .i64,
          sourceByteCount: 16, byteCount: 16),
      ],
      total: .init(elements: 67, bytesIn: 276, bytesOut: 146, loss: losses.loss, seconds: 0.5))
  }()

  @Test("the JSON has the names that others hold on to")
  func json() throws {
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: Any])
    #expect(object["isa"] as? String == "baseline")
    let rows = try #require(object["tensors"] as? [[String: Any]])
    let row = rows[0]
    #expect(row["shape"] as? [Int] == [5, 13])
    #expect(row["wanted_format"] as? String == "q4_0")
    #expect(row["bytes"] as? Int == 130)
    #expect(row["bits_per_weight"] as? Double == 16)
    #expect(row["mse"] as? Double == 0.5 / 64)
    #expect(row["nmse"] as? Double == 0.5 / 64)
    #expect(row["max_abs_error"] as? Double == 0.125)
    #expect(row["mean_abs_error"] as? Double == 4.0 / 64)
    #expect(row["bias"] as? Double == -0.25 / 64)
    #expect(row["non_finite"] as? Int == 1)
    // What was not measured is there, and null.
    #expect(rows[1]["sqnr_db"] is NSNull)
    #expect(rows[1]["cosine"] is NSNull)
    let total = try #require(object["total"] as? [String: Any])
    #expect(total["bytes_in"] as? Int == 276)
    #expect(total["seconds"] as? Double == 0.5)
  }

  @Test("CSV quotes what needs it")
  func csv() {
    let lines = report.csv.components(separatedBy: "\r\n")
    #expect(lines[0].hasPrefix("name,shape,elements,source_format,format,wanted_format,bytes"))
    #expect(report.csv.contains("\"x, \"\"y\"\"\n\",5x13,65,f32,f16,q4_0,130"))
    #expect(lines[2].hasPrefix("ids,2,2,i64,i64,i64,16,16,64.0,,,,"))
  }

  @Test("the terminal shows formats, the worst, notes and the total")
  func text() {
    let text = report.text()
    #expect(text.contains("21.07 dB"))
    #expect(text.contains("x, \"y\"\u{FFFD}: rows of 13 do not fill blocks of q4_0: f16 instead"))
    #expect(text.contains("1 element NaN or infinite"))
    #expect(text.contains("67 elements, 276 B → 146 B"))
    #expect(text.split(separator: "\n").allSatisfy { $0.last != " " })
  }

  /// The report as one of two files that were compared.
  private var comparison: LossReport {
    var report = report
    report.isComparison = true
    report.rows[0].candidateName = "blk.0.x"
    report.rows[0].note = "transposed"
    report.rows[0].productErrors = .init(random: 0.0834, outliers: 0.5)
    report.unmatched = .init(reference: ["lost"], candidate: (0..<12).map { "new\($0)" })
    report.unmatched.reasons = ["lost": "no heads"]
    return report
  }

  @Test("a comparison says what names its rows have, and which tensors have no partner")
  func comparisonJSON() throws {
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(comparison.json.utf8)) as? [String: Any])
    let rows = try #require(object["tensors"] as? [[String: Any]])
    #expect(rows.map { $0["candidate_name"] as? String } == ["blk.0.x", "ids"])
    #expect(rows[0]["matmul_error"] as? Double == 0.0834)
    #expect(rows[1]["matmul_error_outliers"] is NSNull)
    let unmatched = try #require(object["unmatched"] as? [String: Any])
    #expect(unmatched["reference"] as? [String] == ["lost"])
    #expect((unmatched["candidate"] as? [String])?.count == 12)
    #expect(unmatched["reasons"] as? [String: String] == ["lost": "no heads"])
    #expect(!report.json.contains("unmatched") && !report.json.contains("candidate_name"))
    let lines = comparison.csv.components(separatedBy: "\r\n")
    #expect(lines[0].hasSuffix(",matmul_error,matmul_error_outliers,candidate_name"))
    #expect(lines[1].hasSuffix(",transposed,0.0834,0.5,blk.0.x"))
  }

  @Test("the terminal shows a comparison's names, products and what has no partner")
  func comparisonText() {
    let text = comparison.text()
    #expect(text.contains("8.34%") && text.contains("50.00%"))
    #expect(text.contains("1 tensor matched by what names mean"))
    #expect(text.contains("x, \"y\"\u{FFFD}: transposed"))
    #expect(text.contains("only in the reference: 1 tensor\n  - lost: no heads"))
    #expect(text.contains("only in the candidate: 12 tensors"))
    #expect(text.contains("new9") && !text.contains("new10") && text.contains("and 2 more"))
    #expect(!report.text().contains("only in"))
  }

  @Test(
    "bytes in decimal units",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
      (90_868_376, "90.9 MB"), (5_000_000_000_000, "5.0 TB"),
    ])
  func bytes(count: Int, text: String) { #expect(Numbers.bytes(count) == text) }

  @Test("digits in groups")
  func grouped() {
    #expect(Numbers.grouped(22_713_216) == "22,713,216")
    #expect(Numbers.grouped(-1000) == "-1,000")
    #expect(Numbers.grouped(7) == "7")
  }
}
