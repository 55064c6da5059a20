// MatMulNBits of ONNX Runtime: y = x · Wᵀ. W is [N, K], blocks of g along K, b bits.
//
//   B            U8 [N, K/g, g·b/8]     a little-endian stream of bits for each block
//   scales       [N, K/g]               of the type of x
//   zero points  U8 [N, ⌈K/g · b / 8⌉]  a stream of bits for each row; the middle code where absent
//
// A row's last block may be incomplete there; here groups fill rows.

package import KerfElements

package enum MatMulNBits {
  /// The operator's name.
  static let name = "MatMulNBits"
  /// Whose operator it is, and in which version.
  static let domain = "com.microsoft"
  static let version = 1
  /// The `accuracy_level` at which x may be rounded to eight bits, so that products are of integers.
  static let integerActivations = 4

  /// Whether the operator takes groups of that format.
  package static func holds(_ format: GroupFormat) -> Bool {
    guard case .integers(let bits) = format.codes, [2, 4, 8].contains(bits) else { return false }
    return format.offset != .bias && format.scale.byteCount > 1
      && [16, 32, 64, 128, 256].contains(format.length)
  }

  /// How the groups of a matrix lie in the tensors that are the operator's inputs.
  package static func arrangement(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let (rows, groups) = (shape.rows, shape.columns / format.length)
    func plane(_ columns: Int...) -> Shape { Shape([rows] + columns) ?? [0] }
    var planes = [
      Plane("_Q\(format.codes.bits)", .u8, plane(groups, format.codeByteCount), .codes(.stream)),
      Plane("_scales", format.scale.format, plane(groups), .scales(.rows)),
    ]
    if format.offset == .zeroPoint {
      planes.append(
        Plane(
          "_zero_points", .u8, plane((groups * format.codes.bits + 7) / 8), .zeroPoints(.packed)))
    }
    return Arrangement(format, shape, planes)
  }
}
