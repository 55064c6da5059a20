// Knows one tensor's object in a safetensors header.

import KerfElements

struct SafetensorsEntry {
  let name: String
  let format: Format
  let shape: Shape
  /// Where the bytes begin and end, counted from the first byte of the data.
  let begin: Int
  let end: Int
  /// Where the file describes it.
  let place: Malformation.Place

  /// What `member` of a header says, which begins `headerOffset` bytes into the file.
  init(_ member: JSONObject.Member, headerOffset: Int) throws(Malformation) {
    let place = Malformation.Place(tensor: member.name, offset: member.offset + headerOffset)
    guard let object = member.value.object else {
      throw Malformation(
        .structure, at: place, expected: "an object with dtype, shape and data_offsets",
        found: member.value.kind)
    }
    name = member.name
    self.place = place
    format = try SafetensorsEntry.format(object["dtype"], at: place)
    shape = try SafetensorsEntry.shape(object["shape"], at: place)

    let offsets = try SafetensorsEntry.integers(object["data_offsets"], "data_offsets", at: place)
    guard offsets.count == 2 else {
      throw Malformation(
        .structure, at: place, expected: "data_offsets of two numbers", found: "\(offsets.count)")
    }
    (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else {
      throw Malformation(
        .offset, at: place, expected: "data that ends at or after its begin, \(begin)",
        found: "\(end)")
    }
    guard let byteCount = Container.safetensors.byteCount(of: format, shape) else {
      throw Malformation(
        .shape, at: place, expected: "a shape of whole bytes in \(format)", found: "\(shape)")
    }
    guard end - begin == byteCount else {
      throw Malformation(
        .size, at: place, expected: "\(byteCount) bytes for \(format)\(shape)",
        found: "\(end - begin)")
    }
  }

  /// The tensor in a file whose data begins at `dataOffset`.
  func description(dataOffset: Int) -> TensorDescription {
    TensorDescription(
      name: name, format: format, shape: shape, offset: dataOffset + begin, byteCount: end - begin)
  }

  private static func format(
    _ value: JSONValue?, at place: Malformation.Place
  ) throws(Malformation) -> Format {
    guard let name = value?.string else {
      throw Malformation(
        .structure, at: place, expected: "a dtype", found: value?.kind ?? "none")
    }
    guard let format = SafetensorsType.format(named: name) else {
      throw Malformation(
        .type, at: place,
        expected: "a dtype of \(SafetensorsType.table.map(\.name).joined(separator: " "))",
        found: quoted(name))
    }
    return format
  }

  private static func shape(
    _ value: JSONValue?, at place: Malformation.Place
  ) throws(Malformation) -> Shape {
    let dimensions = try integers(value, "shape", at: place)
    guard let shape = Shape(dimensions) else {
      throw Malformation(
        .shape, at: place, expected: "a shape whose elements can be counted",
        found: "\(dimensions)")
    }
    return shape
  }

  /// The elements of an array of integers that are not negative.
  private static func integers(
    _ value: JSONValue?, _ field: String, at place: Malformation.Place
  ) throws(Malformation) -> [Int] {
    guard let elements = value?.array else {
      throw Malformation(
        .structure, at: place, expected: "an array \(field)", found: value?.kind ?? "none")
    }
    var result: [Int] = []
    result.reserveCapacity(elements.count)
    for element in elements {
      guard let integer = element.integer, integer >= 0 else {
        throw Malformation(
          .structure, at: place, expected: "integers from 0 to \(Int.max) in \(field)",
          found: element.kind)
      }
      result.append(integer)
    }
    return result
  }
}
