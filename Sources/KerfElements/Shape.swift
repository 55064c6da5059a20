/// The extents of a tensor, outermost first: the last dimension is contiguous in memory.
public struct Shape: Sendable, Hashable {
  /// Extents, outermost first. Empty for a scalar.
  public let dimensions: [Int]

  /// How many elements there are; 1 for a scalar.
  public let count: Int

  /// A shape of these extents, or `nil` where one is negative or their product overflows.
  public init?(_ dimensions: [Int]) {
    // The product without zeros must fit as well, so that no partial product can overflow.
    var count = 1
    for extent in dimensions where extent != 0 {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow else { return nil }
      count = product
    }
    self.dimensions = dimensions
    self.count = dimensions.contains(0) ? 0 : count
  }

  /// Elements of one row: the last extent; 1 for a scalar.
  public var columns: Int { dimensions.last ?? 1 }

  /// Rows: the product of all extents but the last.
  public var rows: Int { dimensions.dropLast().reduce(1, *) }
}

extension Shape: ExpressibleByArrayLiteral {
  /// A shape of these extents.
  /// - Precondition: none is negative, and their product fits an `Int`.
  public init(arrayLiteral elements: Int...) {
    guard let shape = Shape(elements) else {
      preconditionFailure("\(elements) is no shape: an extent is negative or the count overflows")
    }
    self = shape
  }
}

extension Shape: CustomStringConvertible {
  /// One line, for people.
  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }
}
