import KerfAnalysis
import KerfCheckpoints
import KerfConversion
import KerfElements
import KerfMetrics
import KerfPlanning
import KerfReference
import KerfTestSupport
import SystemPackage
import Testing

@Suite struct PlannerTests {
  private let folder: Folder
  private let input: FilePath

  init() throws {
    folder = try Folder()
    input = folder.file("model.safetensors")
    var random = SplitMix(seed: 8)
    let shapes: [Shape] = [[40, 512], [24, 96], [2, 3, 256], [30, 20], [300, 256]]
    try write(
      shapes.enumerated().map { index, shape in
        let scale = Float(index * index + 1)
        return (
          "layers.\(index).weight", .f32, shape,
          bytes(random.normals(shape.count).map { $0 * scale })
        )
      } + [
        ("norm.weight", .f32, [512], bytes(random.normals(512))),
        ("ids", .i64, [4], [UInt8](repeating: 3, count: 32)),
        // A half cannot hold this.
        ("layers.5.weight", .f32, [1, 256], bytes([1e9] + random.normals(255))),
        ("nothing.weight", .f32, [0, 32], []),
      ], to: input)
  }

  private func request(_ budget: Budget) -> PlanRequest {
    var request = PlanRequest(input: input, budget: budget, threads: 2)
    request.isEstimatingSpeed = false
    return request
  }

  @Test(
    "what is planned is what a conversion does and measures",
    arguments: [
      Budget.bitsPerWeight(3.5), .bitsPerWeight(5), .fileSize(70_000), .fileSize(300_000),
    ])
  func conversion(budget: Budget) throws {
    let plan = try Planner(request(budget)).run()
    #expect(plan.fits)
    let output = folder.file("x.gguf")
    let report = try Conversion(
      ConversionRequest(input: input, output: output, target: .mix(plan.mix), threads: 1)
    ).run()
    #expect(try Checkpoint.open(output).fileSize == plan.fileByteCount)
    #expect(report.total.bytesOut == plan.memory.weights)
    switch budget {
    case .bitsPerWeight(let bits): #expect(report.total.bitsPerWeight! <= bits)
    case .fileSize(let count): #expect(plan.fileByteCount <= count)
    case .memory: break
    }
    var sum = 0.0
    for (planned, row) in zip(plan.losses.rows, report.rows) {
      #expect(planned.format == row.format && planned.byteCount == row.byteCount)
      #expect(planned.loss == row.loss, "\(row.name)")
      sum += row.loss?.squaredError ?? 0
    }
    let total = try #require(plan.totalError)
    #expect(abs(total - sum) <= 1e-12 * sum)
    #expect(plan.losses.total.loss?.count == report.total.loss?.count)
  }

  @Test("a format in which numbers become infinite is not chosen while there is another")
  func overflow() throws {
    for bits in [4.0, 8, 17, 32.2] {
      let plan = try Planner(request(.bitsPerWeight(bits))).run()
      let row = try #require(plan.losses.rows.first { $0.name == "layers.5.weight" })
      #expect(row.loss?.overflowed == 0, "\(bits): \(row.format)")
    }
  }

  @Test("what nothing fits is said, with the least that something would")
  func nothing() throws {
    for budget in [Budget.bitsPerWeight(0.5), .fileSize(100), .memory(1000)] {
      let plan = try Planner(request(budget)).run()
      #expect(!plan.fits && plan.totalError == nil)
      #expect(plan.smallestByteCount > plan.budgetByteCount)
      let least: Budget =
        switch budget {
        case .bitsPerWeight:
          .bitsPerWeight(
            Double(plan.smallestByteCount) * 8 / Double(plan.losses.total.elements) + 1e-9)
        case .fileSize: .fileSize(plan.smallestByteCount)
        case .memory: .memory(plan.smallestByteCount)
        }
      #expect(try Planner(request(least)).run().fits)
    }
  }

  @Test("tensors that are kept, and those that rules name")
  func rules() throws {
    var request = request(.bitsPerWeight(12))
    request.keep = [try NameExpression("layers.0", option: "--keep")]
    request.rules = [try FormatRule("layers.4=q4_0")]
    let formats = try Planner(request).run().mix.entries.reduce(into: [:]) {
      $0[$1.name] = $1.format
    }
    #expect(formats["layers.0.weight"] == .f32)
    #expect(formats["layers.4.weight"] == .q4_0)
    #expect(formats["norm.weight"] == .f32)
    #expect(formats["ids"] == .i64)
  }

  @Test("a file that is not there is an error")
  func missing() {
    #expect(throws: AnalysisError.self) {
      try Planner(PlanRequest(input: folder.file("none.gguf"), budget: .bitsPerWeight(4)))
    }
  }
}
