// Which core computes a product, and what it needs to.

internal import KerfCodecs
internal import KerfElements

enum ChosenCore: Sendable {
  case integer(PackedKernels)
  #if OpenBLAS
    case openBLAS(DecodedPanels)
  #endif
  case portable(DecodedPanels)

  init(_ core: MatmulCore, _ format: Format, _ table: KernelTable) throws(MatmulError) {
    switch core {
    case .automatic:
      if let kernels = table.packed(format) {
        self = .integer(kernels)
      } else {
        #if OpenBLAS
          self = .openBLAS(try DecodedPanels(format, table))
        #else
          self = .portable(try DecodedPanels(format, table))
        #endif
      }
    case .integer:
      guard let kernels = table.packed(format) else { throw .notPacked(format) }
      self = .integer(kernels)
    case .openBLAS:
      #if OpenBLAS
        self = .openBLAS(try DecodedPanels(format, table))
      #else
        throw .openBLASAbsent
      #endif
    case .portable: self = .portable(try DecodedPanels(format, table))
    }
  }

  /// Writes Y.
  func run(_ product: Product, _ weights: Weights) {
    guard product.m > 0, product.n > 0 else { return }
    guard product.k > 0 else { return product.storeZeros() }
    switch self {
    case .integer(let kernels): IntegerCore(product, weights, kernels).run()
    #if OpenBLAS
      case .openBLAS(let panels): panels.multiplyWithOpenBLAS(product, weights)
    #endif
    case .portable(let panels): panels.multiplyPortably(product, weights)
    }
  }
}
