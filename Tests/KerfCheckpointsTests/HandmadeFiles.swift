// Files put together byte by byte, so that they can break any rule. Nothing here is shared with
// the code under test.

/// A safetensors file: a header as it stands, and zeros for data.
func safetensors(_ header: String, data: Int = 0) -> [UInt8] {
  safetensors(Array(header.utf8), data: data)
}

func safetensors(_ header: [UInt8], data: Int = 0) -> [UInt8] {
  littleEndian(UInt64(header.count)) + header + [UInt8](repeating: 0, count: data)
}

/// A GGUF file, by its parts.
struct GGUFFile {
  var magic = "GGUF"
  var version: UInt32 = 3
  var tensorCount: Int64?
  var keyCount: Int64?
  var keys: [[UInt8]] = []
  var tensors: [[UInt8]] = []
  var alignment = 32
  var data = 0

  var bytes: [UInt8] {
    var result = Array(magic.utf8) + littleEndian(version)
    result += littleEndian(tensorCount ?? Int64(tensors.count))
    result += littleEndian(keyCount ?? Int64(keys.count))
    result += keys.joined()
    result += tensors.joined()
    if !tensors.isEmpty {
      while result.count % alignment != 0 { result.append(0) }
    }
    return result + [UInt8](repeating: 0, count: data)
  }

  static func string(_ bytes: [UInt8]) -> [UInt8] { littleEndian(UInt64(bytes.count)) + bytes }

  static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }

  static func key(_ name: String, _ type: UInt32, _ value: [UInt8]) -> [UInt8] {
    string(name) + littleEndian(type) + value
  }

  /// An f32 unless said otherwise; `extents` are innermost first.
  static func tensor(
    _ name: String, _ extents: [Int64], type: Int32 = 0, at offset: UInt64
  ) -> [UInt8] {
    string(name) + littleEndian(UInt32(extents.count)) + extents.flatMap(littleEndian)
      + littleEndian(type) + littleEndian(offset)
  }

  /// A file of one tensor, eight f32.
  static let plain = GGUFFile(tensors: [tensor("a", [8], at: 0)], data: 32)

  /// The plain file with a key before it.
  static func with(key name: String, _ type: UInt32, _ value: [UInt8]) -> GGUFFile {
    var file = plain
    file.keys = [key(name, type, value)]
    return file
  }
}
