// Knows how GGUF writes strings and values.

extension [UInt8] {
  /// Appends a string: its length in 64 bits, then its bytes.
  mutating func appendGGUF(_ string: some Collection<UInt8>) {
    appendLittleEndian(UInt64(string.count))
    append(contentsOf: string)
  }

  /// Appends a value without its type; an array as type of elements, count and elements.
  mutating func appendGGUF(_ value: GGUFValue) {
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): appendLittleEndian(value)
    case .uint16(let value): appendLittleEndian(value)
    case .int16(let value): appendLittleEndian(value)
    case .uint32(let value): appendLittleEndian(value)
    case .int32(let value): appendLittleEndian(value)
    case .float32(let value): appendLittleEndian(value.bitPattern)
    case .bool(let value): append(value ? 1 : 0)
    case .string(let value): appendGGUF(value.bytes)
    case .array(let value):
      appendLittleEndian(value.elementKind.rawValue)
      appendLittleEndian(UInt64(value.count))
      append(contentsOf: value.bytes)
    case .uint64(let value): appendLittleEndian(value)
    case .int64(let value): appendLittleEndian(value)
    case .float64(let value): appendLittleEndian(value.bitPattern)
    }
  }
}
