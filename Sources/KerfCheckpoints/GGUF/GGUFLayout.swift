// Knows how a GGUF file is laid out: version 3, tensors in the order given, each padded to the
// alignment, the last one as well.

import KerfElements

extension CheckpointLayout {
  static func gguf(
    _ metadata: [MetadataEntry<GGUFValue>], _ requests: [Request]
  ) throws(Malformation) -> CheckpointLayout {
    try checkNames(metadata.map(\.key)) { key in .init(key: key) }
    let alignment = try GGUFHeader.alignment(metadata)

    var header = GGUFHeader.magic
    header.appendLittleEndian(GGUFHeader.version)
    header.appendLittleEndian(Int64(requests.count))
    header.appendLittleEndian(Int64(metadata.count))
    for entry in metadata {
      guard !entry.key.isEmpty else {
        throw Malformation(
          .name, at: .init(key: entry.key), expected: "a key", found: "an empty one")
      }
      header.appendGGUF(entry.key.utf8)
      header.appendLittleEndian(entry.value.kind.rawValue)
      header.appendGGUF(entry.value)
    }

    var begins: [Int] = []
    var end = 0
    for request in requests {
      try appendInfo(request, begin: end, to: &header)
      begins.append(end)
      end = try padded(try sum(end, request.byteCount, of: request.name), to: alignment)
    }
    guard header.count <= HeaderCursor.maximumLength else {
      throw Malformation(
        .length, at: .init(), expected: "a header of at most \(HeaderCursor.maximumLength) bytes",
        found: "\(header.count)")
    }
    let dataOffset = try padded(header.count, to: alignment)
    // The padding is not part of the header's bytes: an alignment may be a gigabyte.
    return CheckpointLayout(
      container: .gguf, header: header,
      tensors: requests.indices.map { requests[$0].placed(at: dataOffset + begins[$0]) },
      fileSize: try sum(dataOffset, end, of: requests.last?.name ?? ""))
  }

  private static func padded(_ byteCount: Int, to alignment: Int) throws(Malformation) -> Int {
    guard let result = byteCount.roundedUp(toMultipleOf: alignment) else {
      throw Malformation(
        .length, at: .init(), expected: "a file of at most \(Int.max) bytes", found: "more")
    }
    return result
  }

  private static func appendInfo(
    _ request: Request, begin: Int, to header: inout [UInt8]
  ) throws(Malformation) {
    let name = request.name.utf8
    guard name.count <= GGUFHeader.longestName else {
      throw Malformation(
        .name, at: .init(tensor: request.name),
        expected: "a name of at most \(GGUFHeader.longestName) bytes", found: "\(name.count)")
    }
    let dimensions = request.shape.dimensions
    guard dimensions.count <= GGUFHeader.mostDimensions else {
      throw Malformation(
        .shape, at: .init(tensor: request.name),
        expected: "at most \(GGUFHeader.mostDimensions) dimensions", found: "\(dimensions.count)")
    }
    header.appendGGUF(name)
    header.appendLittleEndian(UInt32(dimensions.count))
    for extent in dimensions.reversed() { header.appendLittleEndian(Int64(extent)) }
    header.appendLittleEndian(GGUFType.id(of: request.format)!)
    header.appendLittleEndian(UInt64(begin))
  }
}
