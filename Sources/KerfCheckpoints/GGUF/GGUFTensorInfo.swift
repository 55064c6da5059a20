// Knows one tensor's entry in a GGUF header.

import KerfElements

struct GGUFTensorInfo {
  let name: String
  let format: Format
  let shape: Shape
  let byteCount: Int
  /// Where the bytes begin, counted from the first byte of the data, as the file claims.
  let offset: UInt64
  /// Where the entry begins, in bytes from the start of the file.
  let headerOffset: Int

  init(_ cursor: inout HeaderCursor) throws(CheckpointError) {
    cursor.place.tensor = nil
    headerOffset = cursor.offset
    name = try GGUFTensorInfo.name(&cursor)
    cursor.place.tensor = name
    let dimensions = try GGUFTensorInfo.dimensions(&cursor)
    guard let shape = Shape(dimensions) else {
      throw cursor.fault(
        .shape, at: headerOffset, expected: "a shape whose elements can be counted",
        found: "\(dimensions)")
    }
    self.shape = shape

    let typeOffset = cursor.offset
    let id = try cursor.integer("tensor type", as: Int32.self)
    guard let format = GGUFType.format(id: id) else {
      throw cursor.fault(
        .type, at: typeOffset, expected: "a tensor type that is known", found: "type id \(id)")
    }
    self.format = format
    guard let byteCount = Container.gguf.byteCount(of: format, shape) else {
      throw cursor.fault(
        .shape, at: headerOffset, expected: format.wholeRows, found: "the shape \(shape)")
    }
    self.byteCount = byteCount
    offset = try cursor.integer("data offset", as: UInt64.self)
  }

  private static func name(_ cursor: inout HeaderCursor) throws(CheckpointError) -> String {
    let start = cursor.offset
    let length = try cursor.count("name length", ofAtLeast: 1)
    guard length <= GGUFHeader.longestName else {
      throw cursor.fault(
        .name, at: start, expected: "a name of at most \(GGUFHeader.longestName) bytes",
        found: "\(length)")
    }
    let bytes = try cursor.bytes(length, "name")
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw cursor.fault(
        .encoding, at: start, expected: "a tensor name in UTF-8", found: "other bytes")
    }
    return name
  }

  /// The extents, outermost first.
  private static func dimensions(_ cursor: inout HeaderCursor) throws(CheckpointError) -> [Int] {
    let start = cursor.offset
    let count = try cursor.integer("number of dimensions", as: UInt32.self)
    guard count <= GGUFHeader.mostDimensions else {
      throw cursor.fault(
        .shape, at: start, expected: "at most \(GGUFHeader.mostDimensions) dimensions",
        found: "\(count)")
    }
    var dimensions: [Int] = []
    for _ in 0..<count {
      let extent = Int(try cursor.integer("extent", as: Int64.self))
      guard extent >= 0 else {
        throw cursor.fault(
          .shape, at: start, expected: "extents that are not negative", found: "\(extent)")
      }
      dimensions.append(extent)
    }
    return dimensions.reversed()
  }
}

extension Format {
  /// What GGUF asks of a shape, for messages.
  var wholeRows: String {
    "rows of a multiple of \(elementsPerBlock) elements for \(name), countable in bytes"
  }
}
