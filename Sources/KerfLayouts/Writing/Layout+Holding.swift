public import KerfElements

extension Layout {
  /// Whether the layout holds matrices of a format.
  ///
  /// - Parameter columns: Elements of a row; the number of rows is one that all layouts take.
  public func holds(_ format: GroupFormat, columns: Int) -> Bool {
    guard columns > 0, let shape = Shape([32, columns]) else { return false }
    let arrangement = try? arrangement(
      of: ModelPlan.Tensor(name: "", shape: shape, format: .group(format), sourceFormat: .f16),
      ModelPlan.Options(), version: .two)
    return arrangement != nil
  }
}
