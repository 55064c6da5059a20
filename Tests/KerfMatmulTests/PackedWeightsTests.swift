import KerfCodecs
import KerfElements
import KerfMatmul
import Testing

@Suite struct PackedWeightsTests {
  @Test(
    "come back byte for byte", arguments: packedFormats,
    [(1, 32), (31, 64), (32, 32), (33, 416), (67, 96), (0, 32), (5, 0)])
  func roundTrip(format: Format, size: (n: Int, k: Int)) throws {
    let size = (n: size.n, k: format.columns(size.k))
    let w = try arbitraryWeights(format, n: size.n, k: size.k, seed: size.n)
    let packed = try w.packed(for: .thisProcessor, threads: 2)
    #expect(packed.format == format)
    #expect(packed.shape == w.shape)
    #expect(packed.byteCount == w.byteCount * ((size.n + 31) / 32 * 32) / max(size.n, 1))
    let unpacked = try packed.unpacked(threads: 2)
    #expect(unpacked.format == format)
    #expect(unpacked.shape == w.shape)
    #expect(unpacked.bytes == w.bytes)
  }

  @Test("lie in memory alike under every instruction set", arguments: packedFormats)
  func layout(format: Format) throws {
    let (n, blocks) = (29, 7)
    let w = try arbitraryWeights(format, n: n, k: format.elementsPerBlock * blocks, seed: 1)
    let row = blocks * format.bytesPerBlock
    let packed = tables.map { table in
      var target = [UInt8](repeating: 1, count: 32 * row)
      w.withUnsafeBytes { source in
        target.withUnsafeMutableBytes {
          table.packed(format)!.pack(source.baseAddress!, row, n, blocks, $0.baseAddress!)
        }
      }
      return target
    }
    for other in packed { #expect(other == packed[0]) }
  }

  @Test("say which formats cannot be packed")
  func errors() throws {
    // Codes of other lengths, and groups that no 32 elements divide, go through the other cores.
    for name in ["int3_g64", "int5_g32_bias", "int8_g100", "int4_g16", "nf4_g64"] {
      let format = Format(name: name)!
      let w = try arbitraryWeights(format, n: 2, k: format.elementsPerBlock, seed: 1)
      #expect(throws: MatmulError.notPacked(format)) { try w.packed() }
    }
    let w = try Tensor(shape: [2, 32], [Float](repeating: 1, count: 64))
    #expect(throws: MatmulError.notPacked(.f16)) { try w.quantized(as: .f16).packed() }
    let cube = try Tensor(shape: [1, 2, 32], [Float](repeating: 1, count: 64))
    #expect(throws: MatmulError.self) { try cube.quantized(as: .q4_0).packed() }
  }
}
