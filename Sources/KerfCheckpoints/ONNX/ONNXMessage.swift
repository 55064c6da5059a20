// Knows how protobuf lays a message out, as far as it takes to find one's way in a large one.
//
//   message   fields, one after another
//   field     varint   number · 8 + type
//             type 0   varint: seven bits a byte, the lowest first, the highest bit where more follow
//             type 1   8 bytes
//             type 2   varint n, then n bytes: text, packed numbers, or a message
//             type 5   4 bytes
//
// What the schema does not name is passed over, and so are weights: only the places of their bytes
// are kept. So a model of two gigabytes is a tree of some megabytes, which knows for every part where
// it lies in the file and can be written again with some parts changed.

/// A message of an ONNX file: its fields, and where they lie.
package struct ONNXMessage: Sendable, Hashable {
  /// A field of a message, or several in a row that the schema does not name.
  package struct Field: Sendable, Hashable {
    /// The field's number; 0 for fields that the schema does not name.
    package let number: Int
    /// Where it lies in the file, number and type included.
    package let range: Range<Int>
    /// What it says.
    package let value: Value
  }

  /// What a field says.
  package enum Value: Sendable, Hashable {
    case integer(Int)
    case integers([Int])
    case float(Float)
    case text(String)
    /// Bytes that stay in the file.
    case bytes(Range<Int>)
    case message(ONNXMessage)
    case unnamed
  }

  /// The fields, in the file's order.
  package let fields: [Field]

  /// The value of a field that occurs once at most.
  private func value(_ number: Int) -> Value? { fields.first { $0.number == number }?.value }

  /// The number in a field; `nil` where it is not there.
  package func integer(_ number: Int) -> Int? {
    if case .integer(let integer) = value(number) { integer } else { nil }
  }

  /// The number in a field; `nil` where it is not there.
  package func float(_ number: Int) -> Float? {
    if case .float(let float) = value(number) { float } else { nil }
  }

  /// The text in a field; `nil` where it is not there.
  package func text(_ number: Int) -> String? {
    if case .text(let text) = value(number) { text } else { nil }
  }

  /// Where the bytes of a field lie; `nil` where it is not there.
  package func bytes(_ number: Int) -> Range<Int>? {
    if case .bytes(let range) = value(number) { range } else { nil }
  }

  /// The numbers in all fields of that number.
  package func integers(_ number: Int) -> [Int] {
    fields.flatMap { field -> [Int] in
      switch field.value {
      case .integer(let integer) where field.number == number: [integer]
      case .integers(let integers) where field.number == number: integers
      default: []
      }
    }
  }

  /// The texts of all fields of that number.
  package func texts(_ number: Int) -> [String] {
    fields.compactMap { field in
      if field.number == number, case .text(let text) = field.value { text } else { nil }
    }
  }

  /// The messages in all fields of that number.
  package func messages(_ number: Int) -> [ONNXMessage] {
    fields.compactMap { field in
      if field.number == number, case .message(let message) = field.value { message } else { nil }
    }
  }
}

/// Reads messages of an ONNX file.
struct ONNXReader {
  /// Most memory that a tree of messages takes, about: some hundred thousand nodes.
  private static let maximumMemory = 1 << 27
  /// Messages within messages; a graph within a graph takes three.
  private static let maximumDepth = 64

  private var cursor: HeaderCursor
  private var memory = 0

  init(_ file: InputFile) {
    cursor = HeaderCursor(file, maximumLength: .max)
  }

  /// The message of that kind which ends at `end`.
  mutating func message(
    _ kind: ONNXSchema, end: Int, depth: Int = 0
  ) throws(CheckpointError) -> ONNXMessage {
    guard depth < ONNXReader.maximumDepth else {
      throw cursor.fault(
        .length, expected: "at most \(ONNXReader.maximumDepth) messages in one another",
        found: "more")
    }
    var fields: [ONNXMessage.Field] = []
    var seen: UInt64 = 0
    while cursor.offset < end {
      let start = cursor.offset
      let tag = try varint()
      let (number, type) = (Int(truncatingIfNeeded: tag >> 3), tag & 7)
      guard tag < 1 << 32, number > 0 else {
        throw cursor.fault(.structure, at: start, expected: "a field", found: "the number \(tag)")
      }
      let rule = kind.rule(number)
      let value = try value(type, rule?.content, end: end, depth: depth, start: start)
      guard cursor.offset <= end else {
        throw cursor.fault(
          .length, at: start, expected: "a field that ends at byte \(end)", found: "a longer one")
      }
      if let rule, !rule.isRepeated {
        guard seen & 1 << UInt64(number) == 0 else {
          throw cursor.fault(
            .duplicate, at: start, expected: "field \(number) once", found: "it twice")
        }
        seen |= 1 << UInt64(number)
      }
      if rule == nil, let last = fields.last, last.number == 0 {
        fields[fields.count - 1] = .init(
          number: 0, range: last.range.lowerBound..<cursor.offset, value: .unnamed)
      } else {
        try take(MemoryLayout<ONNXMessage.Field>.stride)
        fields.append(
          .init(number: rule == nil ? 0 : number, range: start..<cursor.offset, value: value))
      }
    }
    return ONNXMessage(fields: fields)
  }

  /// What follows the number of a field.
  private mutating func value(
    _ type: UInt64, _ content: ONNXSchema.Content?, end: Int, depth: Int, start: Int
  ) throws(CheckpointError) -> ONNXMessage.Value {
    switch (type, content) {
    case (0, nil):
      _ = try varint()
      return .unnamed
    case (0, .integer), (0, .integers):
      return .integer(Int(truncatingIfNeeded: try varint()))
    case (1, nil), (5, nil):
      try cursor.skip(type == 1 ? 8 : 4, "a number")
      return .unnamed
    case (5, .float):
      return .float(Float(bitPattern: try cursor.integer("a number")))
    // One of the numbers that would be packed otherwise; nobody writes weights so.
    case (5, .bytes):
      try cursor.skip(4, "a number")
      return .unnamed
    case (2, _):
      let length = try length(end: end)
      switch content {
      case nil:
        try cursor.skip(length, "a field")
        return .unnamed
      case .bytes:
        let place = cursor.offset
        try cursor.skip(length, "weights")
        return .bytes(place..<place + length)
      case .text:
        try take(length)
        guard let text = String(validating: try cursor.bytes(length, "text"), as: UTF8.self) else {
          throw cursor.fault(
            .encoding, at: start, expected: "UTF-8", found: "bytes that are not")
        }
        return .text(text)
      case .integers:
        let last = cursor.offset + length
        var integers: [Int] = []
        while cursor.offset < last {
          try take(8)
          integers.append(Int(truncatingIfNeeded: try varint()))
        }
        return .integers(integers)
      case .message(let kind):
        return .message(try message(kind, end: cursor.offset + length, depth: depth + 1))
      case .integer, .float: break
      }
    default: break
    }
    throw cursor.fault(
      .structure, at: start, expected: "a field of the type that ONNX has there",
      found: "type \(type)")
  }

  private mutating func varint() throws(CheckpointError) -> UInt64 {
    let start = cursor.offset
    var result: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try cursor.integer("a number", as: UInt8.self)
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
    }
    throw cursor.fault(
      .length, at: start, expected: "a number of at most ten bytes", found: "a longer one")
  }

  private mutating func length(end: Int) throws(CheckpointError) -> Int {
    let start = cursor.offset
    let length = try varint()
    guard let result = Int(exactly: length), result <= end - cursor.offset else {
      throw cursor.fault(
        .truncated, at: start,
        expected: "a length of at most \(max(0, end - cursor.offset)) bytes", found: "\(length)")
    }
    return result
  }

  private mutating func take(_ byteCount: Int) throws(CheckpointError) {
    memory += byteCount
    guard memory <= ONNXReader.maximumMemory else {
      throw cursor.fault(
        .length, expected: "a graph that takes at most \(ONNXReader.maximumMemory) bytes of memory",
        found: "a larger one")
    }
  }
}
