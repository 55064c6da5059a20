import KerfElements

/// The element types of safetensors, by the names that headers spell.
enum SafetensorsType {
  /// In the order of the official reader's own list, which is from the least to the most strictly
  /// aligned: the official writer places tensors by it, last type first.
  static let table: [(name: String, format: Format)] = [
    ("BOOL", .bool), ("F4", .f4), ("F6_E2M3", .f6_e2m3), ("F6_E3M2", .f6_e3m2), ("U8", .u8),
    ("I8", .i8), ("F8_E5M2", .f8_e5m2), ("F8_E4M3", .f8_e4m3), ("F8_E8M0", .f8_e8m0),
    ("I16", .i16), ("U16", .u16), ("F16", .f16), ("BF16", .bf16), ("I32", .i32), ("U32", .u32),
    ("F32", .f32), ("C64", .c64), ("F64", .f64), ("I64", .i64), ("U64", .u64),
  ]

  private static let formats = Dictionary(uniqueKeysWithValues: table)
  private static let rows = Dictionary(
    uniqueKeysWithValues: table.enumerated().map { ($1.format, (name: $1.name, rank: $0)) })

  /// The format that `name` stands for.
  static func format(named name: String) -> Format? { formats[name] }

  /// How headers spell `format`, or `nil` where safetensors has no type for it.
  static func name(of format: Format) -> String? { rows[format]?.name }

  /// The place of `format` in the table, or `nil` where safetensors has no type for it.
  static func rank(of format: Format) -> Int? { rows[format]?.rank }
}
