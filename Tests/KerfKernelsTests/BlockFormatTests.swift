import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct BlockFormatTests {
  @Test("both roundings write the twin's bytes", arguments: blockFormats, tables)
  func encode(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    for input in Input.all {
      for blocks in format.blockCounts {
        let row = input.row(blocks * format.elementsPerBlock)
        for rounding in Rounding.allCases {
          let expected = twin.encodedRow(row, rounding)
          let found = try table.encoded(row, as: format, rounding)
          let isEqual = found == expected
          #expect(isEqual, "\(rounding), \(input.name), \(blocks) blocks")
        }
      }
    }
  }

  @Test("half words are encoded as the floats they are", arguments: halfWordFormats, tables)
  func encodeHalfWords(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    for input in Input.all {
      for blocks in format.blockCounts {
        let row = input.row(blocks * format.elementsPerBlock)
        let halves = row.map { Float16($0).bitPattern }
        let brain = row.map { UInt16($0.bitPattern >> 16) }
        for (words, source, floats) in [
          (halves, Format.f16, halves.map { Float(Float16(bitPattern: $0)) }),
          (brain, .bf16, brain.map { Float(bitPattern: UInt32($0) << 16) }),
        ] {
          let expected = twin.encodedRow(floats, .reference)
          for offset in [0, 3] {
            let found = try table.encoded(words: words, of: source, as: format, offset: offset)
            #expect(found == expected, "\(source), \(input.name), \(blocks) blocks")
          }
        }
      }
    }
  }

  @Test(
    "decoding gives the twin's values for any bytes", arguments: blockFormats + readFormats, tables)
  func decode(format: Format, table: KernelTable) throws {
    let twin = decoder(of: format)
    var random = SplitMix(seed: 11)
    for blocks in format.blockCounts {
      let count = blocks * format.bytesPerBlock
      for bytes in [
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
        [UInt8](repeating: 0, count: count), [UInt8](repeating: 0xFF, count: count),
      ] {
        let isEqual = bits(try table.decoded(bytes, as: format)) == bits(twin.decodedRow(bytes))
        #expect(isEqual, "\(blocks) blocks")
      }
    }
  }

  @Test(
    "decoding to half words gives the twin's values, narrowed", arguments: halfWordFormats, tables)
  func decodeToHalfWords(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    var random = SplitMix(seed: 13)
    for blocks in format.blockCounts {
      var rows = Input.all.map {
        twin.encodedRow($0.row(blocks * format.elementsPerBlock), .reference)
      }
      rows.append(
        (0..<blocks * format.bytesPerBlock).map { _ in UInt8.random(in: 0...255, using: &random) })
      for bytes in rows {
        let floats = twin.decodedRow(bytes)
        for words in [Format.f16, .bf16] {
          let expected = try table.narrowed(floats, to: words)
          for offset in [0, 5] {
            let found = try table.decoded(bytes, as: format, to: words, offset: offset)
            #expect(quiet(found, words) == quiet(expected, words), "\(words), \(blocks) blocks")
          }
        }
      }
    }
  }

  /// The same half words, with one pattern for every NaN.
  private func quiet(_ row: [UInt16], _ words: Format) -> [UInt16] {
    let infinity: UInt16 = words == .f16 ? 0x7C00 : 0x7F80
    return row.map { $0 & 0x7FFF > infinity ? 0x7FFF : $0 }
  }

  @Test("no pointer needs alignment", arguments: blockFormats, tables)
  func misaligned(format: Format, table: KernelTable) throws {
    let row = Input.all[7].row(33 * format.elementsPerBlock)
    for rounding in Rounding.allCases {
      let expected = try table.encoded(row, as: format, rounding)
      let decoded = try table.decoded(expected, as: format)
      for offset in [1, 2, 4, 7, 20, 63] {
        #expect(try table.encoded(row, as: format, rounding, offset: offset) == expected)
        #expect(try table.decoded(expected, as: format, offset: offset) == decoded)
      }
    }
  }

  @Test("every instruction set writes the same bytes", arguments: blockFormats, Rounding.allCases)
  func sameEverywhere(format: Format, rounding: Rounding) throws {
    for input in Input.all {
      for blocks in [1, 16, format.manyBlocks] {
        let row = input.row(blocks * format.elementsPerBlock)
        let expected = try tables[0].encoded(row, as: format, rounding)
        for table in tables.dropFirst() {
          let found = try table.encoded(row, as: format, rounding)
          #expect(found == expected, "\(input.name), \(table.testDescription)")
        }
      }
    }
  }

  @Test("optimal rounding is never worse than reference", arguments: halfWordFormats, tables)
  func neverWorse(format: Format, table: KernelTable) throws {
    for input in Input.all {
      let row = input.row(format.manyBlocks * format.elementsPerBlock)
      let optimal = try errors(row, format, table, .optimal)
      let reference = try errors(row, format, table, .reference)
      for (block, (o, r)) in zip(optimal, reference).enumerated() where r.isFinite {
        // The search adds up in single precision.
        #expect(o <= r * (1 + 1e-5), "\(input.name), block \(block)")
      }
    }
  }

  @Test("importance decides as in the twin", arguments: weightedFormats, tables)
  func weighted(format: Format, table: KernelTable) throws {
    let twin = try #require(twin(of: format) as? any WeightedReferenceFormat.Type)
    for input in Input.all {
      for weights in Input.importance {
        for blocks in format.blockCounts.prefix(6) {
          let row = input.row(blocks * format.elementsPerBlock)
          let weights = weights.row(row.count)
          let found = try table.encoded(row, weights: weights, as: format, offset: blocks % 3)
          let isEqual = found == twin.encodedRow(row, weights: weights)
          #expect(isEqual, "\(input.name), \(blocks) blocks")
        }
      }
    }
  }

  @Test("equal importance loses no more than none", arguments: scaleFormats)
  func equalWeights(format: Format) throws {
    let table = tables.last!
    for input in Input.all {
      let row = input.row(format.manyBlocks * format.elementsPerBlock)
      let ones = try table.encoded(
        row, weights: [Float](repeating: 1, count: row.count), as: format)
      let zeros = try table.encoded(
        row, weights: [Float](repeating: 0, count: row.count), as: format)
      let isEqual = ones == zeros
      #expect(isEqual, "\(input.name)")
      let weighted = errors(row, format, try table.decoded(ones, as: format))
      let optimal = try errors(row, format, table, .optimal)
      for (block, (w, o)) in zip(weighted, optimal).enumerated() where o.isFinite {
        #expect(w <= o * (1 + 1e-5), "\(input.name), block \(block)")
      }
    }
  }

  @Test("equal importance is as good as none", arguments: weightedFormats, tables)
  func evenWeights(format: Format, table: KernelTable) throws {
    let row = Input.all.first { $0.name == "normal" }!.row(64 * 256)
    let optimal = errors(
      row, format, try table.decoded(table.encoded(row, as: format, .optimal), as: format))
    for weight in [0, 1] as [Float] {
      let weights = [Float](repeating: weight, count: row.count)
      let bytes = try table.encoded(row, weights: weights, as: format)
      let found = errors(row, format, try table.decoded(bytes, as: format))
      #expect(found.reduce(0, +) < 1.02 * optimal.reduce(0, +), "\(weight)")
    }
  }

  @Test("optimal rounding leaves less error than reference", arguments: runFormats, tables)
  func better(format: Format, table: KernelTable) throws {
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(64 * 256)
      let optimal = try errors(row, format, table, .optimal)
      let reference = try errors(row, format, table, .reference)
      #expect(optimal.reduce(0, +) < 0.96 * reference.reduce(0, +), "\(input.name)")
    }
  }

  @Test("with importance, less of it is lost than by reference", arguments: weightedFormats)
  func weightedIsBetter(format: Format) throws {
    let table = tables.last!
    for name in ["normal", "small normal", "heavy tails", "ties"] {
      let row = Input.all.first { $0.name == name }!.row(33 * format.elementsPerBlock)
      for weights in Input.importance {
        let weights = weights.row(row.count)
        let bytes = [
          try table.encoded(row, weights: weights, as: format),
          try table.encoded(row, as: format, .reference),
        ]
        let errors = try bytes.map {
          zip(zip(row, try table.decoded($0, as: format)), weights).reduce(0.0) {
            $0 + Double($1.1) * Double(($1.0.0 - $1.0.1) * ($1.0.0 - $1.0.1))
          }
        }
        #expect(errors[0] <= errors[1] * (1 + 1e-5), "\(name)")
      }
    }
  }

  @Test("a format that can only be read says so", arguments: readFormats, tables)
  func readOnly(format: Format, table: KernelTable) throws {
    let kernels = try #require(table.codec(format))
    #expect(kernels.encode(.optimal) == nil && kernels.encode(.reference) == nil)
    #expect(kernels.encodeWeighted == nil)
    #expect(format.isDecodable && !format.isEncodable)
  }

  /// Σ(x−y)² of each block, x repaired as blocks repair it.
  private func errors(
    _ row: [Float], _ format: Format, _ table: KernelTable, _ rounding: Rounding
  ) throws -> [Double] {
    errors(row, format, try table.decoded(table.encoded(row, as: format, rounding), as: format))
  }

  private func errors(_ row: [Float], _ format: Format, _ restored: [Float]) -> [Double] {
    stride(from: 0, to: row.count, by: format.elementsPerBlock).map { start in
      let block = repaired(Array(row[start..<start + format.elementsPerBlock]))
      return zip(block, restored[start...]).reduce(0) { sum, pair in
        let e = Double(pair.1) - Double(pair.0)
        return sum + e * e
      }
    }
  }
}
