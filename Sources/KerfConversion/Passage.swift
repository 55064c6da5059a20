// How the elements of one tensor get from its source format to its target format.

internal import KerfCodecs
internal import KerfElements

enum Passage: Sendable {
  /// Bytes as they are.
  case copy
  /// Unsigned integers and truth values with zeros above, in a type twice as wide or as wide.
  case zeroExtend(from: Int, to: Int)
  /// Through the kernels.
  case transcode

  /// `nil` where there is no way.
  init?(from source: Format, to target: Format) {
    if source == target {
      self = .copy
    } else if Passage.wider(source).contains(target) {
      self = .zeroExtend(from: source.bytesPerBlock, to: target.bytesPerBlock)
    } else if source.isComputed && target.isComputed {
      self = .transcode
    } else {
      return nil
    }
  }

  /// Formats that hold every value of an unsigned integer format, narrowest first.
  static func wider(_ format: Format) -> [Format] {
    switch format {
    case .bool: [.i8]
    case .u8: [.i16]
    case .u16: [.i32]
    case .u32: [.i64]
    default: []
    }
  }

  /// Writes `count` integers of `from` bytes as integers of `to` bytes, little-endian.
  static func zeroExtend(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int, from: Int, to: Int
  ) {
    target.initializeMemory(as: UInt8.self, repeating: 0, count: count * to)
    for i in 0..<count {
      (target + i * to).copyMemory(from: source + i * from, byteCount: from)
    }
  }
}
