import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct IntegerGroupTests {
  @Test("both roundings write the twin's bytes", arguments: integerGroups, tables)
  func encode(format: Format, table: KernelTable) throws {
    let twin = ReferenceIntegerGroup(format)
    for input in Input.all {
      for blocks in format.blockCounts {
        let row = input.row(blocks * format.elementsPerBlock)
        for rounding in Rounding.allCases {
          let found = try table.encoded(row, as: format, rounding)
          let isEqual = found == twin.encodedRow(row, rounding)
          #expect(isEqual, "\(rounding), \(input.name), \(blocks) blocks")
        }
      }
    }
  }

  @Test(
    "half words are read as the same floats",
    arguments: integerGroups.filter {
      $0.elementsPerBlock <= 128 && $0.elementsPerBlock.isMultiple(of: 16)
    }, tables)
  func halfWords(format: Format, table: KernelTable) throws {
    for input in Input.all {
      for blocks in [0, 1, 17] {
        let row = input.row(blocks * format.elementsPerBlock)
        let halves = row.map { Float16($0) }
        let brain = row.map { UInt16($0.bitPattern >> 16) }
        for (words, source, floats) in [
          (halves.map(\.bitPattern), Format.f16, halves.map { Float($0) }),
          (brain, .bf16, brain.map { Float(bitPattern: UInt32($0) << 16) }),
        ] {
          let expected = try table.encoded(floats, as: format, .reference)
          for offset in [0, 3] {
            let found = try table.encoded(words: words, of: source, as: format, offset: offset)
            let isEqual = found == expected
            #expect(isEqual, "\(source), \(input.name), \(blocks) blocks")
          }
        }
      }
    }
  }

  @Test("importance decides as in the twin", arguments: integerGroups, tables)
  func weighted(format: Format, table: KernelTable) throws {
    let twin = ReferenceIntegerGroup(format)
    for input in Input.all {
      for weights in Input.importance {
        for blocks in [0, 1, 17] {
          let row = input.row(blocks * format.elementsPerBlock)
          let weights = weights.row(row.count)
          let found = try table.encoded(row, weights: weights, as: format, offset: blocks % 3)
          let isEqual = found == twin.encodedRow(row, weights: weights)
          #expect(isEqual, "\(input.name), \(blocks) blocks")
        }
      }
    }
  }

  @Test("decoding gives the twin's values for any bytes", arguments: integerGroups, tables)
  func decode(format: Format, table: KernelTable) throws {
    let twin = ReferenceIntegerGroup(format)
    var random = SplitMix(seed: 11)
    for blocks in format.blockCounts {
      let count = blocks * format.bytesPerBlock
      for bytes in [
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
        [UInt8](repeating: 0, count: count), [UInt8](repeating: 0xFF, count: count),
      ] {
        let found = try table.decoded(bytes, as: format, offset: blocks % 5)
        let isEqual = bits(found) == bits(twin.decodedRow(bytes))
        #expect(isEqual, "\(blocks) blocks")
      }
    }
  }

  @Test("no pointer needs alignment", arguments: integerGroups, tables)
  func misaligned(format: Format, table: KernelTable) throws {
    let row = Input.all[7].row(17 * format.elementsPerBlock)
    for rounding in Rounding.allCases {
      let expected = try table.encoded(row, as: format, rounding)
      let decoded = try table.decoded(expected, as: format)
      for offset in [1, 2, 4, 7, 20, 63] {
        let encoded = try table.encoded(row, as: format, rounding, offset: offset)
        let isEqual = try table.decoded(expected, as: format, offset: offset) == decoded
        #expect(encoded == expected && isEqual)
      }
    }
  }

  @Test("stored numbers are finite, and no zero point is 0", arguments: integerGroups)
  func finite(format: Format) throws {
    let table = tables.last!
    for input in Input.all {
      let row = input.row(17 * format.elementsPerBlock)
      for rounding in Rounding.allCases {
        let bytes = try table.encoded(row, as: format, rounding)
        let isFinite = try table.decoded(bytes, as: format).allSatisfy { !$0.isNaN }
        #expect(isFinite, "\(rounding), \(input.name)")
        guard rounding == .optimal, case .group(let group) = format, group.offset == .zeroPoint
        else { continue }
        let zeros = stride(from: group.scale.byteCount, to: bytes.count, by: group.byteCount)
        let isAbove = zeros.allSatisfy { bytes[$0] > 0 }
        #expect(isAbove, "\(input.name)")
      }
    }
  }

  @Test("optimal rounding leaves less error than reference", arguments: integerGroups)
  func better(format: Format) throws {
    let table = tables.last!
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(64 * format.elementsPerBlock)
      let errors = try [Rounding.optimal, .reference].map { rounding in
        let bytes = try table.encoded(row, as: format, rounding)
        return zip(row, try table.decoded(bytes, as: format)).reduce(0.0) {
          $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
        }
      }
      #expect(errors[0] < errors[1], "\(input.name)")
    }
  }

  @Test("equal importance is as good as none", arguments: integerGroups)
  func evenWeights(format: Format) throws {
    let table = tables.last!
    let row = Input.all.first { $0.name == "normal" }!.row(256 * format.elementsPerBlock)
    func error(_ bytes: [UInt8]) throws -> Double {
      zip(row, try table.decoded(bytes, as: format)).reduce(0.0) {
        $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1))
      }
    }
    let optimal = try error(table.encoded(row, as: format, .optimal))
    for weight in [0, 1] as [Float] {
      let weights = [Float](repeating: weight, count: row.count)
      let found = try error(table.encoded(row, weights: weights, as: format))
      #expect(found < 1.03 * optimal, "\(weight)")
    }
  }

  @Test(
    "groups without kernels have none",
    arguments: ["int4_g32_e8m0", "int8_g64_e4m3", "int4_g24_bias"])
  func none(name: String) throws {
    let format = try #require(Format(name: name))
    #expect(!format.isEncodable && !format.isDecodable)
    for table in tables { #expect(table.codec(format) == nil) }
  }
}

/// Every number of bits, offset and scale; short groups, and those of which sixteen elements are taken
/// at a time, that do not end on a vector among them.
let integerGroups: [Format] = [
  "int2_g16", "int3_g48_bf16", "int4_g32", "int4_g64_f32", "int4_g128", "int5_g80", "int6_g112",
  "int7_g96", "int8_g128", "int2_g64_zp", "int3_g32_zp", "int4_g64_zp", "int4_g128_zp_bf16",
  "int5_g64_zp", "int6_g16_zp", "int7_g64_zp", "int8_g32_zp_f32", "int2_g64_bias",
  "int3_g128_bias_bf16", "int4_g64_bias_f32", "int5_g64_bias", "int6_g32_bias", "int7_g64_bias",
  "int8_g128_bias", "int8_g384", "int8_g1000_bf16", "int4_g256", "int4_g2", "int3_g40",
  "int8_g1_f32", "int5_g24_zp", "int8_g200_zp_f32", "int4_g20_zp", "int8_g144_bias_bf16",
  "int4_g160_bias",
].map { Format(name: $0)! }
