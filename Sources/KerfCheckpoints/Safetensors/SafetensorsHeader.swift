// Knows the header of a safetensors file.
//
//   u64, little-endian   n, how long the JSON is
//   n bytes              {"__metadata__": {"key": "value", …},
//                         "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//   the rest             the tensors' bytes; offsets count from here
//
// The rules are those of the official reader. It is stricter than that in three things, each of
// which would let two readers see different tensors: a name that occurs twice is refused, so is a
// tensor described by an array instead of an object, and a tensor of no elements whose other
// extents cannot be multiplied.

import KerfElements
import SystemPackage

struct SafetensorsHeader {
  /// Longest JSON that readers accept, in bytes.
  static let maximumLength = 100_000_000
  /// Bytes before the JSON.
  static let lengthByteCount = 8
  static let metadataName = "__metadata__"

  let metadata: [MetadataEntry<String>]
  /// In the order in which their bytes lie in the file.
  let tensors: [TensorDescription]

  /// Whether a file that begins with these bytes can be meant as safetensors: a length that is
  /// allowed, and the beginning of a JSON object.
  static func recognizes(_ head: [UInt8]) -> Bool {
    guard head.count > lengthByteCount, length(head) <= UInt64(maximumLength) else { return false }
    let first = head[lengthByteCount...].first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return first == nil || first == UInt8(ascii: "{")
  }

  private static func length(_ head: [UInt8]) -> UInt64 {
    head[..<lengthByteCount].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  init(reading file: InputFile) throws(CheckpointError) {
    let text = try SafetensorsHeader.text(of: file)
    do {
      try self.init(parsing: text, dataByteCount: file.size - Self.lengthByteCount - text.count)
    } catch {
      throw .malformed(file.path, error)
    }
  }

  /// The JSON of the header.
  private static func text(of file: InputFile) throws(CheckpointError) -> [UInt8] {
    func fault(
      _ reason: Malformation.Reason, at offset: Int, _ expected: String, _ found: String
    ) -> CheckpointError {
      let place = Malformation.Place(offset: offset)
      return .malformed(
        file.path, Malformation(reason, at: place, expected: expected, found: found))
    }
    let rest = file.size - lengthByteCount
    guard rest >= 0 else {
      throw fault(.truncated, at: 0, "a header length of 8 bytes", "\(file.size) bytes in all")
    }
    let length = length(try file.bytes(at: 0, count: lengthByteCount))
    guard length <= UInt64(maximumLength) else {
      throw fault(.length, at: 0, "a header of at most \(maximumLength) bytes", "\(length)")
    }
    guard Int(length) <= rest else {
      throw fault(
        .truncated, at: lengthByteCount, "a header of \(length) bytes",
        "\(rest) until the end of the file")
    }
    return try file.bytes(at: lengthByteCount, count: Int(length))
  }

  /// The header that `text` says, followed by `dataByteCount` bytes of tensors.
  private init(parsing text: [UInt8], dataByteCount: Int) throws(Malformation) {
    let root: JSONValue
    do {
      root = try JSONValue(parsing: text)
    } catch {
      throw error.moved(by: Self.lengthByteCount)
    }
    guard case .object(let object) = root else {
      throw Malformation(
        .structure, at: .init(offset: Self.lengthByteCount), expected: "a JSON object",
        found: root.kind)
    }
    var metadata: [MetadataEntry<String>] = []
    var entries: [SafetensorsEntry] = []
    entries.reserveCapacity(object.members.count)
    let dataOffset = Self.lengthByteCount + text.count
    for member in object.members {
      if member.name == Self.metadataName {
        metadata = try Self.metadata(member)
      } else {
        entries.append(try SafetensorsEntry(member, headerOffset: Self.lengthByteCount))
      }
    }
    entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    try Self.check(entries, dataOffset: dataOffset, dataByteCount: dataByteCount)
    self.metadata = metadata
    tensors = entries.map { $0.description(dataOffset: dataOffset) }
  }

  /// The entries of `__metadata__`; none where it is null.
  private static func metadata(
    _ member: JSONObject.Member
  ) throws(Malformation) -> [MetadataEntry<String>] {
    if member.value == .null { return [] }
    guard let object = member.value.object else {
      throw Malformation(
        .structure, at: .init(key: metadataName, offset: member.offset + lengthByteCount),
        expected: "an object of strings", found: member.value.kind)
    }
    var entries: [MetadataEntry<String>] = []
    for entry in object.members {
      guard let value = entry.value.string else {
        throw Malformation(
          .structure, at: .init(key: entry.name, offset: entry.offset + lengthByteCount),
          expected: "a string", found: entry.value.kind)
      }
      entries.append(MetadataEntry(entry.name, value))
    }
    return entries
  }

  /// Tensors must follow one another without holes, from the first byte of the data to the last.
  private static func check(
    _ entries: [SafetensorsEntry], dataOffset: Int, dataByteCount: Int
  ) throws(Malformation) {
    var end = 0
    for entry in entries {
      guard entry.begin == end else {
        throw Malformation(
          .offset, at: entry.place, expected: "data from offset \(end)",
          found: "\(entry.begin), which \(entry.begin < end ? "overlaps" : "leaves a hole")")
      }
      end = entry.end
      guard end <= dataByteCount else {
        throw Malformation(
          .truncated, at: entry.place, expected: "data up to offset \(end)",
          found: "\(dataByteCount) bytes of data")
      }
    }
    guard end == dataByteCount else {
      throw Malformation(
        .trailingData, at: .init(offset: dataOffset + end),
        expected: "the end of the file after \(end) bytes of data", found: "\(dataByteCount)")
    }
  }
}

extension Malformation {
  /// The same fault in a text that begins `distance` bytes into the file.
  func moved(by distance: Int) -> Malformation {
    var moved = self
    moved.place.offset = place.offset.map { $0 + distance }
    return moved
  }
}
