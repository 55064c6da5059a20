// Knows how codes lie in planes: words that move, and bits that change their notation.

internal import KerfElements

extension Fields {
  func scatter(codes order: Plane.Codes, to plane: UnsafeMutableRawPointer, line: Int) {
    switch order {
    case .stream: copyCodes(plane, isScattering: true) { $0 }
    case .signed: copyCodes(plane, isScattering: true, middleFromZero)
    case .highFirst: copyCodes(plane, isScattering: true, nibblesSwapped)
    case .turned:
      forEachWord(line: line) { word, place in
        let value = (blocks + word).loadUnaligned(as: UInt32.self)
        plane.storeBytes(of: value, toByteOffset: place, as: UInt32.self)
      }
    case .interleaved: interleave(plane, line: line, isScattering: true)
    }
  }

  func gather(codes order: Plane.Codes, from plane: UnsafeMutableRawPointer, line: Int) {
    switch order {
    case .stream: copyCodes(plane, isScattering: false) { $0 }
    case .signed: copyCodes(plane, isScattering: false, middleFromZero)
    case .highFirst: copyCodes(plane, isScattering: false, nibblesSwapped)
    case .turned:
      forEachWord(line: line) { word, place in
        let value = (plane + place).loadUnaligned(as: UInt32.self)
        blocks.storeBytes(of: value, toByteOffset: word, as: UInt32.self)
      }
    case .interleaved: interleave(plane, line: line, isScattering: false)
    }
  }

  /// Codes of all blocks, one after another, eight bytes at a time through `change`, which knows
  /// bytes only and is its own inverse.
  @inline(__always)
  private func copyCodes(
    _ plane: UnsafeMutableRawPointer, isScattering: Bool, _ change: (UInt64) -> UInt64
  ) {
    var from = isScattering ? blocks + codes : plane
    var to = isScattering ? plane : blocks + codes
    let steps = isScattering ? (stride, codeByteCount) : (codeByteCount, stride)
    let whole = codeByteCount & ~7
    var block = 0
    while block < count {
      var i = 0
      while i < whole {
        to.storeBytes(
          of: change((from + i).loadUnaligned(as: UInt64.self)), toByteOffset: i, as: UInt64.self)
        i &+= 8
      }
      while i < codeByteCount {
        let byte = from.load(fromByteOffset: i, as: UInt8.self)
        to.storeBytes(
          of: UInt8(truncatingIfNeeded: change(UInt64(byte))), toByteOffset: i, as: UInt8.self)
        i &+= 1
      }
      from += steps.0
      to += steps.1
      block &+= 1
    }
  }

  /// Calls `move` with the place of every word of 32 bits in the blocks, and in a plane where a
  /// line has that word of all rows.
  @inline(__always)
  private func forEachWord(line: Int, _ move: (_ block: Int, _ place: Int) -> Void) {
    let words = codeByteCount / 4
    let rowByteCount = perRow * stride
    // A group's words of all rows stay in the first-level cache while they are taken line by line.
    var start = 0
    var group = 0
    while group < perRow {
      var word = 0
      while word < words {
        var place = start
        var source = group &* stride &+ codes &+ 4 &* word
        var row = 0
        while row < rows {
          move(source, place)
          source &+= rowByteCount
          place &+= 4
          row &+= 1
        }
        start &+= line
        word &+= 1
      }
      group &+= 1
    }
  }

  /// Nibbles of eight rows and eight columns at a time, which change places.
  private func interleave(_ plane: UnsafeMutableRawPointer, line: Int, isScattering: Bool) {
    let words = codeByteCount / 4
    let rowByteCount = perRow * stride
    var group = 0
    while group < perRow {
      var word = 0
      while word < words {
        var inBlocks = blocks + (group &* stride &+ codes &+ 4 &* word)
        var inPlane = plane + (group &* words &+ word) &* 8 &* line
        var row = 0
        while row < rows {
          if isScattering {
            Nibbles(in: inBlocks, step: rowByteCount, Nibbles.interleaved).turned
              .store(in: inPlane, step: line, Nibbles.inOrder)
          } else {
            Nibbles(in: inPlane, step: line, Nibbles.inOrder).turned
              .store(in: inBlocks, step: rowByteCount, Nibbles.interleaved)
          }
          inBlocks += 8 &* rowByteCount
          inPlane += 4
          row &+= 8
        }
        word &+= 1
      }
      group &+= 1
    }
  }
}

/// Bytes whose code 128 is zero, in two's complement, and back.
@inline(__always)
private func middleFromZero(_ bytes: UInt64) -> UInt64 { bytes ^ 0x8080_8080_8080_8080 }

/// The halves of bytes in the other order.
@inline(__always)
private func nibblesSwapped(_ bytes: UInt64) -> UInt64 {
  (bytes & 0x0F0F_0F0F_0F0F_0F0F) << 4 | (bytes >> 4) & 0x0F0F_0F0F_0F0F_0F0F
}
