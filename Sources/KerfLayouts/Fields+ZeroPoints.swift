// Knows how zero points lie in planes.

internal import KerfElements

extension Fields {
  func scatter(
    zeroPoints order: Plane.ZeroPoints, to plane: UnsafeMutableRawPointer, line: Int
  ) {
    switch order {
    case .signed:
      for i in 0..<count {
        plane.storeBytes(of: zeroPoint(i) ^ 0x80, toByteOffset: i, as: UInt8.self)
      }
    case .packed:
      for row in 0..<rows {
        var stream = BitStream(plane + row * ((perRow * bits + 7) / 8))
        for group in 0..<perRow {
          stream.write(zeroPoint(row * perRow + group) & largest, bits: bits)
        }
        stream.finish()
      }
    case .rowsPacked:
      for group in 0..<perRow {
        var (word, count, place) = (UInt64(0), 0, 0)
        for row in 0..<rows {
          word |= UInt64(zeroPoint(row * perRow + group) & largest) << UInt64(count)
          count += bits
          guard count >= 32 || row == rows - 1 else { continue }
          plane.storeBytes(
            of: UInt32(truncatingIfNeeded: word), toByteOffset: 4 * (place * perRow + group),
            as: UInt32.self)
          (word, count, place) = (word >> 32, count - 32, place + 1)
          guard row == rows - 1, count > 0 else { continue }
          plane.storeBytes(
            of: UInt32(truncatingIfNeeded: word), toByteOffset: 4 * (place * perRow + group),
            as: UInt32.self)
        }
      }
    case .turned(let bias):
      for group in 0..<perRow {
        var stream = BitStream(plane + group * line)
        for row in 0..<rows {
          stream.write((zeroPoint(row * perRow + group) &- bias) & largest, bits: bits)
        }
      }
    case .interleaved:
      for group in 0..<perRow {
        for row in Swift.stride(from: 0, to: rows, by: 8) {
          var word: UInt32 = 0
          for (place, neighbour) in Plane.interleave.enumerated() {
            let zero = zeroPoint((row + neighbour) * perRow + group)
            word |= UInt32(zero & 15) << UInt32(4 * place)
          }
          plane.storeBytes(of: word, toByteOffset: group * line + row / 2, as: UInt32.self)
        }
      }
    }
  }

  func gather(
    zeroPoints order: Plane.ZeroPoints, from plane: UnsafeMutableRawPointer, line: Int
  ) {
    switch order {
    case .signed:
      for i in 0..<count {
        setZeroPoint(i, plane.load(fromByteOffset: i, as: UInt8.self) ^ 0x80)
      }
    case .packed:
      for row in 0..<rows {
        var stream = BitStream(plane + row * ((perRow * bits + 7) / 8))
        for group in 0..<perRow { setZeroPoint(row * perRow + group, stream.read(bits: bits)) }
      }
    case .rowsPacked:
      for group in 0..<perRow {
        var (word, count, place) = (UInt64(0), 0, 0)
        for row in 0..<rows {
          if count < bits {
            let next = (plane + 4 * (place * perRow + group)).loadUnaligned(as: UInt32.self)
            word |= UInt64(next) << UInt64(count)
            (count, place) = (count + 32, place + 1)
          }
          setZeroPoint(row * perRow + group, UInt8(truncatingIfNeeded: word) & largest)
          (word, count) = (word >> UInt64(bits), count - bits)
        }
      }
    case .turned(let bias):
      for group in 0..<perRow {
        var stream = BitStream(plane + group * line)
        for row in 0..<rows {
          setZeroPoint(row * perRow + group, stream.read(bits: bits) &+ bias)
        }
      }
    case .interleaved:
      for group in 0..<perRow {
        for row in Swift.stride(from: 0, to: rows, by: 8) {
          let word = (plane + group * line + row / 2).loadUnaligned(as: UInt32.self)
          for (place, neighbour) in Plane.interleave.enumerated() {
            setZeroPoint(
              (row + neighbour) * perRow + group,
              UInt8(truncatingIfNeeded: word >> UInt32(4 * place)) & 15)
          }
        }
      }
    }
  }

  private var largest: UInt8 { UInt8(truncatingIfNeeded: 1 << bits - 1) }

  @inline(__always)
  private func zeroPoint(_ block: Int) -> UInt8 {
    blocks.load(fromByteOffset: block &* stride &+ scaleByteCount, as: UInt8.self)
  }

  @inline(__always)
  private func setZeroPoint(_ block: Int, _ value: UInt8) {
    blocks.storeBytes(of: value, toByteOffset: block &* stride &+ scaleByteCount, as: UInt8.self)
  }
}

/// Codes of up to eight bits, one after another, the first in the lowest bits.
private struct BitStream {
  private var place: UnsafeMutableRawPointer
  private var buffer: UInt32 = 0
  private var count = 0

  init(_ place: UnsafeMutableRawPointer) { self.place = place }

  mutating func write(_ code: UInt8, bits: Int) {
    buffer |= UInt32(code) << UInt32(count)
    count += bits
    while count >= 8 {
      place.storeBytes(of: UInt8(truncatingIfNeeded: buffer), as: UInt8.self)
      place += 1
      buffer >>= 8
      count -= 8
    }
  }

  /// Writes what has not filled a byte yet.
  mutating func finish() {
    if count > 0 { place.storeBytes(of: UInt8(truncatingIfNeeded: buffer), as: UInt8.self) }
  }

  mutating func read(bits: Int) -> UInt8 {
    while count < bits {
      buffer |= UInt32(place.load(as: UInt8.self)) << UInt32(count)
      place += 1
      count += 8
    }
    defer {
      buffer >>= UInt32(bits)
      count -= bits
    }
    return UInt8(truncatingIfNeeded: buffer & (1 << UInt32(bits) - 1))
  }
}
