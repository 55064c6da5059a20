// swift-format-ignore-file: AlwaysUseLowerCamelCase
// Cases are spelled as the field spells them.

/// How the elements of a tensor are stored: one by one, or in blocks that share a scale.
///
/// This is the one table of geometry. A format that ``isDecodable`` has kernels that read it, one
/// that ``isEncodable`` has kernels that write it as well; the others are carried from file to file
/// unchanged.
public enum Format: Sendable, Hashable {
  // Scalars the engine computes with.
  case f32, f16, bf16

  // Blocks of 32 with scales in half precision.
  case q8_0, q4_0, q4_1, q5_0, q5_1

  // Scalars that pass through.
  case f64, i8, i16, i32, i64, u8, u16, u32, u64, bool, c64
  case f8_e4m3, f8_e5m2, f8_e8m0, f6_e2m3, f6_e3m2, f4

  // The other blocks of GGUF. `decodable` and `encodable` tell which of them have kernels.
  case q2_K, q3_K, q4_K, q5_K, q6_K, q8_K, q8_1
  case iq1_s, iq1_m, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s, iq4_nl, iq4_xs
  case tq1_0, tq2_0, mxfp4, nvfp4

  /// Groups of a row that share a scale, as runtimes of the model hub load them.
  case group(GroupFormat)

  /// What kind of thing an element is.
  public enum Kind: Sendable, Hashable {
    /// An IEEE or IEEE-like floating-point number.
    case float
    /// An integer or a truth value: never quantized.
    case integer
    /// A block of elements with a scale of its own.
    case block
  }

  /// Name, kind, elements per block, bytes per block.
  private var row: (name: String, kind: Kind, elements: Int, bytes: Int) {
    switch self {
    case .f32: ("f32", .float, 1, 4)
    case .f16: ("f16", .float, 1, 2)
    case .bf16: ("bf16", .float, 1, 2)

    case .q8_0: ("q8_0", .block, 32, 34)
    case .q4_0: ("q4_0", .block, 32, 18)
    case .q4_1: ("q4_1", .block, 32, 20)
    case .q5_0: ("q5_0", .block, 32, 22)
    case .q5_1: ("q5_1", .block, 32, 24)

    case .f64: ("f64", .float, 1, 8)
    case .i8: ("i8", .integer, 1, 1)
    case .u8: ("u8", .integer, 1, 1)
    case .bool: ("bool", .integer, 1, 1)
    case .i16: ("i16", .integer, 1, 2)
    case .u16: ("u16", .integer, 1, 2)
    case .i32: ("i32", .integer, 1, 4)
    case .u32: ("u32", .integer, 1, 4)
    case .i64: ("i64", .integer, 1, 8)
    case .u64: ("u64", .integer, 1, 8)
    case .c64: ("c64", .float, 1, 8)
    case .f8_e4m3: ("f8_e4m3", .float, 1, 1)
    case .f8_e5m2: ("f8_e5m2", .float, 1, 1)
    case .f8_e8m0: ("f8_e8m0", .float, 1, 1)
    case .f6_e2m3: ("f6_e2m3", .float, 4, 3)
    case .f6_e3m2: ("f6_e3m2", .float, 4, 3)
    case .f4: ("f4", .float, 2, 1)

    case .q2_K: ("q2_K", .block, 256, 84)
    case .q3_K: ("q3_K", .block, 256, 110)
    case .q4_K: ("q4_K", .block, 256, 144)
    case .q5_K: ("q5_K", .block, 256, 176)
    case .q6_K: ("q6_K", .block, 256, 210)
    case .q8_K: ("q8_K", .block, 256, 292)
    case .q8_1: ("q8_1", .block, 32, 36)
    case .iq1_s: ("iq1_s", .block, 256, 50)
    case .iq1_m: ("iq1_m", .block, 256, 56)
    case .iq2_xxs: ("iq2_xxs", .block, 256, 66)
    case .iq2_xs: ("iq2_xs", .block, 256, 74)
    case .iq2_s: ("iq2_s", .block, 256, 82)
    case .iq3_xxs: ("iq3_xxs", .block, 256, 98)
    case .iq3_s: ("iq3_s", .block, 256, 110)
    case .iq4_nl: ("iq4_nl", .block, 32, 18)
    case .iq4_xs: ("iq4_xs", .block, 256, 136)
    case .tq1_0: ("tq1_0", .block, 256, 54)
    case .tq2_0: ("tq2_0", .block, 256, 66)
    case .mxfp4: ("mxfp4", .block, 32, 17)
    case .nvfp4: ("nvfp4", .block, 64, 36)

    case .group(let group): ("", .block, group.length, group.byteCount)
    }
  }

  /// The field's name for the format, as files and commands spell it: `q4_0`, `f16`.
  public var name: String {
    if case .group(let group) = self { return group.name }
    return row.name
  }

  /// What kind of thing an element is.
  public var kind: Kind { row.kind }

  /// Consecutive elements of a row that are stored together; 1 for most scalars.
  public var elementsPerBlock: Int { row.elements }

  /// Bytes that one block occupies.
  public var bytesPerBlock: Int { row.bytes }

  /// Bits of storage per element, scales included.
  public var bitsPerWeight: Double {
    if case .group(let group) = self { return group.bitsPerWeight }
    return Double(row.bytes) * 8 / Double(row.elements)
  }

  /// Whether the engine can turn the format into numbers.
  public var isDecodable: Bool {
    if case .group(let group) = self { return group.isComputed }
    return Format.decodable.contains(self)
  }

  /// Whether the engine can write the format.
  public var isEncodable: Bool {
    if case .group(let group) = self { return group.isComputed }
    return Format.encodable.contains(self)
  }

  /// Every format of fixed geometry that the engine can write, in the order users read them.
  public static let encodable: [Format] = [
    .f32, .f16, .bf16,
    .q8_0, .q6_K,
    .q5_1, .q5_0, .q5_K,
    .q4_1, .q4_0, .q4_K, .iq4_nl, .iq4_xs,
    .q3_K, .q2_K,
    .mxfp4, .nvfp4,
    .tq2_0, .tq1_0,
  ]

  /// Every such format that the engine can turn into numbers: those it can write, then the others.
  public static let decodable: [Format] =
    encodable + [
      .iq3_s, .iq3_xxs, .iq2_s, .iq2_xs, .iq2_xxs, .iq1_m, .iq1_s, .f8_e4m3, .f8_e5m2,
    ]

  /// The format of that name, whatever its case.
  public init?(name: some StringProtocol) {
    let wanted = name.lowercased()
    if let format = Format.allCases.first(where: { $0.name.lowercased() == wanted }) {
      self = format
    } else if let group = GroupFormat(name: wanted) {
      self = .group(group)
    } else {
      return nil
    }
  }

  /// Bytes of one row of `columns` elements, or `nil` where a row does not end on a block, or is
  /// too long to count.
  public func byteCount(forColumns columns: Int) -> Int? {
    let (blocks, rest) = columns.quotientAndRemainder(dividingBy: elementsPerBlock)
    guard rest == 0, columns >= 0 else { return nil }
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: bytesPerBlock)
    return overflow ? nil : bytes
  }

  /// A number of elements that ends on a block of each of `formats`: the largest that is not above
  /// `wanted`, or the first at all.
  package static func length(about wanted: Int, of formats: [Format]) -> Int {
    let unit = formats.reduce(1) { unit, format in
      var (a, b) = (unit, format.elementsPerBlock)
      while b != 0 { (a, b) = (b, a % b) }
      return unit / a * format.elementsPerBlock
    }
    return unit >= wanted ? unit : wanted / unit * unit
  }

  /// Bytes of a tensor of `shape`, or `nil` where its rows do not end on a block or the count
  /// overflows. A scalar shape counts as one row of one element.
  public func byteCount(for shape: Shape) -> Int? {
    guard let row = byteCount(forColumns: shape.columns) else { return nil }
    let (bytes, overflow) = row.multipliedReportingOverflow(by: shape.rows)
    return overflow ? nil : bytes
  }
}

extension Format: CaseIterable {
  /// Every format of fixed geometry, in the order of the table; groups are without number.
  public static let allCases: [Format] = [
    .f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1,
    .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .c64,
    .f8_e4m3, .f8_e5m2, .f8_e8m0, .f6_e2m3, .f6_e3m2, .f4,
    .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .q8_K, .q8_1,
    .iq1_s, .iq1_m, .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq4_nl, .iq4_xs,
    .tq1_0, .tq2_0, .mxfp4, .nvfp4,
  ]
}

extension Format {
  /// Those formats in the order of the table; groups after all others, by name.
  package static func ordered(_ formats: some Sequence<Format>) -> [Format] {
    let formats = Set(formats)
    let groups = formats.subtracting(allCases).sorted { $0.name < $1.name }
    return allCases.filter(formats.contains) + groups
  }
}

extension Format: CustomStringConvertible {
  /// One line, for people.
  public var description: String { name }
}
