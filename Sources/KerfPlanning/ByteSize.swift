/// A number of bytes, as people write it: `8GiB`, `7.5 GB`, `500MB`, `4096`.
public struct ByteSize: Sendable, Hashable {
  /// How many bytes.
  public var byteCount: Int

  /// That many bytes.
  public init(_ byteCount: Int) { self.byteCount = byteCount }

  /// The size that `text` says: a number, and a unit that may stand apart. Units are decimal, as
  /// those of disks and downloads (kB, MB, GB, TB), or binary, as those of memory (KiB, MiB, GiB,
  /// TiB), whatever their case. Parts of a byte are dropped.
  ///
  /// `nil` where it is no such thing, negative, or more than an `Int` holds.
  public init?(_ text: some StringProtocol) {
    let text = text.lowercased()
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let name = String(text[number.endIndex...].drop { $0 == " " })
    guard let unit = ByteSize.units[name] else { return nil }
    if let whole = Int(number) {
      let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
      guard !overflow else { return nil }
      self.init(product)
    } else {
      // `Double` would take a point without digits on either side.
      guard let first = number.first, let last = number.last, first != ".", last != ".",
        let value = Double(number), let count = Int(exactly: (value * Double(unit)).rounded(.down))
      else { return nil }
      self.init(count)
    }
  }

  private static let units = [
    "": 1, "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
  ]
}
