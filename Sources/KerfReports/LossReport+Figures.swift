internal import KerfElements
internal import KerfMetrics

// What a table and a page of a loss report both show.

extension LossReport {
  /// The tensors that became one format.
  struct FormatShare {
    var format: Format
    var tensors = 0
    var elements = 0
    var byteCount = 0
    var squaredError = 0.0
    var squaredReference = 0.0
    var isMeasured = false

    var bitsPerWeight: String {
      elements > 0 ? Numbers.fixed(Double(byteCount) * 8 / Double(elements), 3) : "–"
    }
    var decibels: String {
      isMeasured ? Numbers.decibels(squaredError, over: squaredReference) : "–"
    }
    /// The same for a column that names the unit.
    var bareDecibels: String {
      isMeasured ? Numbers.bareDecibels(squaredError, over: squaredReference) : "–"
    }
  }

  /// A share for each format that a tensor became, in the order of the formats.
  var formatShares: [FormatShare] {
    var shares: [Format: FormatShare] = [:]
    for row in rows {
      var share = shares[row.format] ?? FormatShare(format: row.format)
      share.tensors += 1
      share.elements += row.shape.count
      share.byteCount += row.byteCount
      share.squaredError += row.loss?.squaredError ?? 0
      share.squaredReference += row.loss?.squaredReference ?? 0
      share.isMeasured = share.isMeasured || row.loss != nil
      shares[row.format] = share
    }
    return Format.ordered(shares.keys).compactMap { shares[$0] }
  }

  /// Tensors that lost anything, those that lost most first.
  var worst: [(row: Row, loss: Loss)] {
    rows.compactMap { row in row.loss.flatMap { ($0.nmse ?? 0) > 0 ? (row, $0) : nil } }
      .sorted { $0.loss.nmse! > $1.loss.nmse! }
  }

  /// Fallbacks, and tensors whose elements are not all numbers.
  var notes: [String] {
    var notes = rowNotes
    for row in rows {
      if let loss = row.loss, loss.nonFinite > 0 {
        notes.append(
          "\(row.name.plain): \(Numbers.counted(loss.nonFinite, "element")) NaN or infinite, "
            + "left out of the figures")
      }
      if let loss = row.loss, loss.overflowed > 0 {
        notes.append(
          "\(row.name.plain): \(Numbers.counted(loss.overflowed, "element")) "
            + (isComparison
              ? "NaN or infinite in the candidate only"
              : "too large for \(row.format), stored as infinite")
            + ", left out of the figures")
      }
    }
    return notes
  }
}
