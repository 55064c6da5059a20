public import ArgumentParser
public import Kerf

/// Values with commas between them: `q8_0,q4_0`.
struct List<Element: ExpressibleByArgument>: ExpressibleByArgument {
  let elements: [Element]

  init(_ elements: [Element]) { self.elements = elements }

  init?(argument: String) {
    var elements: [Element] = []
    for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let element = Element(argument: String(word)) else { return nil }
      elements.append(element)
    }
    self.init(elements)
  }

  var defaultValueDescription: String {
    elements.map(\.defaultValueDescription).joined(separator: ",")
  }
}

extension Format: ExpressibleByArgument {
  /// The format of that name, whatever its case.
  public init?(argument: String) { self.init(name: argument) }
}

extension MatmulBenchmark.WeightFormat: ExpressibleByArgument {
  /// The format of that name, whatever its case.
  public init?(argument: String) { self.init(name: argument) }
}

extension MatmulBenchmark.Core: ExpressibleByArgument {}

extension MatmulBenchmark.Layer: ExpressibleByArgument {
  /// `4096x14336`: rows, columns.
  public init?(argument: String) {
    let extents = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false)
      .map { Int($0) }
    guard extents.count == 2, let n = extents[0], let k = extents[1],
      (1...1 << 20).contains(n), (1...1 << 20).contains(k), n * k <= 1 << 33
    else { return nil }
    self.init(n: n, k: k)
  }
}
