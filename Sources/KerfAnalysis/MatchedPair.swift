// A tensor of the reference and what stands for it: its row of the report, and what is to be read.

internal import KerfCheckpoints
internal import KerfConversion
internal import KerfElements
internal import KerfMetrics
internal import KerfPlanning

struct MatchedPair {
  let report: LossReport.Row
  let parts: [ComparedPart]

  init(
    _ match: TensorMatch, row: Int, reference: Checkpoint, candidate: Checkpoint,
    isMeasuringProducts: Bool
  ) {
    let tensor = reference.tensors[match.reference]
    let others = match.parts.map { candidate.tensors[$0.candidate.tensor] }
    let formats = others.reduce(into: [Format]()) { formats, other in
      if !formats.contains(other.format) { formats.append(other.format) }
    }
    let obstacle = MatchedPair.obstacle(match, tensor, others)
    let canCompareBytes = formats == [tensor.format] && match.arrangement == .same
    let columns =
      isMeasuringProducts && obstacle == nil ? MatchedPair.columns(match, tensor, others[0]) : nil

    var parts: [ComparedPart] = []
    var bytes = (reference: 0, candidate: 0)
    for (part, other) in zip(match.parts, others) {
      let readers = MatchedPair.readers(match, part, (reference, tensor), (candidate, other))
      bytes.reference += readers.reference.byteCount(part.count)
      bytes.candidate += readers.candidate.byteCount(part.count)
      guard obstacle == nil || canCompareBytes else { continue }
      parts.append(
        ComparedPart(
          row: row, reference: readers.reference, candidate: readers.candidate, count: part.count,
          way: obstacle == nil ? .numbers : .bytes,
          shift: match.arrangement != .shifted
            ? (0, 0) : match.isReferenceGGUF ? (0, 1) : (1, 0),
          columns: columns,
          pieceLength: MatchedPair.pieceLength(match, tensor, other)))
    }
    self.parts = parts

    var report = LossReport.Row(
      name: tensor.name, shape: tensor.shape, sourceFormat: tensor.format, format: formats[0],
      wantedFormat: formats[0], sourceByteCount: bytes.reference, byteCount: bytes.candidate)
    if others[0].name != tensor.name {
      report.candidateName = others[0].name
      if others.count > 1 { report.addNote("\(others.count) experts, one by one in the candidate") }
    }
    if let expert = match.expert {
      report.addNote("one of \(expert.count) experts of the candidate's stack")
    }
    if formats.count > 1 {
      report.addNote("its experts are " + formats.map(\.name).joined(separator: ", "))
    }
    if let words = match.arrangement.words { report.addNote(words) }
    if let obstacle, !canCompareBytes { report.addNote(obstacle) }
    self.report = report
  }

  /// Why the elements are not compared as numbers.
  private static func obstacle(
    _ match: TensorMatch, _ tensor: TensorDescription, _ others: [TensorDescription]
  ) -> String? {
    if let carried = ([tensor] + others).first(where: { !$0.format.isDecodable }) {
      return "\(carried.format) is not computed with: not measured"
    }
    switch match.arrangement {
    case .same, .shifted: return nil
    case .rotaryPairs:
      let columns = tensor.shape.count / (tensor.shape.squeezed().first ?? 1)
      let isWhole = columns.isMultiple(of: others[0].format.elementsPerBlock)
      return isWhole ? nil : "rows that fill no blocks cannot be reordered: not measured"
    case .transposed:
      return pieceLength(match, tensor, others[0]) <= maxPieceLength
        ? nil : "too large to be transposed: not measured"
    }
  }

  /// Elements of a piece at most: some 100 MB for each thread.
  private static let maxPieceLength = 1 << 22

  /// How the elements of both are read in one order: the reference's, or GGUF's where one has rows for
  /// columns.
  private static func readers(
    _ match: TensorMatch, _ part: TensorMatch.Part, _ reference: (Checkpoint, TensorDescription),
    _ candidate: (Checkpoint, TensorDescription)
  ) -> (reference: ElementReader, candidate: ElementReader) {
    var orders: (reference: ElementReader.Order, candidate: ElementReader.Order) =
      (.asStored, .asStored)
    switch match.arrangement {
    case .same, .shifted: break
    case .rotaryPairs(let heads):
      let rows = reference.1.shape.squeezed().first ?? 1
      orders.candidate = .rows(
        ElementReader.RotaryRows(perHead: rows / heads, isAskedAsGGUF: match.isReferenceGGUF),
        columns: reference.1.shape.count / rows)
    case .transposed:
      let hub = (match.isReferenceGGUF ? candidate : reference).1
      let order = ElementReader.Order.columns(
        rows: hub.shape.count / hub.shape.columns, columns: hub.shape.columns)
      if match.isReferenceGGUF { orders.candidate = order } else { orders.reference = order }
    }
    return (
      ElementReader(
        checkpoint: reference.0, tensor: reference.1, first: part.reference.first,
        order: orders.reference),
      ElementReader(
        checkpoint: candidate.0, tensor: candidate.1, first: part.candidate.first,
        order: orders.candidate)
    )
  }

  /// Elements of a row of the matrix that activations are multiplied with; `nil` where they are not.
  private static func columns(
    _ match: TensorMatch, _ tensor: TensorDescription, _ other: TensorDescription
  ) -> Int? {
    switch TensorRole(name: tensor.name).part {
    case .norm, .bias, .positionEmbedding, .convolutionOrState: return nil
    default: break
    }
    guard tensor.shape.squeezed().count > 1 else { return nil }
    let isTurned = match.arrangement == .transposed && !match.isReferenceGGUF
    let columns = isTurned ? other.shape.columns : tensor.shape.columns
    return (2...Activations.maxColumns).contains(columns) ? columns : nil
  }

  /// Elements that a thread takes at a time: as when a file is converted, but for matrices that are
  /// turned, of which it takes whole columns, as many as make blocks.
  private static func pieceLength(
    _ match: TensorMatch, _ tensor: TensorDescription, _ other: TensorDescription
  ) -> Int {
    guard match.arrangement == .transposed else {
      return Pieces.length(of: tensor.format, other.format)
    }
    let hub = match.isReferenceGGUF ? other : tensor
    let rows = hub.shape.count / hub.shape.columns
    let block = hub.format.elementsPerBlock
    return max(block, 4 * Pieces.length / rows / block * block) * rows
  }
}

extension Arrangement {
  /// What was undone, for the user.
  fileprivate var words: String? {
    switch self {
    case .same: nil
    case .rotaryPairs: "rows put back in the reference's order: GGUF has rotary halves in pairs"
    case .transposed: "transposed: GGUF has rows for the columns of the hub"
    case .shifted: "GGUF has 1 added"
    }
  }
}
