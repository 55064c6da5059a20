import Foundation
import KerfCodecs
import KerfElements
import KerfMetrics
import KerfReference
import Testing

@Suite struct LossTests {
  @Test("figures are what their formulas say", arguments: [1, 2, 7])
  func figures(threads: Int) throws {
    var random = SplitMix(seed: 4)
    let shape: Shape = [5, 40_000]
    let x = random.normals(shape.count)
    let tensor = try Tensor(shape: shape, x)
    let quantized = try tensor.quantized(as: .q4_0)
    let y = try quantized.dequantized().floats()
    let loss = try quantized.loss(against: tensor, threads: threads)

    let errors = zip(x, y).map { Double($1) - Double($0) }
    let n = Double(x.count)
    let squares = errors.reduce(0) { $0 + $1 * $1 }
    let signal = x.reduce(0) { $0 + Double($1) * Double($1) }
    let stand = y.reduce(0) { $0 + Double($1) * Double($1) }
    let product = zip(x, y).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    #expect(loss.count == x.count)
    expectClose(loss.mse, squares / n)
    expectClose(loss.rmse, (squares / n).squareRoot())
    expectClose(loss.nmse, squares / signal)
    expectClose(loss.cosine, product / (signal * stand).squareRoot())
    expectClose(loss.meanAbsoluteError, errors.reduce(0) { $0 + abs($1) } / n)
    #expect(loss.maxAbsoluteError == errors.map(abs).max())
    #expect(abs(loss.bias - errors.reduce(0, +) / n) < 1e-15)
    expectClose(loss.sqnr, -10 * log10(squares / signal))
  }

  @Test("threads do not change a bit")
  func deterministic() throws {
    var random = SplitMix(seed: 5)
    let tensor = try Tensor(shape: [3, 160_000], random.normals(480_000))
    let quantized = try tensor.quantized(as: .q5_1)
    let one = try quantized.loss(against: tensor, threads: 1)
    for threads in [2, 3, 7] {
      #expect(try quantized.loss(against: tensor, threads: threads) == one)
    }
  }

  @Test("what is not finite is counted and left out")
  func nonFinite() throws {
    var values = [Float](repeating: 0.5, count: 64)
    values[3] = .nan
    values[40] = .infinity
    let tensor = try Tensor(shape: [2, 32], values)
    let loss = try tensor.quantized(as: .q8_0).loss(against: tensor)
    #expect(loss.nonFinite == 2)
    #expect(loss.count == 62)
    #expect(loss.nmse != nil && loss.nmse! < 1e-6)
  }

  @Test("zeros have no signal to compare with")
  func zeros() throws {
    let tensor = try Tensor(shape: [1, 32], [Float](repeating: 0, count: 32))
    let loss = try tensor.quantized(as: .q4_0).loss(against: tensor)
    #expect(loss.nmse == 0)
    #expect(loss.sqnr == nil)
    #expect(loss.cosine == nil)
  }

  @Test("shapes must agree")
  func shapes() throws {
    let a = try Tensor(shape: [1, 32], [Float](repeating: 0, count: 32))
    let b = try Tensor(shape: [32], [Float](repeating: 0, count: 32))
    #expect(throws: CodecError.shapeMismatch(expected: [32], found: [1, 32])) {
      try a.quantized(as: .q4_0).loss(against: b)
    }
  }

  @Test("a sum keeps what rounding would drop")
  func compensated() {
    var sum = CompensatedSum()
    sum.add(1)
    for _ in 0..<1_000_000 { sum.add(1e-16) }
    sum.add(-1)
    #expect(abs(sum.value - 1e-10) < 1e-20)
  }
}

func expectClose(
  _ found: Double?, _ expected: Double,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard let found else {
    Issue.record("no figure", sourceLocation: sourceLocation)
    return
  }
  #expect(abs(found - expected) <= 1e-12 * abs(expected), sourceLocation: sourceLocation)
}
