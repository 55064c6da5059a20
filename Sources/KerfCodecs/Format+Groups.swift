public import KerfElements

// Names for the groups that runtimes of the model hub load, as they stand in code:
// `tensor.quantized(as: .int4(group: 64))`.
extension Format {
  /// Integers of so many bits in groups of a row.
  ///
  /// - Parameters:
  ///   - bits: 2 to 8.
  ///   - length: Consecutive elements that share a scale; the length of rows for channels. Codes of
  ///     a group end on a byte.
  ///   - offset: What is taken off codes, or added to their products with the scale. With a bias,
  ///     the length is a multiple of 16.
  ///   - scale: How scales are stored: f16, bf16 or f32.
  /// - Precondition: There is such a format; ``GroupFormat`` has an initializer for what comes out
  ///   of files.
  public static func integers(
    bits: Int, group length: Int, offset: GroupFormat.Offset = .none,
    scale: GroupFormat.Scale = .f16
  ) -> Format {
    groups(.integers(bits: bits), length, offset, scale)
  }

  /// Integers of four bits in groups of a row; as ``integers(bits:group:offset:scale:)`` has them.
  public static func int4(
    group length: Int, offset: GroupFormat.Offset = .none, scale: GroupFormat.Scale = .f16
  ) -> Format {
    integers(bits: 4, group: length, offset: offset, scale: scale)
  }

  /// Integers of eight bits in groups of a row; as ``integers(bits:group:offset:scale:)`` has them.
  public static func int8(
    group length: Int, offset: GroupFormat.Offset = .none, scale: GroupFormat.Scale = .f16
  ) -> Format {
    integers(bits: 8, group: length, offset: offset, scale: scale)
  }

  /// Quantiles of a normal distribution in groups of an even length, as bitsandbytes has them.
  public static func nf4(group length: Int = 64) -> Format { groups(.nf4, length) }

  /// Sixteen uneven numbers in groups of an even length, as bitsandbytes has them.
  public static func fp4(group length: Int = 64) -> Format { groups(.fp4, length) }

  /// Floats of eight bits in groups of a row, the length of rows for channels.
  public static func e4m3(group length: Int, scale: GroupFormat.Scale = .f32) -> Format {
    groups(.e4m3, length, .none, scale)
  }

  /// Floats of four bits in groups of an even length: MXFP4 with 32 and scales that are powers of
  /// two, NVFP4 with 16 and scales of e4m3.
  public static func e2m1(group length: Int = 32, scale: GroupFormat.Scale = .e8m0) -> Format {
    groups(.e2m1, length, .none, scale)
  }

  private static func groups(
    _ codes: GroupFormat.Codes, _ length: Int, _ offset: GroupFormat.Offset = .none,
    _ scale: GroupFormat.Scale? = nil
  ) -> Format {
    let format = GroupFormat(codes, length: length, offset: offset, scale: scale).map(Format.group)
    guard let format, format.isEncodable else {
      preconditionFailure("no groups of \(length) with these codes, offset and scale")
    }
    return format
  }
}
