// Knows how both containers write integers.

extension [UInt8] {
  /// Appends an integer in little-endian order.
  mutating func appendLittleEndian(_ integer: some FixedWidthInteger) {
    for shift in stride(from: 0, to: integer.bitWidth, by: 8) {
      append(UInt8(truncatingIfNeeded: integer >> shift))
    }
  }
}

extension Int {
  /// The least multiple of `alignment` that is not less, or `nil` where it overflows.
  package func roundedUp(toMultipleOf alignment: Int) -> Int? {
    let (sum, overflow) = addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum / alignment * alignment
  }
}
