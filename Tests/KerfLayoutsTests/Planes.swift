// A second reading of every layout: one code, scale or zero point at a time.

import KerfElements
import KerfLayouts

/// The tensors of one matrix in memory.
struct Planes {
  let arrangement: Arrangement
  var bytes: [[UInt8]]

  /// Planes of zeros and constants.
  init(_ arrangement: Arrangement) {
    self.arrangement = arrangement
    bytes = arrangement.planes.map { plane in
      if case .constant(let bytes) = plane.content { return bytes }
      return [UInt8](repeating: 0, count: plane.byteCount)
    }
  }

  /// What `blocks` become, portion by portion.
  init(_ arrangement: Arrangement, _ blocks: [UInt8], _ portions: [Range<Int>]? = nil) {
    self.init(arrangement)
    for groups in portions ?? [0..<arrangement.groupCount] {
      let portion = arrangement.portion(groups)
      var buffer = [UInt64](repeating: 0xABAB_ABAB_ABAB_ABAB, count: portion.byteCount / 8 + 1)
      buffer.withUnsafeMutableBytes { buffer in
        blocks.withUnsafeBytes { blocks in
          guard let from = blocks.baseAddress else { return }
          arrangement.scatter(
            from + groups.lowerBound * arrangement.format.byteCount, portion,
            into: buffer.baseAddress!)
        }
        for run in portion.runs {
          for i in 0..<run.count {
            let source = run.bufferOffset + i * run.byteCount
            let target = run.offset + i * run.stride
            bytes[run.plane].replaceSubrange(
              target..<target + run.byteCount, with: buffer[source..<source + run.byteCount])
          }
        }
      }
    }
  }

  /// What they were made of, portion by portion.
  func blocks(_ portions: [Range<Int>]? = nil) -> [UInt8] {
    let size = arrangement.format.byteCount
    var result: [UInt8] = []
    for groups in portions ?? [0..<arrangement.groupCount] {
      let portion = arrangement.portion(groups)
      var buffer = [UInt64](repeating: 0, count: portion.byteCount / 8 + 1)
      var blocks = [UInt8](repeating: 0xCD, count: groups.count * size + 1)
      buffer.withUnsafeMutableBytes { buffer in
        for run in portion.runs {
          for i in 0..<run.count {
            let target = run.bufferOffset + i * run.byteCount
            let source = run.offset + i * run.stride
            buffer[target..<target + run.byteCount].copyBytes(
              from: bytes[run.plane][source..<source + run.byteCount])
          }
        }
        blocks.withUnsafeMutableBytes {
          arrangement.gather(UnsafeRawPointer(buffer.baseAddress!), portion, into: $0.baseAddress!)
        }
      }
      precondition(blocks.last == 0xCD, "written past the end")
      result += blocks.dropLast()
    }
    return result
  }

  /// The scales that blocks get, which are f32.
  func scales() -> [Float] {
    let blocks = blocks()
    return (0..<arrangement.groupCount).map { i in
      let start = i * arrangement.format.byteCount
      return Float(bitPattern: word(Array(blocks[start..<start + 4]), 0))
    }
  }

  private subscript(suffixes: String...) -> [UInt8] {
    bytes[arrangement.planes.firstIndex { suffixes.contains($0.suffix) }!]
  }

  private func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[4 * index + $1]) << UInt32(8 * $1) }
  }

  /// The code at that place, by the layout's own rule.
  func code(_ order: ArrangementTests.Order, _ row: Int, _ column: Int) -> Int {
    let bits = arrangement.format.codes.bits
    let (rows, columns) = (arrangement.rows, arrangement.shape.columns)
    let mask = 1 << bits - 1
    switch order {
    case .stream:
      return streamed(
        self["weight", "weight_packed", "_Q2", "_Q4", "_Q8"], (row * columns + column) * bits,
        bits: bits)
    case .signed:
      return Int(Int8(bitPattern: self["weight"][row * columns + column])) + 128
    case .highFirst:
      let byte = self["weight"][(row * columns + column) / 2]
      return Int(column % 2 == 0 ? byte >> 4 : byte & 15)
    case .turned:
      let words = self["qweight"]
      return (0..<bits).reduce(0) { result, bit in
        let (line, place) = (column * bits + bit).quotientAndRemainder(dividingBy: 32)
        return result | Int(word(words, line * rows + row) >> UInt32(place) & 1) << bit
      }
    case .interleaved:
      let word = word(self["qweight"], column * rows / 8 + row / 8)
      return Int(word >> UInt32([0, 4, 1, 5, 2, 6, 3, 7][row % 8] * 4)) & mask
    }
  }

  private func streamed(_ bytes: [UInt8], _ position: Int, bits: Int) -> Int {
    (0..<bits).reduce(0) { result, bit in
      let place = position + bit
      return result | Int(bytes[place / 8] >> UInt8(place % 8) & 1) << bit
    }
  }

  /// Bytes of a scale or zero point, by the layout's own rule, in the notation of blocks.
  func field(_ name: String, _ row: Int, _ group: Int) -> [UInt8] {
    let (rows, groups) = (arrangement.rows, arrangement.groupsPerRow)
    let bits = arrangement.format.codes.bits
    let width = arrangement.format.scale.byteCount
    let names = arrangement.planes.map(\.suffix)
    let isTurned = names.contains("qweight")
    func number(_ bytes: [UInt8]) -> [UInt8] {
      let place = (isTurned ? group * rows + row : row * groups + group) * width
      return Array(bytes[place..<place + width])
    }
    switch name {
    case "scale":
      if names.contains("SCB") {
        return littleEndian((Float(bitPattern: word(self["SCB"], row)) / 127).bitPattern)
      }
      return number(self["scales", "_scales", "weight_scale", "weight.absmax"])
    case "bias": return number(self["biases"])
    default:
      if names.contains("_zero_points") {
        let start = 8 * row * ((groups * bits + 7) / 8)
        return [UInt8(streamed(self["_zero_points"], start + group * bits, bits: bits))]
      }
      if names.contains("g_idx") {
        guard case .zeroPoints(.turned(let bias)) = arrangement.planes[1].content else { return [] }
        let stored = streamed(self["qzeros"], (group * rows + row) * bits, bits: bits)
        return [UInt8(stored) + bias]
      }
      if isTurned {
        let word = word(self["qzeros"], (group * rows + row) / 8)
        return [UInt8(word >> UInt32([0, 4, 1, 5, 2, 6, 3, 7][row % 8] * 4) & 15)]
      }
      let zeros = self["weight_zero_point"]
      if names.contains("weight") {
        return [UInt8(Int(Int8(bitPattern: zeros[row * groups + group])) + 128)]
      }
      let zero = (0..<bits).reduce(UInt8(0)) { result, bit in
        let (line, place) = (row * bits + bit).quotientAndRemainder(dividingBy: 32)
        return result | UInt8(word(zeros, line * groups + group) >> UInt32(place) & 1) << bit
      }
      return [zero]
    }
  }
}

extension Arrangement {
  /// A code of a block, which is a stream of bits.
  func code(_ blocks: [UInt8], _ row: Int, _ column: Int) -> Int {
    let start =
      (row * groupsPerRow + column / format.length) * format.byteCount + format.byteCount
      - format.codeByteCount
    let bits = format.codes.bits
    return (0..<bits).reduce(0) { result, bit in
      let place = column % format.length * bits + bit
      return result | Int(blocks[start + place / 8] >> UInt8(place % 8) & 1) << bit
    }
  }

  /// The other fields of a block.
  func fields(
    _ blocks: [UInt8], _ row: Int, _ group: Int
  ) -> [(name: String, bytes: [UInt8])] {
    let start = (row * groupsPerRow + group) * format.byteCount
    let width = format.scale.byteCount
    let scale = ("scale", Array(blocks[start..<start + width]))
    switch format.offset {
    case .none: return [scale]
    case .zeroPoint: return [scale, ("zero", [blocks[start + width]])]
    case .bias: return [scale, ("bias", Array(blocks[start + width..<start + 2 * width]))]
    }
  }
}
