// Bytes of a tensor: owned, or lent by the caller.

internal import KerfElements

/// Memory that tensors share; immutable once a tensor holds it.
package final class TensorStorage: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  private let owned: UnsafeMutableRawPointer?

  /// Memory of its own, filled by `fill`.
  package init(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(byteCount, 1), alignment: 64)
    let buffer = UnsafeMutableRawBufferPointer(start: memory, count: byteCount)
    fill(buffer)
    owned = memory
    bytes = UnsafeRawBufferPointer(buffer)
  }

  /// Memory of the caller, which must outlive every tensor that holds it, unchanged.
  package init(borrowing bytes: UnsafeRawBufferPointer) {
    owned = nil
    self.bytes = bytes
  }

  /// The bytes, to be changed by the only holder of this storage; `nil` where they are the caller's.
  package var ownBytes: UnsafeMutableRawBufferPointer? {
    owned.map { UnsafeMutableRawBufferPointer(start: $0, count: bytes.count) }
  }

  deinit { owned?.deallocate() }
}
