/// A format whose errors can be weighted by importance.
public protocol WeightedReferenceFormat: ReferenceFormat {
  /// The bytes of one block with the least weighted error that the search finds.
  static func weighted(_ block: [Float], _ importance: [Float]) -> [UInt8]
}

extension WeightedReferenceFormat {
  /// The bytes of consecutive blocks.
  public static func weightedRow(_ row: [Float], _ importance: [Float]) -> [UInt8] {
    stride(from: 0, to: row.count, by: format.elementsPerBlock).flatMap { start in
      let range = start..<start + format.elementsPerBlock
      return weighted(repaired(Array(row[range])), Array(importance[range]))
    }
  }
}
