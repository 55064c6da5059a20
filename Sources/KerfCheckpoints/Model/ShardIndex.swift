// Knows the file that says in which of several safetensors files each tensor is.
//
//   {"metadata": {"total_size": 123}, "weight_map": {"a.weight": "model-00001-of-00002.safetensors", …}}

import SystemPackage

struct ShardIndex {
  /// What the names of such files end in.
  static let ending = ".safetensors.index.json"

  /// The index itself.
  let path: FilePath
  /// Tensors and the files they are in, in the order of the text.
  let places: [(tensor: String, file: String, offset: Int)]
  /// The names of the files, each once, in order.
  let files: [String]

  /// Reads an index.
  ///
  /// Files are beside it: a name that leads elsewhere is refused, since whoever wrote the index
  /// could otherwise have any file read.
  init(contentsOf path: FilePath) throws(CheckpointError) {
    self.path = path
    let root = try JSONValue(contentsOf: path)
    do {
      places = try ShardIndex.places(root)
    } catch {
      throw .malformed(path, error)
    }
    files = Set(places.map(\.file)).sorted()
  }

  private static func places(
    _ root: JSONValue
  ) throws(Malformation) -> [(tensor: String, file: String, offset: Int)] {
    guard let map = root.object?["weight_map"]?.object, !map.members.isEmpty else {
      throw Malformation(
        .structure, at: .init(key: "weight_map"), expected: "an object of tensors and files",
        found: root.object?["weight_map"]?.kind ?? "none")
    }
    var places: [(tensor: String, file: String, offset: Int)] = []
    places.reserveCapacity(map.members.count)
    for member in map.members {
      let place = Malformation.Place(tensor: member.name, offset: member.offset)
      guard let file = member.value.string else {
        throw Malformation(
          .structure, at: place, expected: "a file name", found: member.value.kind)
      }
      let path = FilePath(file)
      guard path.components.count == 1, path.root == nil, file.hasSuffix(".safetensors"),
        path.lastComponent?.kind == .regular
      else {
        throw Malformation(
          .name, at: place, expected: "the name of a .safetensors file beside the index",
          found: quoted(file))
      }
      places.append((member.name, file, member.offset))
    }
    return places
  }

  /// Checks that every tensor is in the file that the index names for it.
  /// - Parameter part: The number of the file that has a tensor, from 0; `nil` where none has it.
  func check(_ part: (String) -> Int?) throws(CheckpointError) {
    for (tensor, file, offset) in places {
      let part = part(tensor)
      guard part.map({ files[$0] }) == file else {
        throw .malformed(
          path,
          Malformation(
            .structure, at: .init(tensor: tensor, offset: offset),
            expected: "the tensor in \(quoted(file))",
            found: part.map { "it in \(quoted(files[$0]))" } ?? "it in no file"))
      }
    }
  }
}
