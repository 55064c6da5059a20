package import KerfElements

/// The element types of ONNX, by the numbers that files carry.
package enum ONNXType {
  /// Types that are not listed here, such as text and integers of four bits, are carried along with
  /// the graph.
  static let table: [(id: Int, format: Format)] = [
    (1, .f32), (10, .f16), (16, .bf16), (11, .f64), (14, .c64),
    (2, .u8), (3, .i8), (4, .u16), (5, .i16), (12, .u32), (6, .i32), (13, .u64), (7, .i64),
    (9, .bool), (17, .f8_e4m3), (19, .f8_e5m2), (24, .f8_e8m0),
  ]

  /// The format that `id` stands for.
  static func format(id: Int) -> Format? { table.first { $0.id == id }?.format }

  /// The number of `format`, or `nil` where ONNX has no type for it.
  package static func id(of format: Format) -> Int? { table.first { $0.format == format }?.id }
}
