import KerfCodecs
import KerfElements
import KerfMatmul
import KerfReference
import Testing

/// Cores that compute in f32 and that this build has.
#if OpenBLAS
  let floatCores: [MatmulCore] = [.openBLAS, .portable]
#else
  let floatCores: [MatmulCore] = [.portable]
#endif

@Suite struct MatmulTests {
  @Test(
    "f32 cores give the product of the decoded weights",
    arguments: Format.encodable
      + ["int8_g64", "int4_g128_zp", "int5_g32_bias", "int8_g1000", "int4_g1536", "nf4_g64"]
      .map { Format(name: $0)! },
    [
      Size(m: 1, n: 1, k: 32), Size(m: 2, n: 3, k: 64), Size(m: 17, n: 67, k: 416),
      Size(m: 3, n: 600, k: 1056),
    ])
  func product(format: Format, size: Size) throws {
    let block = format.elementsPerBlock
    let (m, n, k) = (size.m, size.n, (size.k + block - 1) / block * block)
    var random = SplitMix(seed: UInt64(m + n + k))
    let x = random.normals(m * k)
    let tensor = try Tensor(shape: Shape([m, k])!, x)
    let w = try Tensor(shape: Shape([n, k])!, random.normals(n * k))
      .quantized(as: format, rounding: .reference)
    let decoded = try w.dequantized().floats()
    for core in floatCores {
      var found = [try matmul(tensor, w, core: core, threads: 2).floats()]
      // Some formats the integer core does not take.
      if let packed = try? w.packed() {
        found.append(try matmul(tensor, packed, core: core, threads: 2).floats())
      }
      for i in 0..<m {
        for j in 0..<n {
          var exact = 0.0
          var scale = 0.0
          for l in 0..<k {
            let term = Double(x[i * k + l]) * Double(decoded[j * k + l])
            exact += term
            scale += abs(term)
          }
          for y in found { #expect(abs(Double(y[i * n + j]) - exact) <= 1e-5 * scale, "\(core)") }
        }
      }
    }
  }

  @Test("rows need not fill vectors where weights have no blocks", arguments: floatCores)
  func odd(core: MatmulCore) throws {
    let x: [Float] = (0..<2 * 37).map { Float($0 % 7) - 3 }
    let w: [Float] = (0..<3 * 37).map { Float($0 % 5) - 2 }
    let y = try matmul(
      Tensor(shape: [2, 37], x), Tensor(shape: [3, 37], w).quantized(as: .f16), core: core)
    let expected: [Float] = (0..<6).map { at in
      let (row, column) = (x[(at / 3 * 37)...], w[(at % 3 * 37)...])
      return zip(row.prefix(37), column.prefix(37)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    #expect(try y.floats() == expected)
  }

  @Test("halves multiply as well", arguments: floatCores + [.automatic])
  func halves(core: MatmulCore) throws {
    let x: [Float16] = (0..<64).map { Float16($0 % 7) - 3 }
    let w = try Tensor(shape: [2, 32], (0..<64).map { Float($0 % 5) - 2 }).quantized(as: .q8_0)
    let floats = try matmul(Tensor(shape: [2, 32], x.map { Float($0) }), w, core: core).floats()
    let halves = try x.withUnsafeBytes {
      try matmul(Tensor(shape: [2, 32], float16: $0.baseAddress!), w, core: core).floats()
    }
    #expect(halves == floats)
  }

  @Test(
    "bias and what was there are added in this order", arguments: floatCores + [.integer], [2, 9])
  func bias(core: MatmulCore, m: Int) throws {
    let (n, k) = (35, 64)
    let w = try arbitraryWeights(.q8_0, n: n, k: k, seed: 1)
    let x = try Tensor(shape: Shape([m, k])!, arbitraryActivations(m: m, k: k, seed: 2))
    let bias = (0..<n).map { Float($0) / 3 }
    let old = (0..<m * n).map { Float($0) / 7 }
    let plain = try matmul(x, w, core: core).floats()
    let offset = try Tensor(shape: [n], bias)
    func close(_ found: Tensor, _ expected: (Int) -> Float) throws {
      for (at, y) in try found.floats().enumerated() {
        if core == .integer {
          #expect(y == expected(at))
        } else {
          #expect(abs(y - expected(at)) <= 1e-3 * max(1, abs(expected(at))))
        }
      }
    }
    try close(matmul(x, w, bias: offset, core: core)) { plain[$0] + bias[$0 % n] }
    var y = try Tensor(shape: Shape([m, n])!, old)
    let held = y
    try matmul(x, w, into: &y, adding: true, core: core)
    try close(y) { plain[$0] + old[$0] }
    #expect(try held.floats() == old)
    try matmul(x, w, into: &y, core: core)
    try close(y) { plain[$0] }
    y = held
    try matmul(x, w.packed(), into: &y, adding: true, bias: offset, core: core)
    try close(y) { (plain[$0] + bias[$0 % n]) + old[$0] }
  }

  @Test("a target that nobody else holds keeps its memory")
  func inPlace() throws {
    let w = try arbitraryWeights(.q4_0, n: 4, k: 32, seed: 1).packed()
    let x = try Tensor(shape: [1, 32], arbitraryActivations(m: 1, k: 32, seed: 2))
    var y = try Tensor(shape: [1, 4], [1, 2, 3, 4])
    let before = y.withUnsafeBytes { $0.baseAddress! }
    try matmul(x, w, into: &y)
    #expect(y.withUnsafeBytes { $0.baseAddress! } == before)
    let lent: [Float] = [1, 2, 3, 4]
    try lent.withUnsafeBufferPointer {
      y = try Tensor(shape: [1, 4], float32: $0.baseAddress!)
      try matmul(x, w, into: &y)
    }
    #expect(lent == [1, 2, 3, 4])
  }

  @Test("operands that do not fit say why")
  func errors() throws {
    func ones(_ shape: Shape) throws -> Tensor {
      try Tensor(shape: shape, [Float](repeating: 1, count: shape.count))
    }
    let w = try ones([2, 32]).quantized(as: .q4_0)
    #expect(throws: MatmulError.self) { try matmul(ones([1, 16]), w) }
    #expect(throws: MatmulError.self) { try matmul(ones([32]), w) }
    let x = try ones([1, 32])
    #expect(throws: MatmulError.shapeMismatch(expected: [2], found: [3])) {
      try matmul(x, w, bias: ones([3]))
    }
    var y = try ones([2, 1])
    #expect(throws: MatmulError.shapeMismatch(expected: [1, 2], found: [2, 1])) {
      try matmul(x, w, into: &y)
    }
    #expect(throws: MatmulError.notPacked(.bf16)) {
      try matmul(x, ones([2, 32]).quantized(as: .bf16), core: .integer)
    }
    #if !OpenBLAS
      #expect(throws: MatmulError.openBLASAbsent) { try matmul(x, w, core: .openBLAS) }
    #endif
  }

  @Test(
    "no rows make no product, no columns make zeros",
    arguments: floatCores + [.integer, .automatic]
  )
  func empty(core: MatmulCore) throws {
    let w = try arbitraryWeights(.q4_0, n: 2, k: 32, seed: 1)
    #expect(try matmul(Tensor(shape: [0, 32], []), w, core: core).shape == [0, 2])
    #expect(try matmul(Tensor(shape: [0, 32], []), w.packed(), core: core).shape == [0, 2])
    let none = try arbitraryWeights(.q4_0, n: 0, k: 32, seed: 1)
    let x = try Tensor(shape: [3, 32], arbitraryActivations(m: 3, k: 32, seed: 1))
    #expect(try matmul(x, none, core: core).shape == [3, 0])
    #expect(try matmul(x, none.packed(), core: core).shape == [3, 0])
    let narrow = try arbitraryWeights(.q4_0, n: 2, k: 0, seed: 1)
    let bias = try Tensor(shape: [2], [3, 4])
    let y = try matmul(Tensor(shape: [1, 0], []), narrow, bias: bias, core: core)
    #expect(try y.floats() == [3, 4])
  }

  #if OpenBLAS
    @Test("OpenBLAS runs AVX-512 kernels where the CPU has it, and the user said nothing")
    func kernels() throws {
      let y = try matmul(
        Tensor(shape: [1, 32], [Float](repeating: 1, count: 32)),
        arbitraryWeights(.q4_0, n: 2, k: 32, seed: 1), core: .openBLAS)
      #expect(y.shape == [1, 2])
      #expect(OpenBLASLibrary.kernels?.isEmpty == false)
    }
  #endif
}
