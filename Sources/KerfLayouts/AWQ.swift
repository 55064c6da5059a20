// AutoAWQ's "gemm". W is [N, K], groups of g along K, 4 bits; everything is turned.
//
//   qweight I32 [K, N/8]    eight neighbours of a column in a word, in the order 0 2 4 6 1 3 5 7
//   qzeros  I32 [K/g, N/8]  the same
//   scales  F16 [K/g, N]

package import KerfElements

package enum AWQ {
  package static func arrangement(_ format: GroupFormat, _ shape: Shape) -> Arrangement {
    let (rows, columns) = (shape.rows, shape.columns)
    let zeros: Shape = [columns / format.length, rows / 8]
    return Arrangement(
      format, shape,
      [
        Plane("qweight", .i32, [columns, rows / 8], .codes(.interleaved)),
        Plane(
          "qzeros", .i32, zeros,
          format.offset == .zeroPoint
            ? .zeroPoints(.interleaved)
            : .constant([UInt8](repeating: 0x88, count: zeros.count * 4))),
        Plane("scales", format.scale.format, [columns / format.length, rows], .scales(.turned)),
      ])
  }
}
