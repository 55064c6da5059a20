// A pair of tensors that are the same, and how their elements lie in each.

package import KerfElements

/// How a tensor with a name of GGUF's differs from the same tensor of the hub.
package enum Arrangement: Sendable, Hashable {
  case same
  /// In each of so many heads, rows j and j + half of the hub are rows 2j and 2j + 1: those that a
  /// rotary embedding turns together are neighbours.
  case rotaryPairs(heads: Int)
  /// The hub has columns where GGUF has rows.
  case transposed
  /// GGUF's elements are larger by 1.
  case shifted
}

/// A tensor of the reference and what the candidate has in its place.
package struct TensorMatch: Sendable {
  /// The tensor's number in the reference.
  package let reference: Int
  /// Elements that are compared one after another: one part, or one for each expert.
  package let parts: [Part]
  package let arrangement: Arrangement
  /// Whether the reference is the file that follows GGUF's convention.
  package let isReferenceGGUF: Bool
  /// Which expert of how many, where one is compared with a part of the candidate's stack.
  package let expert: (number: Int, count: Int)?

  /// Elements of one tensor of either file.
  package struct Part: Sendable, Hashable {
    package let reference: Slice
    package let candidate: Slice
    /// Elements of both.
    package let count: Int
  }

  /// Elements of a tensor, from one on.
  package struct Slice: Sendable, Hashable {
    package let tensor: Int
    package let first: Int
  }
}

extension Shape {
  /// Extents without those of 1, which say nothing; of one matrix where the first extent counts
  /// matrices.
  package func squeezed(isStack: Bool = false) -> [Int] {
    dimensions.dropFirst(isStack ? 1 : 0).filter { $0 != 1 }
  }
}
