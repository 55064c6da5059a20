// Which core computes a product, and what it needs to.

internal import KerfCodecs
internal import KerfElements

enum ChosenCore: Sendable {
  case integer(PackedKernels)
  #if OpenBLAS
    case openBLAS(DecodedPanels, LoadedOpenBLAS)
  #endif
  case portable(DecodedPanels)

  /// Rows of X up to which Kerf's own kernel is as fast as decoding and `sgemm`, which first packs
  /// what it reads. Measured with q4_0 weights at N = K = 4096 on two threads of a busy machine:
  /// 8 ms against 9 at M = 1, 15 against 25 at M = 3, 25 against 31 at M = 8; beyond that the kernel
  /// was not measured, nor was either with the scalar formats that the bound decides about.
  private static let portableRows = 8

  /// The integer core was faster than both at every M from 1 to 64 and at 512, with weights packed
  /// or not, so it has no such bound.
  init(_ core: MatmulCore, _ format: Format, m: Int, _ table: KernelTable) throws(MatmulError) {
    switch core {
    case .automatic:
      if let kernels = table.packed(format) {
        self = .integer(kernels)
      } else {
        let panels = try DecodedPanels(format, table)
        #if OpenBLAS
          if m > ChosenCore.portableRows, let library = OpenBLASLibrary.shared {
            self = .openBLAS(panels, library)
            return
          }
        #endif
        self = .portable(panels)
      }
    case .integer:
      guard let kernels = table.packed(format) else { throw .notPacked(format) }
      self = .integer(kernels)
    case .openBLAS:
      #if OpenBLAS
        guard let library = OpenBLASLibrary.shared else { throw .openBLASNotFound }
        self = .openBLAS(try DecodedPanels(format, table), library)
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
      case .openBLAS(let panels, let library): panels.multiply(product, weights, with: library)
    #endif
    case .portable(let panels): panels.multiplyPortably(product, weights)
    }
  }
}
