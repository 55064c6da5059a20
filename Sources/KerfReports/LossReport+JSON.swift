internal import KerfElements
public import KerfMetrics

/// The version that reports carry.
public let kerfVersion = "0.1.0"

// Other things hold on to the names of members.

extension LossReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String {
    // Asked once: it looks through all rows.
    let hasProductErrors = hasProductErrors
    var members: JSONMembers = [
      "kerf": kerfVersion, "isa": instructionSet.rawValue, "source": source, "target": target,
      "tensors": rows.map { json(of: $0, hasProductErrors) }, "total": total.json,
    ]
    if isComparison { members.add("unmatched", unmatched.json) }
    return JSONText.text(of: members)
  }

  private func json(of row: Row, _ hasProductErrors: Bool) -> JSONMembers {
    var members: JSONMembers = [
      "name": row.name, "shape": row.shape.dimensions, "elements": row.shape.count,
      "source_format": row.sourceFormat.name, "format": row.format.name,
      "wanted_format": row.wantedFormat.name, "bytes": row.byteCount,
      "source_bytes": row.sourceByteCount, "bits_per_weight": row.bitsPerWeight,
      "note": row.note, "non_finite": row.loss?.nonFinite, "overflowed": row.loss?.overflowed,
    ]
    members.add(figures(row.loss))
    if isComparison { members.add("candidate_name", row.candidateName ?? row.name) }
    if isWeighted { members.add("weighted_nmse", row.loss?.weightedNMSE) }
    if hasProductErrors {
      members.add("matmul_error", row.productErrors?.random)
      members.add("matmul_error_outliers", row.productErrors?.outliers)
    }
    return members
  }
}

extension LossReport.Unmatched {
  fileprivate var json: JSONMembers {
    var reasons: JSONMembers = [:]
    for (name, reason) in self.reasons { reasons.add(name, reason) }
    return ["reference": reference, "candidate": candidate, "reasons": reasons]
  }
}

extension LossReport.Total {
  /// All tensors together; plans have the same.
  var json: JSONMembers {
    var members: JSONMembers = [
      "elements": elements, "bytes_in": bytesIn, "bytes_out": bytesOut,
      "bits_per_weight": bitsPerWeight, "seconds": seconds,
    ]
    members.add(figures(loss))
    return members
  }
}

/// The figures of a loss by the names that JSON and CSV give them.
func figures(_ loss: Loss?) -> [(name: String, value: Double?)] {
  [
    ("mse", loss?.mse), ("rmse", loss?.rmse), ("nmse", loss?.nmse), ("sqnr_db", loss?.sqnr),
    ("max_abs_error", loss?.maxAbsoluteError), ("mean_abs_error", loss?.meanAbsoluteError),
    ("cosine", loss?.cosine), ("bias", loss?.bias),
  ]
}
