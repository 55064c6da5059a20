// Knows the header of a GGUF file, versions 2 and 3, which differ in the number only.
//
//   "GGUF", u32 version, i64 tensor count, i64 key count
//   per key      string name, u32 type, value
//   per tensor   string name, u32 dimensions, i64 extents (innermost first), i32 type, u64 offset
//   padding      to the alignment: u32 `general.alignment`, else 32
//   data         each tensor padded to the alignment, in the order of the list; offsets count
//                from here
//
// A string is a u64 length and that many bytes; an array is a u32 type, a u64 count and elements.

import KerfElements

struct GGUFHeader {
  static let magic = Array("GGUF".utf8)
  static let version: UInt32 = 3
  static let alignmentKey = "general.alignment"
  static let defaultAlignment: UInt32 = 32
  /// Readers keep names in 64 bytes, a terminating zero among them.
  static let longestName = 63
  static let mostDimensions = 4
  /// What a key takes at least: a length, one byte of name, a type, one byte of value.
  private static let leastKey = 14
  /// What a tensor takes at least: a length, dimensions, type and offset.
  private static let leastTensor = 24

  private(set) var metadata: [MetadataEntry<GGUFValue>] = []
  /// In the order of the list, which is that of the data.
  private(set) var tensors: [TensorDescription] = []

  init(reading file: InputFile) throws(CheckpointError) {
    var cursor = HeaderCursor(file)
    try Self.checkBeginning(&cursor)
    let tensorCount = try cursor.count("tensor count", ofAtLeast: Self.leastTensor)
    let keyCount = try cursor.count("key count", ofAtLeast: Self.leastKey)

    var keys: Set<UTF8Name> = []
    for _ in 0..<keyCount {
      let entry = try Self.entry(&cursor, &keys)
      metadata.append(entry)
    }
    let alignment = try Self.alignment(metadata, cursor)

    var names: Set<UTF8Name> = []
    var infos: [GGUFTensorInfo] = []
    for _ in 0..<tensorCount {
      let info = try GGUFTensorInfo(&cursor)
      guard names.insert(UTF8Name(info.name)).inserted else {
        throw cursor.fault(
          .duplicate, at: info.headerOffset, expected: "a name that the file has once",
          found: "\(quoted(info.name)) again")
      }
      infos.append(info)
    }
    cursor.place = .init()
    tensors = try Self.placed(infos, after: cursor, alignment: alignment)
  }

  private static func checkBeginning(_ cursor: inout HeaderCursor) throws(CheckpointError) {
    let magic = try cursor.bytes(Self.magic.count, "magic")
    guard magic == Self.magic else {
      throw cursor.fault(
        .magic, at: 0, expected: "the letters GGUF", found: "bytes \(hexadecimal(magic))")
    }
    let start = cursor.offset
    let version = try cursor.integer("version", as: UInt32.self)
    guard version != 2, version != Self.version else { return }
    let isSwapped = version != 0 && version & 0xFFFF == 0
    throw cursor.fault(
      .version, at: start, expected: "GGUF version 2 or 3, little-endian",
      found: isSwapped ? "a big-endian file, version \(version.byteSwapped)" : "\(version)")
  }

  // MARK: Keys

  private static func entry(
    _ cursor: inout HeaderCursor, _ keys: inout Set<UTF8Name>
  ) throws(CheckpointError) -> MetadataEntry<GGUFValue> {
    cursor.place.key = nil
    let start = cursor.offset
    guard let key = try cursor.text("key") else {
      throw cursor.fault(.encoding, at: start, expected: "a key in UTF-8", found: "other bytes")
    }
    cursor.place.key = key
    guard !key.isEmpty else {
      throw cursor.fault(.name, at: start, expected: "a key", found: "an empty one")
    }
    guard keys.insert(UTF8Name(key)).inserted else {
      throw cursor.fault(
        .duplicate, at: start, expected: "a key that the file has once", found: "it again")
    }
    let kind = try kind(&cursor)
    let value = kind == .array ? .array(try array(&cursor)) : try scalar(kind, &cursor)
    cursor.place.key = nil
    return MetadataEntry(key, value)
  }

  private static func kind(_ cursor: inout HeaderCursor) throws(CheckpointError) -> GGUFValue.Kind {
    let start = cursor.offset
    let id = try cursor.integer("value type", as: UInt32.self)
    guard let kind = GGUFValue.Kind(rawValue: id) else {
      throw cursor.fault(
        .type, at: start, expected: "a value type from 0 to 12", found: "\(id)")
    }
    return kind
  }

  private static func scalar(
    _ kind: GGUFValue.Kind, _ cursor: inout HeaderCursor
  ) throws(CheckpointError) -> GGUFValue {
    switch kind {
    case .uint8: .uint8(try cursor.integer("value"))
    case .int8: .int8(try cursor.integer("value"))
    case .uint16: .uint16(try cursor.integer("value"))
    case .int16: .int16(try cursor.integer("value"))
    case .uint32: .uint32(try cursor.integer("value"))
    case .int32: .int32(try cursor.integer("value"))
    case .float32: .float32(Float(bitPattern: try cursor.integer("value")))
    case .bool: .bool(try cursor.integer("value", as: UInt8.self) != 0)
    case .string: .string(try string(&cursor))
    case .array: preconditionFailure("an array is no scalar")
    case .uint64: .uint64(try cursor.integer("value"))
    case .int64: .int64(try cursor.integer("value"))
    case .float64: .float64(Double(bitPattern: try cursor.integer("value")))
    }
  }

  private static func string(_ cursor: inout HeaderCursor) throws(CheckpointError) -> GGUFString {
    let length = try cursor.count("string length", ofAtLeast: 1)
    return GGUFString(bytes: try cursor.bytes(length, "string"))
  }

  private static func array(_ cursor: inout HeaderCursor) throws(CheckpointError) -> GGUFArray {
    let start = cursor.offset
    let kind = try kind(&cursor)
    guard kind != .array else {
      throw cursor.fault(
        .type, at: start, expected: "an array of values", found: "an array of arrays")
    }
    if let size = kind.byteCount {
      let count = try cursor.count("array length", ofAtLeast: size)
      return GGUFArray(kind, count: count, bytes: try cursor.bytes(count * size, "array"))
    }
    let count = try cursor.count("array length", ofAtLeast: MemoryLayout<UInt64>.size)
    var bytes: [UInt8] = []
    for _ in 0..<count {
      let length = try cursor.count("string length", ofAtLeast: 1)
      bytes.appendLittleEndian(UInt64(length))
      try cursor.append(length, to: &bytes, "string")
    }
    return GGUFArray(kind, count: count, bytes: bytes)
  }

  private static func alignment(
    _ metadata: [MetadataEntry<GGUFValue>], _ cursor: HeaderCursor
  ) throws(CheckpointError) -> Int {
    do {
      return try alignment(metadata)
    } catch {
      throw cursor.malformed(error)
    }
  }

  /// The alignment that `metadata` asks for, in bytes.
  static func alignment(_ metadata: [MetadataEntry<GGUFValue>]) throws(Malformation) -> Int {
    let value = metadata[key: alignmentKey] ?? .uint32(defaultAlignment)
    guard case .uint32(let alignment) = value, alignment.nonzeroBitCount == 1 else {
      throw Malformation(
        .alignment, at: .init(key: alignmentKey), expected: "a uint32 that is a power of two",
        found: "\(value.kind) \(value.integer.map { "\($0)" } ?? "")")
    }
    return Int(alignment)
  }

  // MARK: Tensors

  /// The tensors at their places in the file, each of which must be where the one before it and
  /// its padding end.
  private static func placed(
    _ infos: [GGUFTensorInfo], after cursor: HeaderCursor, alignment: Int
  ) throws(CheckpointError) -> [TensorDescription] {
    guard let dataOffset = cursor.offset.roundedUp(toMultipleOf: alignment) else {
      throw cursor.fault(.length, expected: "a header that can be padded", found: "it too long")
    }
    let available = cursor.offset + cursor.remaining - dataOffset
    var end = 0
    var tensors: [TensorDescription] = []
    tensors.reserveCapacity(infos.count)
    for info in infos {
      var cursor = cursor
      cursor.place.tensor = info.name
      guard info.offset == UInt64(end) else {
        throw cursor.fault(
          .offset, at: info.headerOffset, expected: "data at offset \(end)",
          found: "\(info.offset)")
      }
      let (sum, overflow) = end.addingReportingOverflow(info.byteCount)
      guard !overflow, let padded = sum.roundedUp(toMultipleOf: alignment),
        padded <= available || info.byteCount == 0
      else {
        throw cursor.fault(
          .truncated, at: info.headerOffset,
          expected: "\(info.byteCount) bytes from byte \(dataOffset + end) on and their padding "
            + "to a multiple of \(alignment)",
          found: "\(max(0, available - end)) until the end of the file")
      }
      tensors.append(
        TensorDescription(
          name: info.name, format: info.format, shape: info.shape, offset: dataOffset + end,
          byteCount: info.byteCount))
      end = padded
    }
    return tensors
  }
}
