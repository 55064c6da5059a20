// Which entry of an importance matrix says what about which tensor, and what its sums mean.

package import KerfCheckpoints
package import KerfCodecs
package import KerfElements
internal import KerfPlanning
internal import Synchronization
package import SystemPackage

/// The importance of the columns of a model's tensors.
package final class ModelImportance: Sendable {
  package let file: ImportanceFile
  /// Entries that no tensor takes, whatever becomes of it.
  package let unmatched: [String]
  private let tensors: [TensorDescription]
  private let matches: [Match?]
  private let lent = Mutex<[Int: Importance]>([:])

  /// What a tensor takes of an entry: all of it, or the part of one expert.
  private struct Match {
    let entry: ImportanceFile.Entry
    let expert: Int?
  }

  package init(_ file: ImportanceFile, tensors: [TensorDescription]) {
    self.file = file
    self.tensors = tensors
    let byMeaning = ModelImportance.byMeaning(file.entries)
    matches = tensors.map { tensor in
      if let entry = file.entry(named: tensor.name) { return Match(entry: entry, expert: nil) }
      guard let meaning = TensorMeaning(name: tensor.name) else { return nil }
      if let entry = byMeaning[meaning] { return Match(entry: entry, expert: nil) }
      // Files of the hub have experts one by one, GGUF has them in a stack.
      return meaning.expert.flatMap { expert in
        byMeaning[meaning.ofAllExperts].map { Match(entry: $0, expert: expert) }
      }
    }
    let taken = Set(matches.compactMap { $0?.entry.name })
    unmatched = file.entries.map(\.name).filter { !taken.contains($0) }
  }

  /// The importance matrix at `path`, and what of it the tensors of `input` take.
  package convenience init(
    at path: FilePath, of input: Checkpoint, rounding: Rounding
  ) throws(ConversionError) {
    guard rounding == .optimal else { throw .codec(.importanceOfReference) }
    let file = try checked { () throws(CheckpointError) in try ImportanceFile.open(path) }
    self.init(file, tensors: input.tensors)
  }

  /// Whether there is an entry for the tensor of that index.
  package func hasEntry(_ index: Int) -> Bool { matches[index] != nil }

  /// Whether errors of the tensor count by importance on its way to `format`.
  package func counts(_ index: Int, _ format: Format) -> Bool {
    hasEntry(index) && Self.counts(tensors[index].format, format)
  }

  /// Whether importance matters on the way between two formats: where new blocks are made.
  static func counts(_ source: Format, _ target: Format) -> Bool {
    target.kind == .block && source != target
  }

  /// The importance of a tensor that has an entry.
  func importance(of index: Int) throws(ConversionError) -> CleanImportance {
    let tensor = tensors[index]
    let (matrices, _) = Importance.matrices(of: tensor.shape)
    guard let match = matches[index] else { preconditionFailure("no importance of \(tensor.name)") }
    let columns = tensor.shape.columns
    let experts = match.expert.map { max($0 + 1, match.entry.valueCount / max(columns, 1)) }
    let (expected, overflow) = columns.multipliedReportingOverflow(by: experts ?? matrices)
    guard !overflow, match.entry.valueCount == expected else {
      throw .importanceSize(
        file.path, tensor: tensor.name, shape: tensor.shape, found: match.entry.valueCount)
    }
    var (sums, counts) = try checked { () throws(CheckpointError) in try file.read(match.entry) }
    if let expert = match.expert {
      sums = Array(sums[expert * columns..<(expert + 1) * columns])
      counts = [counts[counts.count == experts ? expert : 0]]
    }
    return CleanImportance(sums: sums, counts: counts, columns: columns)
  }

  /// The same for the conversion of a piece: of the last few tensors, what was read is kept.
  package func lend(_ index: Int) throws(ConversionError) -> Importance {
    if let importance = lent.withLock({ $0[index] }) { return importance }
    let importance = try importance(of: index).importance
    lent.withLock { lent in
      if lent.count >= 8, let first = lent.keys.min() { lent[first] = nil }
      lent[index] = importance
    }
    return importance
  }

  // MARK: Names of the hub

  /// Entries by what their names mean, where only one means it.
  private static func byMeaning(
    _ entries: [ImportanceFile.Entry]
  ) -> [TensorMeaning: ImportanceFile.Entry] {
    let keyed = entries.compactMap { entry in
      TensorMeaning(name: entry.name).map { ($0, entry) }
    }
    return Dictionary(grouping: keyed, by: \.0).compactMapValues { $0.count == 1 ? $0[0].1 : nil }
  }
}

/// Importance made of sums that may have holes.
struct CleanImportance {
  let importance: Importance
  /// Columns about which the file says nothing that can be used; they count like an average one.
  let flatCount: Int
  /// Columns of all matrices.
  let count: Int

  /// Means of sums over counts, with an average of 1.
  init(sums: [Float], counts: [Float], columns: Int) {
    let valuesPerCount = max(sums.count / max(counts.count, 1), 1)
    var means = [Double](repeating: 0, count: sums.count)
    var total = 0.0
    var usable = 0
    for index in sums.indices {
      let count = counts[index / valuesPerCount]
      // What no activation passed through, or none that was a number, says nothing.
      let mean = Double(sums[index]) / Double(count)
      guard count > 0, count.isFinite, mean > 0, mean.isFinite else { continue }
      means[index] = mean
      total += mean
      usable += 1
    }
    let average = usable > 0 ? total / Double(usable) : 1
    let weights = means.map { mean in
      mean > 0 ? min(Float(mean / average), .greatestFiniteMagnitude) : 1
    }
    flatCount = sums.count - usable
    count = sums.count
    importance = Importance(
      usable: weights, matrices: max(sums.count / max(columns, 1), 1))
  }
}
