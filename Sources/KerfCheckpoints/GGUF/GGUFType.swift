import KerfElements

/// The tensor types of GGUF, by the numbers that files carry.
enum GGUFType {
  /// Numbers that are not listed here were never given out, or are of types that were withdrawn.
  static let table: [(id: Int32, format: Format)] = [
    (0, .f32), (1, .f16), (30, .bf16), (28, .f64),
    (24, .i8), (25, .i16), (26, .i32), (27, .i64),
    (2, .q4_0), (3, .q4_1), (6, .q5_0), (7, .q5_1), (8, .q8_0), (9, .q8_1),
    (10, .q2_K), (11, .q3_K), (12, .q4_K), (13, .q5_K), (14, .q6_K), (15, .q8_K),
    (16, .iq2_xxs), (17, .iq2_xs), (18, .iq3_xxs), (19, .iq1_s), (20, .iq4_nl), (21, .iq3_s),
    (22, .iq2_s), (23, .iq4_xs), (29, .iq1_m),
    (34, .tq1_0), (35, .tq2_0), (39, .mxfp4), (40, .nvfp4),
  ]

  private static let formats = Dictionary(uniqueKeysWithValues: table)
  private static let ids = Dictionary(uniqueKeysWithValues: table.map { ($0.format, $0.id) })

  /// The format that `id` stands for.
  static func format(id: Int32) -> Format? { formats[id] }

  /// The number of `format`, or `nil` where GGUF has no type for it.
  static func id(of format: Format) -> Int32? { ids[format] }
}
