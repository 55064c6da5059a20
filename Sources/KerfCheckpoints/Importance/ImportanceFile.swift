// Knows files that say which columns of a model's matrices matter: sums of squared activations,
// gathered while the model worked on some text.
//
// There are two forms. One is a GGUF file with two f32 tensors for each of the model's: its name
// and `.in_sum2`, and its name and `.counts`. `LegacyImportance.swift` has the other one.

import KerfElements
public import SystemPackage

/// A file of sums of squared activations, open for reading.
///
/// Sums are read when they are asked for, so that a file of many experts takes no memory.
public final class ImportanceFile: Sendable {
  /// What the file has for one tensor.
  public struct Entry: Sendable, Hashable {
    /// The tensor's name.
    public let name: String
    /// Sums of squares: one for each column, of one matrix after another.
    public let valueCount: Int
    /// Numbers of activations that were summed up: one for each matrix, or one for all of them.
    public let countCount: Int

    let values: Place
    let counts: Place
  }

  /// Where numbers are.
  enum Place: Sendable, Hashable {
    /// Floats of 32 bits, so many bytes from the start of the file.
    case file(offset: Int)
    /// A number that has been read with the list.
    case known(Float)
  }

  /// The texts that the model worked on, as the file names them.
  public let datasets: [String]
  /// Pieces of text that were worked on.
  public let chunkCount: Int?
  /// What there is, in the order of the file.
  public let entries: [Entry]
  /// The file, as it was named when it was opened.
  public var path: FilePath { file.path }

  private let file: InputFile
  private let indices: [UTF8Name: Int]

  /// Most sums of one tensor. The largest mixtures of experts have some millions.
  private static let mostValues = 1 << 26

  private init(
    _ file: InputFile, _ entries: [Entry], datasets: [String], chunkCount: Int?
  ) throws(CheckpointError) {
    for entry in entries {
      let rule: String? =
        if entry.valueCount < 1 || entry.valueCount > Self.mostValues {
          "between 1 and \(Self.mostValues) sums"
        } else if entry.countCount < 1 || !entry.valueCount.isMultiple(of: entry.countCount) {
          "as many sums for each count"
        } else {
          nil
        }
      if let rule {
        throw .malformed(
          file.path,
          Malformation(
            .size, at: .init(tensor: entry.name), expected: rule,
            found: "\(entry.valueCount) sums and \(entry.countCount) counts"))
      }
    }
    self.file = file
    self.entries = entries
    self.datasets = datasets
    self.chunkCount = chunkCount
    indices = Dictionary(
      uniqueKeysWithValues: entries.enumerated().map { (UTF8Name($1.name), $0) })
  }

  /// Opens the file at `path`, of either form, and checks its list.
  /// - Throws: ``CheckpointError``: where the file is missing or may not be read, or is no
  ///   importance matrix.
  public static func open(_ path: FilePath) throws(CheckpointError) -> ImportanceFile {
    let file = try InputFile(path)
    guard file.size > 0 else { throw .empty(path) }
    let head = try file.bytes(at: 0, count: min(file.size, GGUFHeader.magic.count))
    guard head == GGUFHeader.magic else {
      let list = try LegacyImportance(reading: file)
      return try ImportanceFile(
        file, list.entries, datasets: list.dataset.map { [$0] } ?? [], chunkCount: list.chunkCount)
    }
    let header = try GGUFHeader(reading: file)
    var datasets: [String] = []
    if case .array(let array) = header.metadata[key: "imatrix.datasets"] {
      datasets = array.strings?.map(\.description) ?? []
    }
    return try ImportanceFile(
      file, try entries(header, path), datasets: datasets,
      chunkCount: header.metadata[key: "imatrix.chunk_count"]?.integer)
  }

  private static func entries(
    _ header: GGUFHeader, _ path: FilePath
  ) throws(CheckpointError) -> [Entry] {
    var counts: [UTF8Name: TensorDescription] = [:]
    for tensor in header.tensors {
      if let name = tensor.name.without(".counts") { counts[UTF8Name(name)] = tensor }
    }
    var entries: [Entry] = []
    for sums in header.tensors {
      guard let name = sums.name.without(".in_sum2") else { continue }
      guard let count = counts[UTF8Name(name)], sums.format == .f32, count.format == .f32 else {
        throw .malformed(
          path,
          Malformation(
            .structure, at: .init(tensor: sums.name),
            expected: "sums and counts of \(quoted(name)) as f32",
            found: counts[UTF8Name(name)].map { "\(sums.format) and \($0.format)" } ?? "no counts"))
      }
      entries.append(
        Entry(
          name: name, valueCount: sums.shape.count, countCount: count.shape.count,
          values: .file(offset: sums.offset), counts: .file(offset: count.offset)))
    }
    guard !entries.isEmpty else {
      throw .malformed(
        path,
        Malformation(
          .structure, at: .init(), expected: "an importance matrix: tensors named ….in_sum2",
          found: "\(header.tensors.count) tensors of other names"))
    }
    return entries
  }

  /// The entry of that name, compared byte by byte, or `nil` where there is none.
  public func entry(named name: String) -> Entry? { indices[UTF8Name(name)].map { entries[$0] } }

  /// The sums of an entry, and the counts that they are to be divided by, as the file has them.
  /// - Throws: ``CheckpointError``, where the file has become shorter or cannot be read.
  public func read(_ entry: Entry) throws(CheckpointError) -> (sums: [Float], counts: [Float]) {
    (
      try floats(entry.values, count: entry.valueCount, of: entry.name),
      try floats(entry.counts, count: entry.countCount, of: entry.name)
    )
  }

  private func floats(
    _ place: Place, count: Int, of name: String
  ) throws(CheckpointError) -> [Float] {
    switch place {
    case .known(let value): return [value]
    case .file(let offset):
      do {
        let bytes = try file.bytes(at: offset, count: count * 4)
        return (0..<count).map { index in
          let word = bytes[index * 4..<index * 4 + 4].reversed().reduce(UInt32(0)) {
            $0 << 8 | UInt32($1)
          }
          return Float(bitPattern: word)
        }
      } catch .malformed(let path, var fault) {
        fault.place.tensor = name
        throw .malformed(path, fault)
      }
    }
  }
}

extension String {
  /// What comes before `ending`, or `nil` where there is none.
  fileprivate func without(_ ending: String) -> String? {
    hasSuffix(ending) && utf8.count > ending.utf8.count
      ? String(decoding: utf8.dropLast(ending.utf8.count), as: UTF8.self) : nil
  }
}
