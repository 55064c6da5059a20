// Knows how scales and biases lie in planes.

internal import KerfElements

extension Fields {
  func scatter(scales order: Plane.Scales, to plane: UnsafeMutableRawPointer, line: Int) {
    switch order {
    case .rows: copy(0, plane, isScattering: true)
    case .turned: copy(0, plane, line: line, isScattering: true)
    case .shared(let sharing):
      forEachShared(sharing) { block, place in
        (plane + place).copyMemory(from: block, byteCount: scaleByteCount)
      }
    case .multiplied(let factor):
      for i in 0..<count {
        let scale = (blocks + i &* stride).loadUnaligned(as: Float.self)
        plane.storeBytes(of: scale * factor, toByteOffset: 4 &* i, as: Float.self)
      }
    case .divided, .nested:
      preconditionFailure("scales that are composed of others are read only")
    }
  }

  func gather(scales order: Plane.Scales, from plane: UnsafeMutableRawPointer, line: Int) {
    switch order {
    case .rows: copy(0, plane, isScattering: false)
    case .turned: copy(0, plane, line: line, isScattering: false)
    case .shared(let sharing):
      forEachShared(sharing) { block, place in
        block.copyMemory(from: plane + place, byteCount: scaleByteCount)
      }
    case .multiplied(let factor):
      setScales { (plane + 4 &* $0).loadUnaligned(as: Float.self) / factor }
    case .divided(let divisor):
      setScales { e4m3(plane.load(fromByteOffset: $0, as: UInt8.self)) / divisor }
    case .nested(let nested):
      nested.map.withUnsafeBufferPointer { map in
        nested.absmax.withUnsafeBufferPointer { absmax in
          setScales { i in
            let code = Int(plane.load(fromByteOffset: i, as: UInt8.self))
            return map[code] * absmax[(first &+ i) / nested.length] + nested.offset
          }
        }
      }
    }
  }

  func scatter(biases plane: UnsafeMutableRawPointer) {
    copy(scaleByteCount, plane, isScattering: true)
  }

  func gather(biases plane: UnsafeMutableRawPointer) {
    copy(scaleByteCount, plane, isScattering: false)
  }

  @inline(__always)
  private func setScales(_ scale: (Int) -> Float) {
    for i in 0..<count {
      blocks.storeBytes(of: scale(i), toByteOffset: i &* stride, as: Float.self)
    }
  }

  /// Calls `move` with every block, and the place of its scale where so many rows have one.
  @inline(__always)
  private func forEachShared(_ sharing: Int, _ move: (UnsafeMutableRawPointer, Int) -> Void) {
    let firstLine = first / perRow / sharing
    for i in 0..<count {
      let (row, group) = (first &+ i).quotientAndRemainder(dividingBy: perRow)
      let line = row / sharing &- firstLine
      move(blocks + i &* stride, (line &* perRow &+ group) &* scaleByteCount)
    }
  }

  /// The numbers `offset` bytes into blocks, as wide as scales, which planes have row after row; or
  /// turned, in lines for each group of all rows, where they are given.
  private func copy(
    _ offset: Int, _ plane: UnsafeMutableRawPointer, line: Int? = nil, isScattering: Bool
  ) {
    switch scaleByteCount {
    case 1: copy(offset, UInt8.self, plane, line: line, isScattering: isScattering)
    case 2: copy(offset, UInt16.self, plane, line: line, isScattering: isScattering)
    default: copy(offset, UInt32.self, plane, line: line, isScattering: isScattering)
    }
  }

  @inline(__always)
  private func copy<Word: FixedWidthInteger & BitwiseCopyable>(
    _ offset: Int, _ word: Word.Type, _ plane: UnsafeMutableRawPointer, line: Int?,
    isScattering: Bool
  ) {
    let (lines, length, step) = line == nil ? (1, count, stride) : (perRow, rows, perRow &* stride)
    for number in 0..<lines {
      var place = plane + number &* (line ?? 0)
      var block = blocks + (number &* stride &+ offset)
      for _ in 0..<length {
        if isScattering {
          place.storeBytes(of: block.loadUnaligned(as: word), as: word)
        } else {
          block.storeBytes(of: place.loadUnaligned(as: word), as: word)
        }
        block += step
        place += MemoryLayout<Word>.size
      }
    }
  }
}

/// The number that a code of OCP's E4M3 stands for.
@inline(__always)
private func e4m3(_ code: UInt8) -> Float {
  if code & 0x7F == 0x7F { return .nan }
  // The exponent moves from a bias of 7 to one of 127, subnormal numbers on their own.
  let magnitude = Float(bitPattern: UInt32(code & 0x7F) << 20) * Float(bitPattern: 0x7B80_0000)
  return code & 0x80 == 0 ? magnitude : -magnitude
}
