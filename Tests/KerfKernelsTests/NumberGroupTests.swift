import KerfDispatch
import KerfElements
import KerfReference
import Testing

/// Groups as runtimes have them, and lengths that fill no vector, or more than the workspace.
private let formats: [GroupFormat] = [
  "nf4_g64", "nf4_g32", "fp4_g64", "e2m1_g32", "e2m1_g16_e4m3", "e4m3_g32_e8m0", "e4m3_g128",
  "nf4_g64_bf16", "fp4_g18_f16", "nf4_g24", "e2m1_g64_f16", "e2m1_g30_f32", "e4m3_g7_bf16",
  "e4m3_g384", "nf4_g2100", "e4m3_g2049_e8m0", "e2m1_g2064_e4m3",
].map { name in
  guard case .group(let group)? = Format(name: name) else { preconditionFailure(name) }
  return group
}

extension GroupFormat: CustomTestStringConvertible {
  public var testDescription: String { name }

  /// None, one, and around as many as kernels take at a time.
  fileprivate var counts: [Int] { length > 1000 ? [1, 2] : [0, 1, 2, 7, 8, 9, 17] }
}

@Suite struct NumberGroupTests {
  @Test("every rounding writes the twin's bytes", arguments: formats, tables)
  func encode(format: GroupFormat, table: KernelTable) throws {
    for divisor in format.scale == .e4m3 ? [1, 321.7] : [1] as [Float] {
      let twin = try #require(ReferenceNumberGroups(format, divisor: divisor))
      let kernels = try #require(table.dividedCodec(format, divisor))
      for input in Input.all {
        for count in format.counts {
          let row = input.row(count * format.length)
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
  func weighted(format: GroupFormat, table: KernelTable) throws {
    let twin = try #require(ReferenceNumberGroups(format))
    let encode = try #require(table.codec(.group(format))?.encodeWeighted)
    for input in Input.all {
      for weights in Input.importance {
        for count in format.counts.prefix(5) where count > 0 {
          let row = input.row(count * format.length)
          let weights = weights.row(row.count)
          let found = written(row, format) { encode($0, weights, $1, count, $2) }
          let isEqual = found == twin.encoded(row, .optimal, weights: weights)
          #expect(isEqual, "\(input.name), \(count) groups")
        }
      }
    }
  }

  @Test("decoding gives the twin's values for any bytes", arguments: formats, tables)
  func decode(format: GroupFormat, table: KernelTable) throws {
    var random = SplitMix(seed: 11)
    for divisor in format.scale == .e4m3 ? [1, 0.013] : [1] as [Float] {
      let twin = try #require(ReferenceNumberGroups(format, divisor: divisor))
      let decode = try #require(table.dividedCodec(format, divisor)).decode
      for count in format.counts + [40] {
        let bytes = (0..<count * format.byteCount).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        var found = [Float](repeating: -1, count: count * format.length + 16)
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
  func misaligned(format: GroupFormat, table: KernelTable) throws {
    let kernels = try #require(table.codec(.group(format)))
    let row = Input.all[7].row(5 * format.length)
    for rounding in Rounding.allCases {
      let encode = try #require(kernels.encode(rounding))
      let expected = written(row, format) { encode($0, $1, 5, $2) }
      for offset in [1, 4, 7, 63] {
        let found = written(row, format, offset: offset) { encode($0, $1, 5, $2) }
        #expect(found == expected)
        #expect(
          try bits(table.decoded(expected, as: .group(format), offset: offset))
            == bits(table.decoded(expected, as: .group(format))))
      }
    }
  }

  @Test("optimal rounding leaves less error than reference", arguments: formats)
  func better(format: GroupFormat) throws {
    let table = tables.last!
    // A power of two is not searched among many, and eight bits leave little to gain by it.
    let bound = format.scale != .e8m0 ? 0.95 : format.codes == .e4m3 ? 1.001 : 0.99
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(max(1, 16384 / format.length) * format.length)
      let optimal = try error(row, table.encoded(row, as: .group(format), .optimal), format)
      let reference = try error(row, table.encoded(row, as: .group(format), .reference), format)
      #expect(optimal < bound * reference, "\(input.name)")
    }
  }

  @Test("with importance, less of it is lost", arguments: formats)
  func weightedIsBetter(format: GroupFormat) throws {
    let table = tables.last!
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(max(1, 8192 / format.length) * format.length)
      let weights = Input.importance[0].row(row.count)
      let found = try table.encoded(row, weights: weights, as: .group(format))
      let optimal = try table.encoded(row, as: .group(format), .optimal)
      #expect(
        try error(row, found, format, weights) <= 1.001 * error(row, optimal, format, weights),
        "\(input.name)")
    }
  }

  @Test("elements that stand for themselves come back")
  func exact() throws {
    for (name, numbers) in [
      ("nf4_g64", [-1, -0.6961928, 0, 0.0795803, 0.7229568, 1]),
      ("e2m1_g32", [0, 0.5, -1.5, 4, 6]),
      ("e2m1_g16_e4m3", [0, -0.5, 3, 6]), ("e4m3_g32_e8m0", [448, -0.001953125, 17.0 / 1024, 416]),
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
    _ row: [Float], _ format: GroupFormat, offset: Int = 0,
    _ encode: (UnsafeRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
  ) -> [UInt8] {
    let count = row.count / format.length * format.byteCount
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
    _ row: [Float], _ bytes: [UInt8], _ format: GroupFormat, _ weights: [Float]? = nil
  ) throws -> Double {
    let restored = try tables.last!.decoded(bytes, as: .group(format))
    return zip(row, restored).enumerated().reduce(0) { sum, pair in
      let difference = Double(pair.element.0) - Double(pair.element.1)
      return sum + difference * difference * Double(weights?[pair.offset] ?? 1)
    }
  }
}
