/// How the codes and scales of a block are chosen.
public enum Rounding: String, Sendable, Hashable, CaseIterable, Codable {
  /// Least squared error that the search finds in the very same bits.
  case optimal
  /// The bytes that the format's public reference code writes.
  case reference
}
