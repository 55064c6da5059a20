import KerfCodecs
import KerfElements
import KerfReference
import Testing

private let blocks: [Format] = [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1]

@Suite struct TensorTests {
  @Test("blocks are the twin's, for any number of threads", arguments: blocks, Rounding.allCases)
  func quantize(format: Format, rounding: Rounding) throws {
    var random = SplitMix(seed: 1)
    // More than one piece, and a last one that fills no group of blocks.
    let shape: Shape = [3, 64 * 1024 - 32]
    let values = random.normals(shape.count)
    let expected = twin(of: format).encodedRow(values, rounding)
    let tensor = try Tensor(shape: shape, values)
    for threads in [1, 2, 7] {
      let quantized = try tensor.quantized(as: format, rounding: rounding, threads: threads)
      #expect(quantized.shape == shape)
      #expect(quantized.byteCount == format.byteCount(for: shape))
      #expect(quantized.withUnsafeBytes { Array($0) } == expected)
    }
  }

  @Test("groups have names in code, which are those of commands")
  func groups() throws {
    let names: [(Format, String)] = [
      (.int4(group: 64), "int4_g64"), (.int8(group: 96), "int8_g96"),
      (.int4(group: 32, offset: .zeroPoint, scale: .bf16), "int4_g32_zp_bf16"),
      (.integers(bits: 3, group: 32, offset: .bias), "int3_g32_bias"), (.nf4(), "nf4_g64"),
      (.fp4(group: 32), "fp4_g32"), (.e4m3(group: 96), "e4m3_g96"), (.e2m1(), "e2m1_g32"),
      (.e2m1(group: 16, scale: .e4m3), "e2m1_g16_e4m3"),
    ]
    var random = SplitMix(seed: 6)
    let values = random.normals(5 * 192)
    let tensor = try Tensor(shape: [5, 192], values)
    for (format, name) in names {
      #expect(format.name == name && Format(name: name) == format)
      let quantized = try tensor.quantized(as: format)
      let bits = Double(quantized.byteCount * 8) / Double(tensor.shape.count)
      #expect(bits < 9.1 && quantized.format == format)
      let errors = zip(values, try quantized.dequantized().floats()).map { ($0 - $1) * ($0 - $1) }
      #expect(errors.reduce(0, +) < 0.1 * Float(values.count), "\(name)")
    }
  }

  @Test("halves go to blocks and back", arguments: blocks)
  func halves(format: Format) throws {
    var random = SplitMix(seed: 2)
    let values = random.normals(4 * 96).map { Float16($0) }
    let restored = try values.withUnsafeBytes { bytes in
      let tensor = try Tensor(shape: [4, 96], float16: bytes.baseAddress!)
      return try tensor.quantized(as: format).dequantized(as: .float16)
    }
    #expect(restored.elementType == .float16)
    let expected = twin(of: format)
      .decodedRow(twin(of: format).encodedRow(values.map(Float.init), .optimal))
      .map { Float(Float16($0)) }
    #expect(try restored.floats() == expected)
  }

  @Test("large targets, written past the caches, are the same", arguments: blocks)
  func streaming(format: Format) throws {
    var random = SplitMix(seed: 6)
    let some = random.normals(1 << 14).map { Float16($0) }
    // So many that even the smallest blocks take more than eight megabytes, and some more.
    let count = (1 << 24) + 96
    let values = [Float16](unsafeUninitializedCapacity: count) { buffer, filled in
      for i in 0..<count { buffer[i] = some[i % some.count] }
      filled = count
    }
    for rounding in Rounding.allCases {
      let transcoder = try Transcoder(from: .f16, to: format, rounding: rounding)
      let whole = transcoded(transcoder, values, count: count, by: count)
      let pieces = transcoded(transcoder, values, count: count, by: 1 << 16)
      #expect(whole == pieces)
    }
  }

  private func transcoded(
    _ transcoder: Transcoder, _ values: [Float16], count: Int, by piece: Int
  ) -> [UInt8] {
    let format = transcoder.target
    let scratch = Transcoder.Scratch()
    let byteCount = count / 32 * format.bytesPerBlock
    // One byte past any alignment.
    return [UInt8](unsafeUninitializedCapacity: byteCount + 1) { buffer, filled in
      buffer[0] = 0
      values.withUnsafeBytes { source in
        for start in stride(from: 0, to: count, by: piece) {
          transcoder.run(
            source.baseAddress! + 2 * start,
            UnsafeMutableRawPointer(buffer.baseAddress! + 1 + start / 32 * format.bytesPerBlock),
            count: min(piece, count - start), scratch: scratch)
        }
      }
      filled = byteCount + 1
    }
  }

  @Test("bfloat16 widens to what it is")
  func bfloat16() throws {
    let words: [UInt16] = [0x3F80, 0xC040, 0x0001, 0x7F80]
    let floats = try words.withUnsafeBytes {
      try Tensor(shape: [4], bfloat16: $0.baseAddress!).floats()
    }
    #expect(floats.map(\.bitPattern) == words.map { UInt32($0) << 16 })
  }

  @Test("requantizing goes straight from one format to the other")
  func requantize() throws {
    var random = SplitMix(seed: 3)
    let tensor = try Tensor(shape: [2, 64], random.normals(128))
    let eight = try tensor.quantized(as: .q8_0)
    let direct = try eight.requantized(as: .q4_0)
    let detour = try eight.dequantized().quantized(as: .q4_0)
    #expect(direct.withUnsafeBytes { Array($0) } == detour.withUnsafeBytes { Array($0) })
  }

  @Test("no elements are no trouble", arguments: blocks)
  func empty(format: Format) throws {
    let quantized = try Tensor(shape: [0, 64], []).quantized(as: format)
    #expect(quantized.byteCount == 0)
    #expect(try quantized.dequantized().floats().isEmpty)
  }

  @Test("what cannot be done says why")
  func errors() throws {
    let tensor = try Tensor(shape: [2, 33], [Float](repeating: 1, count: 66))
    #expect(throws: CodecError.unalignedRow(.q4_0, columns: 33)) {
      try tensor.quantized(as: .q4_0)
    }
    #expect(throws: CodecError.notEncodable(.iq2_xs)) {
      try Tensor(shape: [1, 256], [Float](repeating: 1, count: 256)).quantized(as: .iq2_xs)
    }
    #expect(throws: CodecError.notComputed(.q8_1)) {
      try Tensor(shape: [1, 256], [Float](repeating: 1, count: 256)).quantized(as: .q8_1)
    }
    #expect(throws: CodecError.byteCount(expected: 16, found: 12)) {
      try Tensor(shape: [4], [1, 2, 3])
    }
    #expect(throws: CodecError.byteCount(expected: 18, found: 2)) {
      try [UInt8](repeating: 0, count: 2).withUnsafeBytes {
        try QuantizedTensor(format: .q4_0, shape: [32], bytes: $0)
      }
    }
  }
}
