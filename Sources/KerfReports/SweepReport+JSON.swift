internal import KerfElements
public import KerfMetrics

// Other things hold on to the names of members.

extension SweepReport {
  /// The report as JSON: keys in snake case, sorted; figures that are absent are null.
  public var json: String {
    let members: JSONMembers = [
      "kerf": kerfVersion, "isa": instructionSet.rawValue, "source": source,
      "rounding": rounding.rawValue, "sampled_share": sampledShare, "seed": seed,
      "kept_bytes": keptByteCount, "matmul_shape": productShape?.dimensions, "seconds": seconds,
      "formats": formats.map(json),
    ]
    return JSONText.text(of: members)
  }

  private func json(of row: Row) -> JSONMembers {
    let worst = worstTensor(row).map { index -> JSONMembers in
      ["name": tensors[index].name, "sqnr_db": row.outcomes[index]?.loss.sqnr]
    }
    var members: JSONMembers = [
      "format": row.name, "bits_per_weight": row.bitsPerWeight, "bytes": row.byteCount,
      "file_bytes": fileByteCount(row), "tensor_count": row.tensorCount,
      "nmse_standard_error": row.relativeError.flatMap { error in row.loss.nmse.map { $0 * error }
      },
      "file_nmse": row.fileLoss.nmse, "file_sqnr_db": row.fileLoss.sqnr,
      "sqnr_db_standard_error": row.sqnrError, "worst_tensor": worst,
      "encode_gbps": row.encodeBytesPerSecond * 1e-9, "matmul": row.products.map(\.json),
      "db_from_gaussian_bound": row.decibelsFromBound,
      "tensors": zip(tensors, row.outcomes).compactMap { tensor, outcome in
        outcome.map { json(of: tensor, $0) }
      },
    ]
    members.add(row.loss.json)
    return members
  }

  private func json(of tensor: Tensor, _ outcome: Outcome) -> JSONMembers {
    var members: JSONMembers = [
      "name": tensor.name, "shape": tensor.shape.dimensions, "elements": tensor.shape.count,
      "source_format": tensor.format.name, "bytes": outcome.byteCount,
      "nmse_standard_error": outcome.nmseStandardError,
    ]
    members.add(outcome.loss.json)
    return members
  }
}

extension SweepReport.Product {
  fileprivate var json: JSONMembers {
    [
      "m": m, "gops": operationsPerSecond * 1e-9, "weight_gbps": weightBytesPerSecond * 1e-9,
    ]
  }
}

extension Loss {
  fileprivate var json: JSONMembers {
    var members: JSONMembers = ["non_finite": nonFinite, "overflowed": overflowed]
    members.add(figures(self))
    if let weightedNMSE { members.add("weighted_nmse", weightedNMSE) }
    return members
  }
}
