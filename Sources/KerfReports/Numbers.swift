// How numbers look to people.

internal import KerfMetrics

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Numbers as terminals and pages show them.
public enum Numbers {
  /// 3.14159 with two digits as “3.14”.
  public static func fixed(_ x: Double, _ digits: Int) -> String { formatted("%.\(digits)f", x) }

  /// 0.000123 as “1.23e-04”, and nothing as “0”.
  public static func scientific(_ x: Double) -> String { x == 0 ? "0" : formatted("%.2e", x) }

  /// 22713216 as “22,713,216”.
  public static func grouped(_ n: Int) -> String {
    var digits = String(n.magnitude)
    var index = digits.endIndex
    while digits.distance(from: digits.startIndex, to: index) > 3 {
      index = digits.index(index, offsetBy: -3)
      digits.insert(",", at: index)
    }
    return n < 0 ? "-" + digits : digits
  }

  /// 90868376 as “90.9 MB”: decimal units, as disks and downloads are sold.
  public static func bytes(_ n: Int) -> String {
    var value = Double(n)
    for unit in ["B", "kB", "MB", "GB"] {
      // 999.95 would be rounded up to a number of four digits.
      if value < 999.95 { return unit == "B" ? "\(n) B" : fixed(value, 1) + " " + unit }
      value /= 1000
    }
    return fixed(value, 1) + " TB"
  }

  /// 0.042 as “42 ms”, 3.5 as “3.5 s”, 200 as “3 min 20 s”.
  public static func duration(seconds: Double) -> String {
    if seconds < 0.9995 { return fixed(seconds * 1000, 0) + " ms" }
    if seconds < 99.95 { return fixed(seconds, 1) + " s" }
    let whole = Int(seconds.rounded())
    return "\(whole / 60) min \(whole % 60) s"
  }

  /// “1 element”, “2,000 elements”
  public static func counted(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// An error against its signal, both sums of squares, as “21.75 dB”.
  static func decibels(_ error: Double, over signal: Double) -> String {
    let words = bareDecibels(error, over: signal)
    return Loss.sqnr(squaredError: error, squaredReference: signal) == nil ? words : words + " dB"
  }

  /// The same for a column that names the unit; “exact” where nothing was lost.
  static func bareDecibels(_ error: Double, over signal: Double) -> String {
    Loss.sqnr(squaredError: error, squaredReference: signal).map { fixed($0, 2) }
      ?? (error == 0 ? "exact" : "–")
  }

  private static func formatted(_ format: String, _ x: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    let length = withVaList([x]) { vsnprintf(&buffer, buffer.count, format, $0) }
    return String(decoding: buffer.prefix(Int(length)).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

extension Loss {
  /// The ratio of signal to noise as “21.75 dB”, or “exact”.
  var decibels: String { Numbers.decibels(squaredError, over: squaredReference) }

  /// The same for a column that names the unit.
  var bareDecibels: String { Numbers.bareDecibels(squaredError, over: squaredReference) }
}
