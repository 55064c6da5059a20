// Knows how a message is written of which most stays as it was: as a list of what is copied, what is
// new, and what comes later.

internal import KerfCheckpoints

/// Bytes of a file that is going to be, without those of its weights.
struct ONNXBytes: Sendable {
  enum Piece: Sendable {
    /// Bytes of one of the input's files.
    case copy(ONNXModel.Payload)
    case new([UInt8])
    /// Bytes that come when they have been computed, and what they are.
    case room(Plane, byteCount: Int)
    /// Zeros.
    case gap(byteCount: Int)

    var byteCount: Int {
      switch self {
      case .copy(let payload): payload.range.count
      case .new(let bytes): bytes.count
      case .room(_, let byteCount), .gap(let byteCount): byteCount
      }
    }
  }

  /// One of the tensors that a matrix becomes.
  struct Plane: Sendable, Hashable {
    /// The initializer that the matrix was.
    let weights: String
    /// Its number in the arrangement.
    let number: Int
  }

  private(set) var pieces: [Piece] = []
  private(set) var byteCount = 0

  mutating func append(_ piece: Piece) {
    byteCount += piece.byteCount
    switch (pieces.last, piece) {
    case (.copy(let last)?, .copy(let next))
    where last.file == next.file && last.range.upperBound == next.range.lowerBound:
      let range = last.range.lowerBound..<next.range.upperBound
      pieces[pieces.count - 1] = .copy(.init(file: last.file, range: range))
    case (.new(let last)?, .new(let next)): pieces[pieces.count - 1] = .new(last + next)
    default: pieces.append(piece)
    }
  }

  mutating func append(_ other: ONNXBytes) { for piece in other.pieces { append(piece) } }

  /// A field of the model's file, as it is.
  mutating func append(_ field: ONNXMessage.Field) {
    append(.copy(.init(file: 0, range: field.range)))
  }

  /// A field that holds a message.
  mutating func append(_ number: Int, _ message: ONNXBytes) {
    append(.new(ONNXBytes.varint(number << 3 | 2) + ONNXBytes.varint(message.byteCount)))
    append(message)
  }

  mutating func append(_ number: Int, _ text: String) {
    append(
      .new(
        ONNXBytes.varint(number << 3 | 2) + ONNXBytes.varint(text.utf8.count) + Array(text.utf8)))
  }

  mutating func append(_ number: Int, _ integer: Int) {
    append(.new(ONNXBytes.varint(number << 3) + ONNXBytes.varint(integer)))
  }

  /// Zeros up to a multiple of `alignment`.
  mutating func align(to alignment: Int) {
    let rest = byteCount % alignment
    if rest > 0 { append(.gap(byteCount: alignment - rest)) }
  }

  /// Where each piece begins.
  var offsets: [Int] {
    var end = 0
    return pieces.map { piece in
      defer { end += piece.byteCount }
      return end
    }
  }

  private static func varint(_ integer: Int) -> [UInt8] {
    var (rest, bytes) = (UInt64(bitPattern: Int64(integer)), [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }
}
