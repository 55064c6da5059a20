/// A name as the bytes it is made of.
///
/// `String` compares by canonical equivalence, by which "é" and "e" + "◌́" are one name. In a file
/// they are two, so names of tensors and keys are looked up, and told apart, by their UTF-8 bytes.
package struct UTF8Name: Hashable, Sendable {
  package let string: String

  package init(_ string: String) { self.string = string }

  package static func == (a: UTF8Name, b: UTF8Name) -> Bool { a.string.hasSameBytes(as: b.string) }

  package func hash(into hasher: inout Hasher) {
    var copy = string
    copy.withUTF8 { bytes in unsafe hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
  }
}

extension String {
  /// Whether both are the same UTF-8 bytes.
  func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}
