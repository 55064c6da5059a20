// Knows arrays of GGUF metadata.
//
// Vocabularies have hundreds of thousands of entries, and nearly always they are only copied. So
// an array keeps the bytes that stand in the file, and makes values of them when asked.

/// An array of values of one type, none of them an array.
public struct GGUFArray: Sendable, Hashable {
  /// The type of each element; never `.array`.
  public let elementKind: GGUFValue.Kind
  /// How many elements there are.
  public let count: Int
  /// The elements as they stand in a file: little-endian, strings led by a length of 64 bits.
  public let bytes: [UInt8]

  /// An array of elements that are known to stand in `bytes`.
  init(_ elementKind: GGUFValue.Kind, count: Int, bytes: [UInt8]) {
    self.elementKind = elementKind
    self.count = count
    self.bytes = bytes
  }

  /// An array of these elements.
  ///
  /// - Precondition: all elements are of type `elementKind`, which is not `.array`.
  public init(_ elementKind: GGUFValue.Kind, _ elements: some Sequence<GGUFValue>) {
    precondition(elementKind != .array, "arrays of arrays are not allowed")
    var bytes: [UInt8] = []
    var count = 0
    for element in elements {
      precondition(
        element.kind == elementKind, "an element of type \(element.kind), not \(elementKind)")
      bytes.appendGGUF(element)
      count += 1
    }
    self.init(elementKind, count: count, bytes: bytes)
  }

  /// An array of strings.
  public init(_ strings: some Sequence<String>) {
    self.init(.string, strings.lazy.map { .string($0) })
  }

  /// The elements, made one at a time. Takes time in proportion to their number.
  public var elements: some Sequence<GGUFValue> {
    sequence(state: (index: 0, position: 0)) { state in
      guard state.index < count else { return nil }
      state.index += 1
      return value(&state.position)
    }
  }

  /// The elements as strings, or `nil` where they are of another type.
  public var strings: [GGUFString]? {
    guard elementKind == .string else { return nil }
    var position = 0
    return (0..<count).map { _ in string(&position) }
  }

  /// The elements as integers, or `nil` where they are of another type or one does not fit.
  public var integers: [Int]? {
    var position = 0
    var result: [Int] = []
    result.reserveCapacity(count)
    for _ in 0..<count {
      guard let integer = value(&position).integer else { return nil }
      result.append(integer)
    }
    return result
  }

  // MARK: Elements in the bytes

  private func value(_ position: inout Int) -> GGUFValue {
    switch elementKind {
    case .uint8: .uint8(integer(&position))
    case .int8: .int8(integer(&position))
    case .uint16: .uint16(integer(&position))
    case .int16: .int16(integer(&position))
    case .uint32: .uint32(integer(&position))
    case .int32: .int32(integer(&position))
    case .float32: .float32(Float(bitPattern: integer(&position)))
    case .bool: .bool(integer(&position, UInt8.self) != 0)
    case .string: .string(string(&position))
    case .array: preconditionFailure("an array of arrays")
    case .uint64: .uint64(integer(&position))
    case .int64: .int64(integer(&position))
    case .float64: .float64(Double(bitPattern: integer(&position)))
    }
  }

  private func integer<T: FixedWidthInteger>(_ position: inout Int, _ type: T.Type = T.self) -> T {
    let end = position + T.bitWidth / 8
    defer { position = end }
    return bytes[position..<end].reversed().reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
  }

  private func string(_ position: inout Int) -> GGUFString {
    let count = integer(&position, Int.self)
    defer { position += count }
    return GGUFString(bytes: Array(bytes[position..<position + count]))
  }
}
