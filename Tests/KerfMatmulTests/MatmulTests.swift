import KerfCodecs
import KerfElements
import KerfMatmul
import KerfReference
import Testing

@Suite struct MatmulTests {
  @Test(
    "the product of the decoded weights", arguments: Format.computed,
    [(1, 1, 32), (2, 3, 64), (17, 67, 416), (5, 300, 4096)])
  func product(format: Format, size: (m: Int, n: Int, k: Int)) throws {
    let (m, n, k) = size
    var random = SplitMix(seed: UInt64(m + n + k))
    let x = random.normals(m * k)
    let w = try Tensor(shape: Shape([n, k])!, random.normals(n * k)).quantized(as: format)
    let y = try matmul(try Tensor(shape: Shape([m, k])!, x), w)
    #expect(y.shape == Shape([m, n])!)

    let decoded = try w.dequantized().floats()
    let found = try y.floats()
    for i in 0..<m {
      for j in 0..<n {
        var exact = 0.0
        var scale = 0.0
        for l in 0..<k {
          let term = Double(x[i * k + l]) * Double(decoded[j * k + l])
          exact += term
          scale += abs(term)
        }
        #expect(abs(Double(found[i * n + j]) - exact) <= 1e-5 * scale)
      }
    }
  }

  @Test("halves multiply as well")
  func halves() throws {
    let x: [Float16] = (0..<64).map { Float16($0 % 7) - 3 }
    let w = try Tensor(shape: [2, 32], (0..<64).map { Float($0 % 5) - 2 }).quantized(as: .q8_0)
    let floats = try matmul(try Tensor(shape: [2, 32], x.map(Float.init)), w).floats()
    let halves = try x.withUnsafeBytes {
      try matmul(try Tensor(shape: [2, 32], float16: $0.baseAddress!), w).floats()
    }
    #expect(halves == floats)
  }

  @Test("operands that do not fit say why")
  func errors() throws {
    let w = try Tensor(shape: [2, 32], [Float](repeating: 1, count: 64)).quantized(as: .q4_0)
    let narrow = try Tensor(shape: [1, 16], [Float](repeating: 1, count: 16))
    let flat = try Tensor(shape: [32], [Float](repeating: 1, count: 32))
    #expect(throws: CodecError.self) { try matmul(narrow, w) }
    #expect(throws: CodecError.self) { try matmul(flat, w) }
  }

  @Test("no rows make no product")
  func empty() throws {
    let w = try Tensor(shape: [2, 32], [Float](repeating: 1, count: 64)).quantized(as: .q4_0)
    let y = try matmul(try Tensor(shape: [0, 32], []), w)
    #expect(y.shape == [0, 2])
  }
}
