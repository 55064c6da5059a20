// Knows which files make up one model.
//
//   a file                         itself, or all parts where it is the first of several
//   *.safetensors.index.json       {"weight_map": {tensor: file}, …}: the files beside it
//   a directory                    its index; else its only weight file, or the parts of one
//
// Parts are named by the field's pattern, which counts from one: model-00001-of-00003.safetensors.

package import SystemPackage

/// The files of one model, in order.
struct ModelFiles {
  /// The weight files.
  let parts: [FilePath]
  /// Where an index says that each tensor is.
  let index: ShardIndex?

  /// The files that `path` stands for.
  static func find(_ path: FilePath) throws(CheckpointError) -> ModelFiles {
    if (try? path.stat())?.type == .directory { return try find(in: path) }
    if path.string.hasSuffix(ShardIndex.ending) { return try find(by: path) }
    if let place = PartName(path), place.count > 1, place.number == 1,
      path.extension != Container.onnx.pathExtension
    {
      return try find(from: path, place)
    }
    return ModelFiles(parts: [path], index: nil)
  }

  private static func find(in directory: FilePath) throws(CheckpointError) -> ModelFiles {
    let names = try FileSystem.names(in: directory)
    let indices = names.filter { $0.hasSuffix(ShardIndex.ending) }
    let plain = "model" + ShardIndex.ending
    if indices.count == 1 || indices.contains(plain) {
      return try find(by: directory.appending(indices.count == 1 ? indices[0] : plain))
    }
    var endings = Container.allCases.map { "." + $0.pathExtension }
    var found = names.filter { name in endings.contains { name.hasSuffix($0) } }
    if found.isEmpty {
      // Beside weights alone, a graph is the same model once more.
      endings = ["." + Container.onnx.pathExtension]
      found = names.filter { $0.hasSuffix(endings[0]) }
    }
    if let name = found.count == 1
      ? found[0] : endings.map({ "model" + $0 }).first(where: found.contains)
    {
      return ModelFiles(parts: [directory.appending(name)], index: nil)
    }
    let places = found.compactMap { PartName(FilePath($0)) }
    if let place = places.first, places.count == found.count,
      places.allSatisfy({ $0.stem == place.stem && $0.count == place.count })
    {
      return try find(from: directory.appending(place.name(of: 1)), place)
    }
    guard found.isEmpty else { throw .severalModels(directory, names: found) }
    throw .noWeights(
      directory, found: names.filter { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") })
  }

  /// The files that an index names.
  private static func find(by path: FilePath) throws(CheckpointError) -> ModelFiles {
    let index = try ShardIndex(contentsOf: path)
    return try ModelFiles(index.files, beside: path, index)
  }

  /// All parts, of which `first` is the first.
  private static func find(
    from first: FilePath, _ place: PartName
  ) throws(CheckpointError) -> ModelFiles {
    try ModelFiles((1...place.count).map(place.name), beside: first, nil)
  }

  private init(parts: [FilePath], index: ShardIndex?) {
    self.parts = parts
    self.index = index
  }

  private init(
    _ names: [String], beside path: FilePath, _ index: ShardIndex?
  ) throws(CheckpointError) {
    let directory = path.containingDirectory
    self.init(parts: names.map { directory.appending($0) }, index: index)
    for part in parts where (try? part.stat()) == nil { throw .missingPart(part, of: path) }
  }
}

/// The name of one part of a model, `stem-00002-of-00003.ending`.
package struct PartName: Sendable, Hashable {
  /// What comes before the numbers.
  package let stem: String
  /// The part's number, from 1.
  package let number: Int
  /// How many parts there are.
  package let count: Int
  private let ending: String

  /// `nil` where a file is not named so.
  package init?(_ path: FilePath) {
    guard let stem = path.stem, let ending = path.extension else { return nil }
    let words = stem.split(separator: "-", omittingEmptySubsequences: false)
    guard words.count >= 4, words[words.count - 2] == "of",
      let number = PartName.number(words[words.count - 3]),
      let count = PartName.number(words[words.count - 1]), number <= count
    else { return nil }
    self.init(
      stem: words.dropLast(3).joined(separator: "-"), number: number, count: count, ending: ending)
  }

  /// The name of a part of a model of `count` parts.
  package init(stem: String, number: Int, count: Int, ending: String) {
    self.stem = stem
    self.number = number
    self.count = count
    self.ending = ending
  }

  /// The name of another part of the same model.
  package func name(of number: Int) -> String {
    "\(stem)-\(PartName.digits(number))-of-\(PartName.digits(count)).\(ending)"
  }

  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }

  /// Five digits; more parts than those can count are no model's.
  private static func number(_ text: Substring) -> Int? {
    guard text.utf8.count == 5, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(text).flatMap { $0 > 0 ? $0 : nil }
  }
}
