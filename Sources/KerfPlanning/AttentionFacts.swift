/// What a model says of its attention: what it has to remember of every token.
public struct AttentionFacts: Sendable, Hashable {
  /// What a model remembers.
  public enum Kind: Sendable, Hashable {
    /// Keys and values of every token.
    case decoder
    /// Nothing: all tokens are computed at once.
    case encoder
    /// The state of recurrent layers, or other things; the words say which.
    case other(String)
  }

  /// Which layers look back over a window only.
  public enum Windowed: Sendable, Hashable {
    case none
    case all
    /// All but the last of every so many.
    case allButEvery(Int)
    /// Those from a number on.
    case from(Int)
    /// Layer by layer; those that are not named have none.
    case layers([Bool])

    /// Whether the layer of that number does.
    func contains(_ layer: Int) -> Bool {
      switch self {
      case .none: false
      case .all: true
      case .allButEvery(let period): period > 0 && layer % period < period - 1
      case .from(let first): layer >= first
      case .layers(let layers): layer < layers.count && layers[layer]
      }
    }
  }

  /// What the model remembers.
  public var kind = Kind.decoder
  /// Elements of a head's key.
  public var keyLength: Int?
  /// Elements of a head's value.
  public var valueLength: Int?
  /// Heads that keys and values are computed for, layer by layer, where layers differ.
  public var keyValueHeads: [Int]?
  /// Tokens that a layer with a window looks back at.
  public var window: Int?
  /// Which layers have the window.
  public var windowed = Windowed.none
  /// Elements of what keys and values of all heads are computed from, where that is what is
  /// remembered (multi-head latent attention).
  public var latentLength: Int?
  /// Elements of a key that tell its position, and are remembered beside the former.
  public var latentPositionLength: Int?

  /// Nothing but that it is a decoder.
  public init() {}
}
