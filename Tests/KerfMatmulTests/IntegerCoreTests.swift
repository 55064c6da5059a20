import KerfCodecs
import KerfElements
import KerfMatmul
import KerfReference
import Testing

@Suite struct IntegerCoreTests {
  @Test("equals the exact reference, bit for bit", arguments: packedFormats, oddSizes)
  func bitForBit(format: Format, size: Size) throws {
    var size = size
    size.k = format.columns(size.k)
    try expectExact(format, size)
  }

  @Test(
    "groups as long as rows equal the exact reference, bit for bit",
    arguments: [32, 96, 192, 640, 1536],
    [
      Size(m: 1, n: 33, k: 0), Size(m: 6, n: 1, k: 0), Size(m: 9, n: 40, k: 0),
      Size(m: 30, n: 67, k: 0),
    ])
  func channels(columns: Int, size: Size) throws {
    let size = Size(m: size.m, n: size.n, k: columns)
    try expectExact(.channel(bits: 8, columns), size)
    try expectExact(.channel(bits: 8, columns, offset: .zeroPoint), size)
    try expectExact(.channel(bits: 4, columns, scale: .f32), size)
    try expectExact(.channel(bits: 4, columns, offset: .bias, scale: .bf16), size)
  }

  private func expectExact(_ format: Format, _ size: Size) throws {
    let w = try arbitraryWeights(format, n: size.n, k: size.k, seed: size.m)
    let packed = try w.packed()
    let x = arbitraryActivations(m: size.m, k: size.k, seed: size.n)
    let expected = integerProduct(x, w.bytes, format, m: size.m, n: size.n, k: size.k)
      .map(\.bitPattern)
    let tensor = try Tensor(shape: Shape([size.m, size.k])!, x)
    for table in tables {
      let isa = table.instructionSet
      for threads in 1...3 {
        let found = try product(
          tensor, .packed(packed), core: .integer, threads: threads, table: table)
        let isEqual = try found.bits() == expected
        #expect(isEqual, "\(format), \(size), \(isa), \(threads) threads")
      }
      let stored = try product(tensor, .stored(w), core: .integer, threads: 2, table: table)
      let isEqual = try stored.bits() == expected
      #expect(isEqual, "\(format), \(size), \(isa), not packed")
    }
  }

  @Test("halves of either kind give what they are as floats", arguments: packedFormats, [1, 6])
  func halves(format: Format, m: Int) throws {
    let k = format.columns(1120)
    let w = try arbitraryWeights(format, n: 40, k: k, seed: 1).packed()
    let x = arbitraryActivations(m: m, k: k, seed: 2)
    let shape = Shape([m, k])!
    let f16 = x.map { Float16($0) }
    let bf16 = x.map { UInt16($0.bitPattern >> 16) }
    for table in tables {
      func y(_ x: Tensor) throws -> [UInt32] {
        try product(x, .packed(w), core: .integer, threads: 2, table: table).bits()
      }
      let fromF16 = try f16.withUnsafeBytes {
        try y(Tensor(shape: shape, float16: $0.baseAddress!))
      }
      #expect(try fromF16 == y(Tensor(shape: shape, f16.map { Float($0) })))
      let fromBF16 = try bf16.withUnsafeBytes {
        try y(Tensor(shape: shape, bfloat16: $0.baseAddress!))
      }
      let widened = bf16.map { Float(bitPattern: UInt32($0) << 16) }
      #expect(try fromBF16 == y(Tensor(shape: shape, widened)))
    }
  }

  @Test("many rows, in parts", arguments: [515, 1030])
  func parts(m: Int) throws {
    let w = try arbitraryWeights(.q4_0, n: 5, k: 64, seed: 3)
    let x = arbitraryActivations(m: m, k: 64, seed: 4)
    let y = try matmul(Tensor(shape: [m, 64], x), w.packed(), core: .integer, threads: 2)
    let expected = integerProduct(x, w.bytes, .q4_0, m: m, n: 5, k: 64)
    #expect(try y.floats() == expected)
  }

  @Test(
    "a row of X that is not finite, or nearly so, makes NaN of its row of Y alone",
    arguments: [Float.nan, .infinity, -.infinity, 0x1.8p100], [3, 9])
  func notFinite(value: Float, m: Int) throws {
    let w = try arbitraryWeights(.q8_0, n: 33, k: 96, seed: 5).packed()
    var x = arbitraryActivations(m: m, k: 96, seed: 6)
    x[96 + 40] = value
    for table in tables {
      let y = try product(
        Tensor(shape: Shape([m, 96])!, x), .packed(w), core: .integer, threads: 1, table: table
      ).floats()
      for (i, y) in y.enumerated() { #expect(y.isNaN == (i / 33 == 1)) }
    }
  }

  @Test(
    "the largest and the smallest activations",
    arguments: [Format.q4_1, .channel(bits: 8, 128, offset: .bias)])
  func outermost(format: Format) throws {
    let w = try arbitraryWeights(format, n: 32, k: 128, seed: 7)
    for scale: Float in [0x1p97, 0x1p-100, 0x1p-122, 0x1p-126, 0x1p-140] {
      let x = arbitraryActivations(m: 2, k: 128, seed: 8).map { max(-7, min(7, $0)) * scale }
      let expected = integerProduct(x, w.bytes, format, m: 2, n: 32, k: 128).map(\.bitPattern)
      for table in tables {
        let y = try product(
          Tensor(shape: [2, 128], x), .stored(w), core: .integer, threads: 1, table: table)
        #expect(try y.bits() == expected, "\(table.instructionSet), \(scale)")
      }
    }
  }

  @Test("the largest sums of products are exact", arguments: [UInt8(0), 255], [Float(-1), 1])
  func largestSums(code: UInt8, sign: Float) throws {
    let format = Format.channel(bits: 8, 4096, scale: .f32)
    var bytes = [UInt8](repeating: code, count: format.bytesPerBlock)
    bytes.replaceSubrange(0..<4, with: [0, 0, 0x80, 0x3F])
    let w = try bytes.withUnsafeBytes {
      try QuantizedTensor(format: format, shape: [1, 4096], bytes: $0)
    }
    let expected = sign * (Float(code) - 128) * 127 * 4096
    for table in tables {
      for m in [1, 9] {
        let x = try Tensor(
          shape: Shape([m, 4096])!, [Float](repeating: sign * 127, count: m * 4096))
        let y = try product(x, .stored(w), core: .integer, threads: 1, table: table).floats()
        #expect(y.allSatisfy { $0 == expected }, "\(table.instructionSet)")
      }
    }
  }

  @Test("what int8 activations cost groups", arguments: groupFormats)
  func errorOfGroups(format: Format) throws {
    var random = SplitMix(seed: 9)
    let (m, n, k) = (8, 64, format.columns(1024))
    let x = try Tensor(shape: Shape([m, k])!, random.normals(m * k))
    let w = try Tensor(shape: Shape([n, k])!, random.normals(n * k)).quantized(as: format)
    let found = try matmul(x, w, core: .integer).floats()
    let expected = try matmul(x, w, core: .portable).floats()
    let lost = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let total = expected.reduce(0) { $0 + $1 * $1 }
    #expect((lost / total).squareRoot() < 7.5e-3)
  }

  @Test("what int8 activations cost, and no more", arguments: blockFormats)
  func error(format: Format) throws {
    var random = SplitMix(seed: 9)
    let (m, n, k) = (8, 64, 1024)
    let x = try Tensor(shape: Shape([m, k])!, random.normals(m * k))
    let w = try Tensor(shape: Shape([n, k])!, random.normals(n * k)).quantized(as: format)
    // Of activations that went through q8_0 themselves, nothing more is lost than rounding.
    let rounded = try x.quantized(as: .q8_0, rounding: .reference).dequantized()
    let found = try matmul(x, w, core: .integer).floats()
    let expected = try matmul(rounded, w, core: .portable).floats()
    let lost = zip(found, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let total = expected.reduce(0) { $0 + $1 * $1 }
    // q8_0 stores its scale in half precision, which moves some codes.
    #expect((lost / total).squareRoot() < 2e-3)
  }

  @Test("callers side by side get what they would get alone")
  func concurrently() async throws {
    let w = try arbitraryWeights(.q4_0, n: 200, k: 256, seed: 10)
    let packed = try w.packed()
    try await withThrowingTaskGroup { group in
      for m in [1, 2, 5, 16, 1, 33, 4, 70] {
        group.addTask {
          let x = try Tensor(shape: Shape([m, 256])!, arbitraryActivations(m: m, k: 256, seed: m))
          let expected = try matmul(x, packed, core: .integer, threads: 1).bits()
          for _ in 0..<10 {
            #expect(try matmul(x, packed, core: .integer, threads: 3).bits() == expected)
            #expect(try matmul(x, w, core: .integer, threads: 2).bits() == expected)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
