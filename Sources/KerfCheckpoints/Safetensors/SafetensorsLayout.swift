// Knows how the official writer lays a safetensors file out, and does the same to the byte: tensors
// of the most strictly aligned type first, those of one type by name, and spaces behind the JSON
// until the data begins on a multiple of 8. So every tensor lies on a multiple of its element size.

import KerfElements

extension CheckpointLayout {
  static func safetensors(
    _ metadata: [MetadataEntry<String>], _ requests: [Request]
  ) throws(Malformation) -> CheckpointLayout {
    try checkNames(metadata.map(\.key)) { key in .init(key: key) }
    let reserved = SafetensorsHeader.metadataName
    if requests.contains(where: { $0.name == reserved }) {
      throw Malformation(
        .name, at: .init(tensor: reserved), expected: "another name", found: "a reserved one")
    }

    let order = requests.indices.sorted { a, b in
      let ranks = (rank(requests[a]), rank(requests[b]))
      if ranks.0 != ranks.1 { return ranks.0 > ranks.1 }
      return requests[a].name.utf8.lexicographicallyPrecedes(requests[b].name.utf8)
    }
    var json = Array("{".utf8)
    if !metadata.isEmpty {
      json.appendJSON(reserved)
      json.append(contentsOf: ":{".utf8)
      for (index, entry) in metadata.enumerated() {
        if index > 0 { json.append(UInt8(ascii: ",")) }
        json.appendJSON(entry.key)
        json.append(UInt8(ascii: ":"))
        json.appendJSON(entry.value)
      }
      json.append(UInt8(ascii: "}"))
    }
    var begins = [Int](repeating: 0, count: requests.count)
    var end = 0
    for index in order {
      let request = requests[index]
      begins[index] = end
      end = try sum(end, request.byteCount, of: request.name)
      if json.count > 1 { json.append(UInt8(ascii: ",")) }
      json.appendJSON(request.name)
      json.append(contentsOf: entry(request, begin: begins[index], end: end).utf8)
    }
    json.append(UInt8(ascii: "}"))
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    guard json.count <= SafetensorsHeader.maximumLength else {
      throw Malformation(
        .length, at: .init(),
        expected: "a header of at most \(SafetensorsHeader.maximumLength) "
          + "bytes", found: "\(json.count)")
    }

    var header: [UInt8] = []
    header.appendLittleEndian(UInt64(json.count))
    header.append(contentsOf: json)
    return CheckpointLayout(
      container: .safetensors, header: header,
      tensors: requests.indices.map { requests[$0].placed(at: header.count + begins[$0]) },
      fileSize: try sum(header.count, end, of: requests.last?.name ?? ""))
  }

  private static func rank(_ request: Request) -> Int {
    SafetensorsType.rank(of: request.format)!
  }

  /// A tensor's object, and the colon before it.
  private static func entry(_ request: Request, begin: Int, end: Int) -> String {
    let extents = request.shape.dimensions.map(String.init).joined(separator: ",")
    let type = SafetensorsType.name(of: request.format)!
    return #":{"dtype":"\#(type)","shape":[\#(extents)],"data_offsets":[\#(begin),\#(end)]}"#
  }
}
