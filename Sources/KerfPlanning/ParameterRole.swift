/// What a model spends parameters on, in the words that people divide a model by.
public enum ParameterRole: String, Sendable, Hashable, CaseIterable {
  /// A vector for every word, position and kind of text.
  case embedding
  /// Queries, keys, values, and what puts heads together.
  case attention
  /// The layers between attentions that every token passes, shared experts among them.
  case feedForward = "feed_forward"
  /// Feed-forward layers of which a router chooses some for each token.
  case expert
  /// What chooses among experts.
  case router
  /// The scales of normalisations.
  case norm
  /// Vectors that are added, of whatever.
  case bias
  /// From the last layer to words.
  case output
  /// Everything else: poolers, projections, states.
  case other

  /// The role of a tensor, or `nil` where it holds no parameters: masks, the frequencies of
  /// positions.
  package init?(_ role: TensorRole) {
    switch role.part {
    case .constant: return nil
    case .bias: self = .bias
    case .norm: self = .norm
    case .router: self = .router
    case .tokenEmbedding, .positionEmbedding: self = .embedding
    case .output: self = .output
    case .attentionQuery, .attentionKey, .attentionValue, .attentionFused, .attentionKeyValue,
      .attentionLowRank, .attentionOutput:
      self = .attention
    case .feedForwardGate, .feedForwardUp, .feedForwardDown:
      self = role.isExpert ? .expert : .feedForward
    case .convolutionOrState, .other: self = role.isExpert ? .expert : .other
    }
  }
}
