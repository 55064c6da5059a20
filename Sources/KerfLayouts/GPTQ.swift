// GPTQ. W is [N, K], groups of g along K, b bits; everything is turned.
//
//   qweight I32 [K·b/32, N]    the words of each row's stream of bits, below one another
//   qzeros  I32 [K/g, N·b/32]  a stream of bits along N: z − 1 in version 1, z in version 2
//   scales  F16 [K/g, N]
//   g_idx   I32 [K]            the group of each column: k / g, where columns are in their order

package import KerfElements

package enum GPTQ {
  /// What a model stores of zero points, as `checkpoint_format` in config.json says.
  package enum Version: String, Sendable {
    /// One less, so that there is no zero point 0. Readers that are newer take only models without
    /// zero points of their own in it.
    case one = "gptq"
    /// Themselves.
    case two = "gptq_v2"

    /// What was taken off.
    package var bias: UInt8 { self == .one ? 1 : 0 }

    /// The one that a model of these formats goes out in.
    static func needed(by formats: some Sequence<Format>) -> Version {
      let hasZeroPoints = formats.contains { format in
        if case .group(let group) = format { group.offset == .zeroPoint } else { false }
      }
      return hasZeroPoints ? .two : .one
    }
  }

  /// - Parameter bias: What was taken off zero points: 1 in version 1.
  package static func arrangement(_ format: GroupFormat, _ shape: Shape, bias: UInt8) -> Arrangement
  {
    let (rows, columns) = (shape.rows, shape.columns)
    let bits = format.codes.bits
    let groups = columns / format.length
    let zeros: Plane.Content =
      format.offset == .zeroPoint
      ? .zeroPoints(.turned(bias: bias)) : .constant(middles(bits, rows, groups, bias))
    return Arrangement(
      format, shape,
      [
        Plane("qweight", .i32, [columns * bits / 32, rows], .codes(.turned)),
        Plane("qzeros", .i32, [groups, rows * bits / 32], zeros),
        Plane("scales", format.scale.format, [groups, rows], .scales(.turned)),
        Plane(
          "g_idx", .i32, [columns],
          .constant(
            (0..<columns).flatMap { littleEndian(Int32(truncatingIfNeeded: $0 / format.length)) })),
      ])
  }

  /// Zero points that are all the middle code, for blocks that have none.
  private static func middles(_ bits: Int, _ rows: Int, _ groups: Int, _ bias: UInt8) -> [UInt8] {
    let middle = UInt32(1) << UInt32(bits - 1) - UInt32(bias)
    // Eight codes are as many bytes as codes have bits.
    let codes = (0..<8).reduce(UInt64(0)) { $0 | UInt64(middle) << UInt64($1 * bits) }
    let line = (0..<rows / 8).flatMap { _ in littleEndian(codes)[..<bits] }
    return (0..<groups).flatMap { _ in line }
  }
}
