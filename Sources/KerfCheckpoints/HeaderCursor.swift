// Knows how to walk through the beginning of a file whose length nobody has said.
//
// The one place where bytes of a binary header are taken: every step is checked against what the
// file still has, before memory is reserved for it, and bytes are fetched in pieces. Whatever the
// file says, the cursor neither reads past its end nor reserves more than the file is long.

import SystemPackage

/// A position in a little-endian header.
struct HeaderCursor {
  /// Longest header that is followed, in bytes. Vocabularies of real models take tens of
  /// megabytes; this keeps a hostile file from filling the memory.
  static let maximumLength = 1 << 30
  private static let pieceByteCount = 1 << 18

  /// The tensor or key that is being read, for messages.
  var place = Malformation.Place()

  private let file: InputFile
  private let maximumLength: Int
  private var piece: [UInt8] = []
  private var position = 0
  private var pieceOffset = 0

  init(_ file: InputFile, maximumLength: Int = HeaderCursor.maximumLength) {
    self.file = file
    self.maximumLength = maximumLength
  }

  /// Bytes from the start of the file.
  var offset: Int { pieceOffset + position }

  /// Bytes until the end of the file.
  var remaining: Int { file.size - offset }

  /// An integer in little-endian order.
  mutating func integer<T: FixedWidthInteger>(
    _ what: StaticString, as type: T.Type = T.self
  ) throws(CheckpointError) -> T {
    let size = T.bitWidth / 8
    try fetch(size, what)
    var result: T = 0
    for index in (position..<position + size).reversed() {
      result = result << 8 | T(truncatingIfNeeded: piece[index])
    }
    position += size
    return result
  }

  /// A count of things that take at least `minimumByteCount` bytes each, so that there cannot be
  /// more of them than fit into the rest of the file.
  mutating func count(
    _ what: StaticString, ofAtLeast minimumByteCount: Int
  ) throws(CheckpointError) -> Int {
    let start = offset
    let count = try integer(what, as: UInt64.self)
    let most = max(0, min(remaining, maximumLength - offset)) / minimumByteCount
    guard let result = Int(exactly: count), result <= most else {
      // A count that is negative when seen as signed is nonsense; any other may be cut off.
      let reason: Malformation.Reason = count > UInt64(Int.max) ? .length : .truncated
      throw fault(
        reason, at: start,
        expected: "the \(what) to be at most \(most), as the file is "
          + "\(file.size) bytes long", found: "\(count)")
    }
    return result
  }

  /// The next `count` bytes.
  mutating func bytes(_ count: Int, _ what: StaticString) throws(CheckpointError) -> [UInt8] {
    try check(count, what)
    var result: [UInt8] = []
    result.reserveCapacity(count)
    try append(count, to: &result, what)
    return result
  }

  /// Appends the next `count` bytes to `result`.
  mutating func append(
    _ count: Int, to result: inout [UInt8], _ what: StaticString
  ) throws(CheckpointError) {
    try check(count, what)
    var rest = count
    while rest > 0 {
      try fetch(min(rest, Self.pieceByteCount), what)
      let step = min(rest, piece.count - position)
      result.append(contentsOf: piece[position..<position + step])
      position += step
      rest -= step
    }
  }

  /// Passes over the next `count` bytes.
  mutating func skip(_ count: Int, _ what: StaticString) throws(CheckpointError) {
    try check(count, what)
    if count <= piece.count - position {
      position += count
    } else {
      (pieceOffset, piece, position) = (offset + count, [], 0)
    }
  }

  /// The next bytes as text, `nil` where they are not UTF-8: a length of 64 bits, then the bytes.
  mutating func text(_ what: StaticString) throws(CheckpointError) -> String? {
    let count = try count(what, ofAtLeast: 1)
    return String(validating: try bytes(count, what), as: UTF8.self)
  }

  /// A fault in the thing that is being read, which began at `start`.
  func fault(
    _ reason: Malformation.Reason, at start: Int? = nil, expected: String, found: String
  ) -> CheckpointError {
    var place = place
    place.offset = start ?? offset
    return malformed(Malformation(reason, at: place, expected: expected, found: found))
  }

  /// The error that says that the file has this fault.
  func malformed(_ fault: Malformation) -> CheckpointError { .malformed(file.path, fault) }

  private func check(_ count: Int, _ what: StaticString) throws(CheckpointError) {
    guard count <= remaining else {
      throw fault(
        .truncated, expected: "\(count) bytes of \(what)",
        found: "\(remaining) until the end of the file")
    }
    guard count <= maximumLength - offset else {
      throw fault(
        .length, expected: "a header of at most \(maximumLength) bytes", found: "more")
    }
  }

  /// Makes sure that the next `count` bytes are in the piece at hand.
  private mutating func fetch(_ count: Int, _ what: StaticString) throws(CheckpointError) {
    guard piece.count - position < count else { return }
    try check(count, what)
    let size = min(max(count, Self.pieceByteCount), remaining)
    piece = try file.bytes(at: offset, count: size)
    (pieceOffset, position) = (offset, 0)
  }
}
