import KerfElements
import KerfLayouts
import KerfReference
import Testing

/// Where every code, scale and zero point goes, held against a second reading of each layout.
struct ArrangementTests {
  /// Formats with their layouts, and shapes that they are tried with.
  static let cases: [Case] = {
    func group(
      _ codes: GroupFormat.Codes, _ length: Int, _ offset: GroupFormat.Offset = .none,
      _ scale: GroupFormat.Scale = .f16
    ) -> GroupFormat {
      GroupFormat(codes, length: length, offset: offset, scale: scale)!
    }
    func int(_ bits: Int) -> GroupFormat.Codes { .integers(bits: bits) }
    var cases: [Case] = []
    for (rows, columns) in [(1, 128), (7, 256), (8, 128), (33, 64), (40, 384)] {
      let shape: Shape = [rows, columns]
      for bits in 2...8 {
        for offset in [GroupFormat.Offset.none, .zeroPoint] {
          let format = group(int(bits), 32, offset, .bf16)
          cases.append(Case(CompressedTensors.packed(format, shape), .stream))
          let channel = group(int(bits), columns, offset, .f32)
          cases.append(Case(CompressedTensors.packed(channel, shape), .stream))
        }
      }
      for offset in [GroupFormat.Offset.none, .zeroPoint] {
        cases.append(Case(CompressedTensors.plain(group(int(8), 64, offset), shape), .signed))
      }
      cases.append(
        Case(
          CompressedTensors.float(
            group(.e4m3, columns, .none, .bf16), shape, scales: [rows, 1], rowsPerScale: 1),
          .stream))
      cases.append(
        Case(CompressedTensors.nvfp4(group(.e2m1, 16, .none, .e4m3), shape, divisor: 3), .stream))
      cases.append(
        Case(CompressedTensors.mxfp4(group(.e2m1, 32, .none, .e8m0), shape), .stream))
      for bits in [2, 3, 4, 5, 6, 8] {
        cases.append(Case(MLX.arrangement(group(int(bits), 64, .bias, .f32), shape), .stream))
      }
      cases.append(Case(MLX.arrangement(group(.e4m3, 32, .none, .e8m0), shape), .stream))
      cases.append(
        Case(MLX.arrangement(group(int(4), 32, .bias, .f16), [3, rows, columns]), .stream))
      cases.append(
        Case(
          BitsAndBytes.fourBit(group(.nf4, 64, .none, .f32), shape, state: [1, 2])!, .highFirst))
      for bits in [2, 4, 8] {
        for offset in [GroupFormat.Offset.none, .zeroPoint] {
          let format = group(int(bits), 64, offset, .f32)
          cases.append(Case(MatMulNBits.arrangement(format, shape), .stream))
        }
      }
      cases.append(Case(BitsAndBytes.int8(group(int(8), columns, .none, .f32), shape), .signed))
      guard rows % 8 == 0 else { continue }
      for offset in [GroupFormat.Offset.none, .zeroPoint] {
        cases.append(Case(AWQ.arrangement(group(int(4), 64, offset), shape), .interleaved))
        for bits in [2, 3, 4, 8] {
          for bias in [0, 1] as [UInt8] {
            guard rows * bits % 32 == 0 else { continue }
            cases.append(
              Case(GPTQ.arrangement(group(int(bits), 32, offset), shape, bias: bias), .turned))
          }
        }
      }
    }
    return cases
  }()

  struct Case: CustomTestStringConvertible, Sendable {
    let arrangement: Arrangement
    let codes: Order
    init(_ arrangement: Arrangement, _ codes: Order) {
      self.arrangement = arrangement
      self.codes = codes
    }
    var testDescription: String {
      "\(arrangement.format.name) \(arrangement.shape) \(arrangement.planes.map(\.suffix)) \(codes)"
    }
  }

  enum Order { case stream, signed, highFirst, turned, interleaved }

  /// Blocks of any bits, with zero points that the planes can hold, and scales that are numbers.
  static func blocks(_ arrangement: Arrangement, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix(seed: seed)
    let format = arrangement.format
    var bytes = (0..<arrangement.blocksByteCount).map { _ in
      UInt8(truncatingIfNeeded: random.next())
    }
    for block in 0..<arrangement.groupCount {
      let start = block * format.byteCount
      if format.scale == .f32 {
        let scale = Float(Int(random.next() % 1000) - 500) / 127
        withUnsafeBytes(of: scale) { bytes.replaceSubrange(start..<start + 4, with: $0) }
      }
      guard format.offset == .zeroPoint else { continue }
      let range = arrangement.zeroPoints
      bytes[start + format.scale.byteCount] =
        range.lowerBound + UInt8(random.next() % (UInt64(range.upperBound - range.lowerBound) + 1))
    }
    return bytes
  }

  @Test(arguments: cases) func everyFieldIsWhereTheLayoutHasIt(_ test: Case) throws {
    let arrangement = test.arrangement
    let blocks = Self.blocks(arrangement)
    let planes = Planes(arrangement, blocks)
    var wrong: [String] = []
    for row in 0..<arrangement.rows {
      for column in 0..<arrangement.shape.columns {
        let expected = arrangement.code(blocks, row, column)
        let found = planes.code(test.codes, row, column)
        if found != expected { wrong.append("code \(row), \(column): \(found), not \(expected)") }
      }
      for group in 0..<arrangement.groupsPerRow {
        for field in arrangement.fields(blocks, row, group) {
          let found = planes.field(field.name, row, group)
          if found != field.bytes { wrong.append("\(field.name) \(row), \(group): \(found)") }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
  }

  @Test(arguments: cases) func thereAndBack(_ test: Case) {
    let arrangement = test.arrangement
    let blocks = Self.blocks(arrangement)
    let planes = Planes(arrangement, blocks)
    var isEqual = planes.blocks() == blocks
    #expect(isEqual)
    // The same in portions, which lie anywhere.
    let unit = arrangement.unit
    for count in [1, 3] {
      let parts = stride(from: 0, to: arrangement.groupCount, by: unit * count).map {
        $0..<min($0 + unit * count, arrangement.groupCount)
      }
      let pieces = Planes(arrangement, blocks, parts.reversed())
      isEqual = pieces.bytes == planes.bytes
      #expect(isEqual)
      isEqual = pieces.blocks(parts) == blocks
      #expect(isEqual)
    }
  }

  @Test func nothing() {
    for shape in [[0, 64], [5, 0], [0, 0]] as [Shape] {
      let format = GroupFormat(.integers(bits: 4), length: 32, offset: .zeroPoint)!
      for arrangement in [
        CompressedTensors.packed(format, shape), GPTQ.arrangement(format, shape, bias: 1),
        AWQ.arrangement(format, shape),
      ] {
        #expect(arrangement.groupCount == 0)
        #expect(Planes(arrangement, []).blocks() == [])
      }
    }
  }

  /// Scales that are made of others: blocks have their products.
  @Test func composedScales() {
    let nested = Plane.Nested(
      map: (0..<256).map { Float($0) / 255 }, absmax: [1, 2, 4], offset: 0.5, length: 2)
    let format = GroupFormat(.nf4, length: 64)!
    let four = BitsAndBytes.fourBit(format, [1, 384], state: [], nested: nested)!
    var planes = Planes(four)
    planes.bytes[1] = [0, 255, 255, 51, 0, 255]
    #expect(planes.scales() == [0.5, 1.5, 2.5, 0.9, 0.5, 4.5])

    let float = GroupFormat(.e2m1, length: 16, scale: .f32)!
    planes = Planes(CompressedTensors.nvfp4(float, [1, 64], divisor: 4))
    planes.bytes[1] = [0x38, 0x01, 0x7E, 0xB8]
    #expect(planes.scales() == [0.25, 0x1p-11, 112, -0.25])

    let wide = GroupFormat(.e4m3, length: 4, scale: .f32)!
    planes = Planes(CompressedTensors.float(wide, [5, 8], scales: [3, 2], rowsPerScale: 2))
    let scales = (1...6).flatMap { littleEndian(Float($0).bitPattern) }
    planes.bytes[1] = scales
    #expect(planes.scales() == [1, 2, 1, 2, 3, 4, 3, 4, 5, 6])
    #expect(Planes(planes.arrangement, planes.blocks([0..<3, 3..<10])).bytes[1] == scales)
  }
}
