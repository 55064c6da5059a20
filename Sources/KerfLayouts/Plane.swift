// Knows what one of the tensors holds that a quantized matrix is made of.

public import KerfElements

/// One of the tensors in which a layout stores a matrix.
public struct Plane: Sendable, Hashable {
  /// What follows the module's name: `weight_packed`, `scales`.
  public let suffix: String
  /// The type that safetensors says.
  public let format: Format
  /// Extents, outermost first.
  public let shape: Shape

  /// Which field of the blocks it holds, and how.
  package let content: Content

  package init(_ suffix: String, _ format: Format, _ shape: Shape, _ content: Content) {
    self.suffix = suffix
    self.format = format
    self.shape = shape
    self.content = content
  }

  /// Bytes that it occupies.
  package var byteCount: Int { shape.count / format.elementsPerBlock * format.bytesPerBlock }

  package enum Content: Sendable, Hashable {
    case codes(Codes)
    case scales(Scales)
    /// The second of two numbers like scales.
    case biases
    case zeroPoints(ZeroPoints)
    /// The same for every matrix of the arrangement, whatever its weights.
    case constant([UInt8])
    /// What is decided for the whole matrix.
    case decided
  }

  /// Where codes of b bits lie, of a matrix of N rows and K columns.
  package enum Codes: Sendable, Hashable {
    /// [N, K·b/8 bytes]: little-endian streams of bits, row after row, as blocks have them.
    case stream
    /// The same, of whole bytes, in two's complement.
    case signed
    /// The same, of nibbles, where the first of two is the high one.
    case highFirst
    /// [K·b/32, N] of 32 bits: the words of a row's stream below one another.
    case turned
    /// [K, N/8] of 32 bits, b = 4: the nibble `interleave[p]` of eight neighbours in a column is
    /// the p-th of a word.
    case interleaved
  }

  /// Where scales lie, of G groups in each of N rows.
  package enum Scales: Sendable, Hashable {
    /// [N, G].
    case rows
    /// [G, N].
    case turned
    /// One number for so many rows, which all have it; [N/rows, G].
    case shared(rows: Int)
    /// [N, G] of 8-bit floats, which a number that is the same everywhere divides: f32 in blocks.
    case divided(by: Float)
    /// [N, G] of f32, that many times what blocks have.
    case multiplied(by: Float)
    /// [N, G] of 8-bit codes for numbers in `map`, which have scales of their own, one for each 256.
    case nested(Nested)
  }

  /// Scales of scales.
  package struct Nested: Sendable, Hashable {
    /// What codes stand for.
    package var map: [Float]
    /// The largest magnitude of each `length` scales, less the offset.
    package var absmax: [Float]
    /// What was taken off all scales.
    package var offset: Float
    /// Scales that share an absmax.
    package var length: Int

    package init(map: [Float], absmax: [Float], offset: Float, length: Int) {
      self.map = map
      self.absmax = absmax
      self.offset = offset
      self.length = length
    }
  }

  /// Where zero points lie.
  package enum ZeroPoints: Sendable, Hashable {
    /// [N, G] of whole bytes in two's complement.
    case signed
    /// [N, ⌈G·b/8⌉ bytes]: a little-endian stream of bits for each row.
    case packed
    /// [N·b/32, G] of 32 bits: a little-endian stream of bits along N in each column of words.
    case rowsPacked
    /// [G, N·b/32] of 32 bits: a little-endian stream of bits along N, each less `bias`.
    case turned(bias: UInt8)
    /// [G, N/8] of 32 bits, b = 4, in the order of interleaved codes.
    case interleaved
  }

  /// The nibbles of a word of AWQ: which of eight neighbours each one is.
  package static let interleave = [0, 2, 4, 6, 1, 3, 5, 7]
}

extension Plane.Content {
  /// Whether consecutive groups of a row lie apart, so that only whole rows can be taken.
  var isTurned: Bool {
    switch self {
    case .codes(.turned), .codes(.interleaved), .scales(.turned),
      .zeroPoints(.rowsPacked), .zeroPoints(.turned), .zeroPoints(.interleaved):
      true
    default: false
    }
  }
}
