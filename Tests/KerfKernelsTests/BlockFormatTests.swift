import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct BlockFormatTests {
  @Test("both roundings write the twin's bytes", arguments: blockFormats, tables)
  func encode(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    for input in Input.all {
      for blocks in blockCounts(format) {
        let row = input.row(blocks * format.elementsPerBlock)
        for rounding in Rounding.allCases {
          let expected = twin.encodedRow(row, rounding)
          let found = try table.encoded(row, as: format, rounding)
          let equal = found == expected
          #expect(equal, "\(rounding), \(input.name), \(blocks) blocks")
        }
      }
    }
  }

  @Test(
    "errors weighted by importance give the twin's bytes", arguments: weightedFormats, tables)
  func encodeWeighted(format: Format, table: KernelTable) throws {
    let twin = try #require(twin(of: format) as? any WeightedReferenceFormat.Type)
    for input in Input.all {
      for weights in Input.weights {
        for blocks in blockCounts(format) where blocks < 32 {
          let row = input.row(blocks * format.elementsPerBlock)
          let importance = weights.row(row.count)
          let expected = twin.weightedRow(row, importance)
          for offset in [0, 7] {
            let found = try table.encoded(row, importance, as: format, offset: offset)
            let equal = found == expected
            #expect(equal, "\(input.name), \(weights.name), \(blocks) blocks")
          }
        }
      }
    }
  }

  @Test("even weights cost no error", arguments: weightedFormats, tables)
  func evenWeights(format: Format, table: KernelTable) throws {
    let row = Input.all[7].row(130 * 256)
    let optimal = try errors(row, format, table) { try table.encoded(row, as: format, .optimal) }
    let even = try errors(row, format, table) {
      try table.encoded(row, row.map { _ in 0.25 }, as: format)
    }
    #expect(even.reduce(0, +) <= 1.02 * optimal.reduce(0, +))
  }

  @Test("half words are encoded as the floats they are", arguments: smallFormats, tables)
  func encodeHalfWords(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    for input in Input.all {
      for blocks in blockCounts(format) {
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

  @Test("decoding gives the twin's values for any bytes", arguments: blockFormats, tables)
  func decode(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    var random = SplitMix(seed: 11)
    for blocks in blockCounts(format) {
      let count = blocks * format.bytesPerBlock
      for bytes in [
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) },
        [UInt8](repeating: 0, count: count), [UInt8](repeating: 0xFF, count: count),
      ] {
        let equal = bits(try table.decoded(bytes, as: format)) == bits(twin.decodedRow(bytes))
        #expect(equal, "\(blocks) blocks")
      }
    }
  }

  @Test(
    "decoding to half words gives the twin's values, narrowed", arguments: smallFormats, tables)
  func decodeToHalfWords(format: Format, table: KernelTable) throws {
    let twin = twin(of: format)
    var random = SplitMix(seed: 13)
    for blocks in blockCounts(format) {
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
        let sameBytes = try table.encoded(row, as: format, rounding, offset: offset) == expected
        let sameValues = try table.decoded(expected, as: format, offset: offset) == decoded
        #expect(sameBytes && sameValues)
      }
    }
  }

  @Test("every instruction set writes the same bytes", arguments: blockFormats, Rounding.allCases)
  func sameEverywhere(format: Format, rounding: Rounding) throws {
    for input in Input.all {
      for blocks in [1, 16, 130] {
        let row = input.row(blocks * format.elementsPerBlock)
        let expected = try tables[0].encoded(row, as: format, rounding)
        for table in tables.dropFirst() {
          let found = try table.encoded(row, as: format, rounding)
          let equal = found == expected
          #expect(equal, "\(input.name), \(table.testDescription)")
        }
      }
    }
  }

  @Test("optimal rounding is never worse than reference", arguments: smallFormats, tables)
  func neverWorse(format: Format, table: KernelTable) throws {
    for input in Input.all {
      let row = input.row(130 * format.elementsPerBlock)
      let optimal = try errors(row, format, table) {
        try table.encoded(row, as: format, .optimal)
      }
      let reference = try errors(row, format, table) {
        try table.encoded(row, as: format, .reference)
      }
      for (block, (o, r)) in zip(optimal, reference).enumerated() where r.isFinite {
        // The search adds up in single precision.
        #expect(o <= r * (1 + 1e-5), "\(input.name), block \(block)")
      }
    }
  }

  @Test("optimal rounding leaves less error than reference", arguments: blockFormats, tables)
  func better(format: Format, table: KernelTable) throws {
    for input in Input.all where ["normal", "small normal", "heavy tails"].contains(input.name) {
      let row = input.row(64 * 256)
      let optimal = try errors(row, format, table) {
        try table.encoded(row, as: format, .optimal)
      }
      let reference = try errors(row, format, table) {
        try table.encoded(row, as: format, .reference)
      }
      #expect(optimal.reduce(0, +) < 0.97 * reference.reduce(0, +), "\(input.name)")
    }
  }

  /// Σ(x−y)² of each block, x repaired as blocks repair it.
  private func errors(
    _ row: [Float], _ format: Format, _ table: KernelTable, encoded: () throws -> [UInt8]
  ) throws -> [Double] {
    let restored = try table.decoded(encoded(), as: format)
    return stride(from: 0, to: row.count, by: format.elementsPerBlock).map { start in
      let block = repaired(Array(row[start..<start + format.elementsPerBlock]))
      return zip(block, restored[start...]).reduce(0) { sum, pair in
        let e = Double(pair.1) - Double(pair.0)
        return sum + e * e
      }
    }
  }
}
