import KerfDispatch
import KerfElements
import KerfReference
import Testing

@Suite struct ScalarFormatTests {
  /// Every half, in bits.
  private static let halves = (0...UInt16.max).map { $0 }

  @Test("every half widens exactly", arguments: tables)
  func widenF16(table: KernelTable) throws {
    let found = try table.decoded(bytes(Self.halves), as: .f16)
    #expect(bits(found) == bits(Self.halves.map { Float(Float16(bitPattern: $0)) }))
    // A quiet NaN keeps its payload; a signalling one becomes quiet.
    for (half, float) in zip(Self.halves, found) where float.isNaN {
      #expect(float.bitPattern & 0x7FFF_FFFF == UInt32(half & 0x3FF) << 13 | 0x7FC0_0000)
    }
  }

  @Test("every bfloat16 widens exactly", arguments: tables)
  func widenBF16(table: KernelTable) throws {
    let found = try table.decoded(bytes(Self.halves), as: .bf16)
    #expect(found.map(\.bitPattern) == Self.halves.map { UInt32($0) << 16 })
  }

  @Test("narrowing to f16 rounds to nearest even", arguments: tables)
  func narrowF16(table: KernelTable) throws {
    let row = Self.interesting
    let found = halfWords(try table.encoded(row, as: .f16, .reference))
    for (x, half) in zip(row, found) {
      if x.isNaN {
        #expect(half & 0x7E00 == 0x7E00, "\(x.bitPattern)")
      } else {
        #expect(half == Float16(x).bitPattern, "\(x)")
      }
    }
    for other in tables {
      #expect(halfWords(try other.encoded(row, as: .f16, .reference)) == found)
    }
  }

  @Test("narrowing to bf16 rounds to nearest even", arguments: tables)
  func narrowBF16(table: KernelTable) throws {
    let row = Self.interesting
    let found = halfWords(try table.encoded(row, as: .bf16, .optimal))
    for (x, half) in zip(row, found) {
      let n = x.bitPattern
      let expected =
        x.isNaN ? UInt16(n >> 16) | 0x40 : UInt16((UInt64(n) + 0x7FFF + UInt64(n >> 16 & 1)) >> 16)
      #expect(half == expected, "\(x)")
    }
  }

  private static let small: [(Format, SmallFloat)] = [(.f8_e4m3, .e4m3), (.f8_e5m2, .e5m2)]

  @Test("every float of eight bits widens exactly, and comes back", arguments: tables, [0, 1])
  func small(table: KernelTable, which: Int) throws {
    let (format, twin) = Self.small[which]
    let codes = (0...UInt8.max).map { $0 }
    let numbers = try table.decoded(codes, as: format)
    #expect(bits(numbers) == bits(codes.map(twin.number)))
    let back = try table.encoded(numbers, as: format, .reference)
    for (code, found) in zip(codes, back) {
      #expect(found == (twin.number(code).isNaN ? code | 127 : code))
    }
    for words in [Format.f16, .bf16] {
      #expect(
        try table.decoded(codes, as: format, to: words, offset: 3)
          == table.narrowed(numbers, to: words))
    }
  }

  @Test("narrowing to eight bits rounds to nearest even, and saturates", arguments: tables, [0, 1])
  func narrowSmall(table: KernelTable, which: Int) throws {
    let (format, twin) = Self.small[which]
    let exact = (0...UInt8.max).map(twin.number).filter(\.isFinite).sorted()
    let between = zip(exact, exact.dropFirst()).map { ($0 + $1) / 2 }
    let row =
      Self.interesting + between + between.flatMap { [$0.nextUp, $0.nextDown] }
      + [.infinity, -.infinity, .nan, -0.0, 448, 464, 57344, 61440, .leastNonzeroMagnitude]
    let found = try table.encoded(row, as: format, .optimal)
    let isEqual = found == row.map(twin.code)
    #expect(isEqual)
    for count in [0, 1, 15, 16, 17, 33] {
      let part = try table.encoded(Array(row.prefix(count)), as: format, .reference, offset: 6)
      #expect(part == Array(found.prefix(count)))
      let numbers = try table.decoded(part, as: format, offset: 3)
      #expect(bits(numbers) == bits(part.map(twin.number)))
    }
  }

  @Test("one scalar format to another is two steps through f32", arguments: tables)
  func direct(table: KernelTable) throws {
    let bits = bytes(Self.halves)
    let floats = Self.interesting.withUnsafeBytes { Array($0) }
    for (source, bytes) in [(Format.f16, bits), (.bf16, bits), (.f32, floats)] {
      for target in [Format.f16, .bf16] where target != source {
        let expected = try table.narrowed(try table.decoded(bytes, as: source), to: target)
        #expect(try table.decoded(bytes, as: source, to: target) == expected)
        for count in [0, 1, 15, 16, 17, 33] {
          let part = Array(bytes.prefix(count * source.bytesPerBlock))
          #expect(
            try table.decoded(part, as: source, to: target, offset: 3)
              == Array(expected.prefix(count)))
        }
      }
    }
  }

  @Test("f32 is copied to the bit", arguments: tables, [0, 1, 15, 16, 17, 4097])
  func copyF32(table: KernelTable, count: Int) throws {
    let row = Array(Self.interesting.prefix(count))
    let bytes = try table.encoded(row, as: .f32, .optimal)
    #expect(try table.decoded(bytes, as: .f32).map(\.bitPattern) == row.map(\.bitPattern))
  }

  @Test("lengths that fill no vector", arguments: tables, [Format.f16, .bf16])
  func lengths(table: KernelTable, format: Format) throws {
    let row = Self.interesting
    let whole = try table.encoded(row, as: format, .reference)
    for count in [0, 1, 15, 16, 17, 31, 33] {
      let part = try table.encoded(Array(row.prefix(count)), as: format, .reference, offset: 6)
      #expect(part == Array(whole.prefix(2 * count)))
      let floats = try table.decoded(part, as: format, offset: 3)
      #expect(bits(floats) == bits(Array(try table.decoded(whole, as: format).prefix(count))))
    }
  }

  /// Every half and its neighbours among the floats, midpoints, extremes, random bits.
  private static let interesting: [Float] = {
    var random = SplitMix(seed: 3)
    let exact = halves.map { Float(Float16(bitPattern: $0)) }
    let between = zip(exact, exact.dropFirst()).map { ($0 + $1) / 2 }
    let near = between.flatMap { [$0.nextUp, $0.nextDown] }
    let any = (0..<65_536).map { _ in
      Float(bitPattern: UInt32.random(in: 0...UInt32.max, using: &random))
    }
    return any + exact + between + near + [65_519.996, 65_520, .greatestFiniteMagnitude]
  }()

  private func bytes(_ words: [UInt16]) -> [UInt8] {
    words.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
  }

  private func halfWords(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
  }
}
