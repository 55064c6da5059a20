public import KerfElements

/// What a model remembers of the tokens it has seen: keys and values, layer by layer.
///
///     bytes = sequences · Σ over layers: positions · (heads · key length + heads · value length)
///
/// in elements of the cache's format. A layer with a sliding window has min(context, window)
/// positions, the others all of the context. With multi-head latent attention a layer remembers
/// one vector for all heads, and the part of the key that tells the position.
public struct KeyValueCache: Sendable, Hashable {
  /// Tokens of a sequence that are remembered.
  public var context: Int
  /// Sequences at a time.
  public var sequences: Int
  /// How keys and values are stored.
  public var format: Format

  /// Formats that caches are stored in.
  public static let formats: [Format] = [.f16, .q8_0]

  /// A cache of this extent.
  /// - Precondition: both counts are positive.
  public init(context: Int, sequences: Int = 1, format: Format = .f16) {
    precondition(context > 0 && sequences > 0)
    self.context = context
    self.sequences = sequences
    self.format = format
  }

  /// Why the size of a cache is not known.
  public enum Unknown: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file does not say these.
    case missing([String])
    /// The model remembers other things.
    case other(String)
    /// What the file says makes no sense, or makes more than can be counted.
    case absurd

    /// One line, for people.
    public var description: String {
      switch self {
      case .missing(let facts):
        "neither keys of the file nor a config.json beside it say " + facts.joined(separator: ", ")
      case .other(let what): what
      case .absurd: "what the file says of its layers, heads and their lengths makes no sense"
      }
    }
  }

  /// Bytes that the cache of a model takes: 0 for an encoder, which remembers nothing.
  /// - Throws: ``Unknown``, rather than a guess.
  public func byteCount(for model: ModelFacts) throws(Unknown) -> Int {
    let attention = model.attention
    switch attention.kind {
    case .encoder: return 0
    case .other(let what): throw .other(what)
    case .decoder: break
    }
    guard let layers = model.layers else { throw .missing(["the number of layers"]) }
    guard (0...KeyValueCache.mostLayers).contains(layers) else { throw .absurd }
    let rows = try KeyValueCache.rows(of: model)
    var total = 0
    for layer in 0..<layers {
      var positions = context
      if let window = attention.window, attention.windowed.contains(layer) {
        guard window > 0 else { throw .absurd }
        positions = min(context, window)
      }
      for elements in try rows(layer) {
        guard let row = rowByteCount(elements),
          let bytes = checkedProduct(row, positions, sequences),
          let sum = checkedSum(total, bytes)
        else { throw .absurd }
        total = sum
      }
    }
    return total
  }

  private static let mostLayers = 100_000

  /// The elements of each vector that a layer remembers of a token, by the layer's number.
  private static func rows(
    of model: ModelFacts
  ) throws(Unknown) -> (Int) throws(Unknown) -> [Int] {
    let attention = model.attention
    if let latent = attention.latentLength {
      guard let position = attention.latentPositionLength else {
        throw .missing(["the length of keys' positions"])
      }
      guard let sum = checkedSum(latent, position), latent > 0, position >= 0 else {
        throw .absurd
      }
      return { _ in [sum] }
    }
    var missing: [String] = []
    if model.keyValueHeads == nil, attention.keyValueHeads == nil {
      missing.append("the number of heads of keys and values")
    }
    let shared = model.headLength
    if attention.keyLength ?? shared == nil { missing.append("the length of a head's key") }
    if attention.valueLength ?? shared == nil { missing.append("the length of a head's value") }
    guard missing.isEmpty, let key = attention.keyLength ?? shared,
      let value = attention.valueLength ?? shared
    else { throw .missing(missing) }
    return { layer throws(Unknown) in
      // Where there are numbers for some layers only, the rest is as the model says for all.
      let heads = attention.keyValueHeads.flatMap { layer < $0.count ? $0[layer] : nil }
      guard let heads = heads ?? model.keyValueHeads, heads >= 0, key > 0, value > 0,
        let keys = checkedProduct(heads, key), let values = checkedProduct(heads, value)
      else { throw .absurd }
      return [keys, values]
    }
  }

  /// Bytes of a vector: whole blocks.
  private func rowByteCount(_ elements: Int) -> Int? {
    let block = format.elementsPerBlock
    guard let rounded = checkedSum(elements, block - 1) else { return nil }
    return format.byteCount(forColumns: rounded / block * block)
  }
}

/// The product, or `nil` where it overflows.
package func checkedProduct(_ factors: Int...) -> Int? {
  var product = 1
  for factor in factors {
    let (next, overflow) = product.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    product = next
  }
  return product
}

/// The sum, or `nil` where it overflows.
package func checkedSum(_ terms: Int...) -> Int? {
  var sum = 0
  for term in terms {
    let (next, overflow) = sum.addingReportingOverflow(term)
    guard !overflow else { return nil }
    sum = next
  }
  return sum
}
