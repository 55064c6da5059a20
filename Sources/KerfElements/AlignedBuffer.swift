/// Bytes on the heap, aligned for the widest vector and for cache lines, owned by one holder.
package struct AlignedBuffer: ~Copyable, @unchecked Sendable {
  package static let alignment = 64

  package let baseAddress: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Uninitialised memory for `byteCount` bytes.
  package init(byteCount: Int) {
    precondition(byteCount >= 0, "a buffer of \(byteCount) bytes")
    self.byteCount = byteCount
    baseAddress = .allocate(byteCount: max(byteCount, 1), alignment: AlignedBuffer.alignment)
  }

  deinit { baseAddress.deallocate() }

  /// The memory as elements of `type`.
  package func pointer<T: BitwiseCopyable>(to type: T.Type) -> UnsafeMutablePointer<T> {
    baseAddress.assumingMemoryBound(to: type)
  }
}
