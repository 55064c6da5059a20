import KerfDispatch
import KerfElements
import KerfReference
import Testing

/// Groups as runtimes have them, and lengths that fill no vector, or more than the workspace.
private let formats: [Format] = [
  "nf4_g64", "nf4_g32", "nf4_g128", "fp4_g64", "e2m1_g32", "e2m1_g16_e4m3", "e4m3_g32_e8m0",
  "e4m3_g128", "nf4_g64_bf16", "fp4_g18_f16", "nf4_g24", "e2m1_g64_f16", "e2m1_g30_f32",
  "e4m3_g7_bf16", "e4m3_g48", "e4m3_g384", "nf4_g2100", "e4m3_g2049_e8m0", "e2m1_g2064_e4m3",
].map { Format(name: $0)! }

extension Format {
  fileprivate var group: GroupFormat {
    guard case .group(let group) = self else { preconditionFailure("\(self) is no group") }
    return group
  }
  /// None, one, and around as many as kernels take at a time.
  fileprivate var counts: [Int] {
    elementsPerBlock > 1000
      ? [1, 2] : elementsPerBlock > 64 ? [0, 1, 3] : [0, 1, 2, 15, 16, 17, 35]
  }
}

@Suite struct NumberGroupTests {
  @Test("every rounding writes the twin's bytes", arguments: formats, tables)
  func encode(format: Format, table: KernelTable) throws {
    for divisor in format.group.scale == .e4m3 ? [1, 321.7] : [1] as [Float] {
      let twin = try #require(ReferenceNumberGroups(format.group, divisor: divisor))
      let kernels = try #require(table.dividedCodec(format.group, divisor))
      for input in Input.all {
        for count in format.counts {
          let row = input.row(count * format.elementsPerBlock)
          for rounding in Rounding.allCases {
            let encode = try #require(kernels.encode(rounding))
            let found = written(row, format) { encode($0, $1, count, $2) }
            let isEqual = found == twin.encoded(row, rounding)
            #expect(isEqual, "\(rounding), \(input.name), \(count) groups, divisor \(divisor)")
          }
          let scales = (0..<max(count, 1)).map { Float($0) * 0.01 - 0.02 }
          let encode = try #require(kernels.encodeGiven)
          let found = written(row, format) { encode($0, scales, $1, count, $2) }
          let isEqual = found == twin.encoded(row, scales: scales)
          #expect(isEqual, "given, \(input.name), \(count) groups, divisor \(divisor)")
        }
      }
    }
  }

  @Test("importance decides as in the twin", arguments: formats, tables)
  func weighted(format: Format, table: KernelTable) throws {
    let twin = try #require(ReferenceNumberGroups(format.group))
    let encode = try #require(table.codec(format)?.encodeWeighted)
    for input in Input.all {
      for weights in Input.importance {
        for count in format.counts.prefix(5) where count > 0 {
          let row = input.row(count * format.elementsPerBlock)
          let weights = weights.row(row.count)
          let found = written(row, format) { encode($0, weights, $1, count, $2) }
          let isEqual = found == twin.encoded(row, .optimal, weights: weights)
          #expect(isEqual, "\(input.name), \(count) groups")
        }
      }
    }
  }

  @Test("decoding gives the twin's values for any bytes", arguments: formats, tables)
  func decode(format: Format, table: KernelTable) throws {
    var random = SplitMix(seed: 11)
    for divisor in format.group.scale == .e4m3 ? [1, 0.013] : [1] as [Float] {
      let twin = try #require(ReferenceNumberGroups(format.group, divisor: divisor))
      let decode = try #require(table.dividedCodec(format.group, divisor)).decode
      for count in format.counts + [40] {
        let bytes = (0..<count * format.bytesPerBlock).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        var found = [Float](repeating: -1, count: count * format.elementsPerBlock + 16)
        bytes.withUnsafeBytes { bytes in
          guard let from = bytes.baseAddress else { return }
          decode(from, &found, count)
        }
        let isEqual = bits(Array(found.dropLast(16))) == bits(twin.decoded(bytes))
        #expect(isEqual && found.suffix(16).allSatisfy { $0 == -1 }, "\(count) groups")
      }
    }
  }

  @Test("no pointer needs alignment", arguments: formats, tables)
  func misaligned(format: Format, table: KernelTable) throws {
    let kernels = try #require(table.codec(format))
    let row = Input.all[7].row(5 * format.elementsPerBlock)
    for rounding in Rounding.allCases {
      let encode = try #require(kernels.encode(rounding))
      let expected = written(row, format) { encode($0, $1, 5, $2) }
      for offset in [1, 4, 7, 63] {
        let found = written(row, format, offset: offset) { encode($0, $1, 5, $2) }
        #expect(found == expected)
        #expect(
          try bits(table.decoded(expected, as: format, offset: offset))
            == bits(table.decoded(expected, as: format)))
      }
    }
  }

  @Test("optimal rounding leaves less error than reference", arguments: formats)
  func better(format: Format) throws {
    let table = tables.last!
    // A power of two is not searched among many, and eight bits leave little to gain by it.
    let bound = format.group.scale != .e8m0 ? 0.97 : format.group.codes == .e4m3 ? 1.001 : 0.99
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(max(1, 16384 / format.elementsPerBlock) * format.elementsPerBlock)
      let optimal = try error(row, table.encoded(row, as: format, .optimal), format)
      let reference = try error(row, table.encoded(row, as: format, .reference), format)
      #expect(optimal < bound * reference, "\(input.name)")
    }
  }

  @Test("with importance, less of it is lost", arguments: formats)
  func weightedIsBetter(format: Format) throws {
    let table = tables.last!
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(max(1, 8192 / format.elementsPerBlock) * format.elementsPerBlock)
      let weights = Input.importance[0].row(row.count)
      let found = try table.encoded(row, weights: weights, as: format)
      let optimal = try table.encoded(row, as: format, .optimal)
      #expect(
        try error(row, found, format, weights) <= 1.001 * error(row, optimal, format, weights),
        "\(input.name)")
    }
  }

  /// Numbers of several magnitudes, the same in Python.
  private static let row = (0..<8192).map { (i: Int) -> Float in
    Float((i * 7919 + 13) % 2003 - 1001) / 512
      * Float(sign: .plus, exponent: i / 64 % 7 - 3, significand: 1)
  }

  private func hash(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(0) { $0 &* 31 &+ UInt32($1) } }

  @Test(
    "reference rounding writes the bytes of bitsandbytes, MLX and PyTorch",
    arguments: [
      ("nf4_g64", 1_711_004_143), ("nf4_g128", 4_031_613_225), ("fp4_g64", 3_335_873_984),
      ("fp4_g4096", 1_145_542_480), ("e2m1_g32", 2_725_883_377), ("e2m1_g16_e4m3", 817_502_301),
      ("e4m3_g32_e8m0", 1_546_071_482), ("e4m3_g512", 85_658_134), ("e4m3_g128", 2_694_576_960),
    ] as [(String, UInt32)], tables)
  func reference(golden: (name: String, hash: UInt32), table: KernelTable) throws {
    let format = try #require(Format(name: golden.name))
    #expect(hash(try table.encoded(Self.row, as: format, .reference)) == golden.hash)
  }

  @Test(
    "a scale for the tensor divides those of groups, as compressed-tensors does", arguments: tables)
  func divided(table: KernelTable) throws {
    let format = try #require(Format(name: "e2m1_g16_e4m3"))
    let divisor = 448 * 6 / Self.row.map(\.magnitude).max()!
    #expect(divisor == 0x1.581062p7)
    let kernels = try #require(table.dividedCodec(format.group, divisor))
    let encode = try #require(kernels.encode(.reference))
    let bytes = written(Self.row, format) { encode($0, $1, 512, $2) }
    #expect(hash(bytes) == 388_472_519)
    var restored = [Float](repeating: 0, count: Self.row.count)
    kernels.decode(bytes, &restored, 512)
    #expect(hash(restored.map(\.magnitude).withUnsafeBytes { Array($0) }) == 2_140_657_898)
  }

  @Test("elements that stand for themselves come back")
  func exact() throws {
    for (name, numbers) in [
      ("nf4_g64", [-1, -0.6961928, 0, 0.0795803, 0.7229568, 1]),
      ("e2m1_g32", [0, 0.5, -1.5, 4, 6]),
      ("e2m1_g16_e4m3", [0, -0.5, 3, 6]), ("e4m3_g32_e8m0", [448, -0.5, 13, 416]),
    ] as [(String, [Float])] {
      let format = try #require(Format(name: name))
      let row = (0..<128).map { numbers[$0 % numbers.count] }
      for rounding in Rounding.allCases {
        let bytes = try tables.last!.encoded(row, as: format, rounding)
        for (x, y) in zip(row, try tables.last!.decoded(bytes, as: format)) {
          #expect((x - y).magnitude <= 2e-7, "\(name), \(rounding)")
        }
      }
    }
  }

  /// What a kernel writes; bytes around it must come back untouched.
  private func written(
    _ row: [Float], _ format: Format, offset: Int = 0,
    _ encode: (UnsafeRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
  ) -> [UInt8] {
    let count = row.count / format.elementsPerBlock * format.bytesPerBlock
    let source = AlignedBuffer(byteCount: row.count * 4 + 64)
    let target = AlignedBuffer(byteCount: count + 192)
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    let from = source.baseAddress + offset / 4 * 4
    let to = target.baseAddress + 64 + offset
    row.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: from, count: $0.count).copyMemory(from: $0)
    }
    target.baseAddress.initializeMemory(as: UInt8.self, repeating: 0xA5, count: target.byteCount)
    workspace.baseAddress.initializeMemory(
      as: UInt8.self, repeating: 0xFF, count: workspace.byteCount)
    encode(from, to, workspace.baseAddress)
    let around = [
      UnsafeRawBufferPointer(start: to - 64, count: 64),
      UnsafeRawBufferPointer(start: to + count, count: 64),
    ]
    #expect(around.allSatisfy { $0.allSatisfy { $0 == 0xA5 } })
    return Array(UnsafeRawBufferPointer(start: to, count: count))
  }

  private func error(
    _ row: [Float], _ bytes: [UInt8], _ format: Format, _ weights: [Float]? = nil
  ) throws -> Double {
    let restored = try tables.last!.decoded(bytes, as: format)
    return zip(row, restored).enumerated().reduce(0) { sum, pair in
      let difference = Double(pair.element.0) - Double(pair.element.1)
      return sum + difference * difference * Double(weights?[pair.offset] ?? 1)
    }
  }
}
