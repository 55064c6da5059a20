// Knows how bytes come out of a file: whole, from any offset, from several threads at once.

package import SystemPackage

/// A regular file that is open for reading as long as this object lives.
package final class InputFile: Sendable {
  package let path: FilePath
  /// Bytes in the file when it was opened.
  package let size: Int
  private let descriptor: FileDescriptor

  package init(_ path: FilePath) throws(CheckpointError) {
    self.path = path
    // Without `nonBlocking`, opening a pipe would wait for somebody to write to it.
    let descriptor = try system(path, "open the file") {
      try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
    }
    self.descriptor = descriptor
    do throws(CheckpointError) {
      let stat = try system(path, "examine the file") { try descriptor.stat() }
      switch stat.type {
      case .regular: size = Int(stat.size)
      case .directory: throw .isDirectory(path)
      default: throw .notRegularFile(path)
      }
    } catch {
      try? descriptor.close()
      throw error
    }
  }

  deinit { try? descriptor.close() }

  /// Fills `buffer` with the bytes from `offset` on.
  ///
  /// - Throws: `.malformed` with reason `truncated` where the file ends before that.
  func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(CheckpointError) {
    var done = 0
    while done < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = try system(path, "read the file") {
        try unsafe descriptor.read(fromAbsoluteOffset: Int64(offset + done), into: rest)
      }
      guard count > 0 else {
        throw .malformed(
          path,
          Malformation(
            .truncated, at: .init(offset: offset + done),
            expected: "\(buffer.count - done) more bytes", found: "the end of the file"))
      }
      done += count
    }
  }

  /// The `count` bytes from `offset` on.
  package func bytes(at offset: Int, count: Int) throws(CheckpointError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    var span = result.mutableSpan
    try unsafe span.withUnsafeMutableBytes { buffer throws(CheckpointError) in
      try unsafe read(at: offset, into: buffer)
    }
    return result
  }
}

/// What `call` returns, its errors made into ours.
func system<Result>(
  _ path: FilePath, _ operation: String, byteCount: Int = 0, _ call: () throws -> Result
) throws(CheckpointError) -> Result {
  do {
    return try call()
  } catch let errno as Errno {
    throw CheckpointError(path, operation, errno, byteCount: byteCount)
  } catch {
    preconditionFailure("a system call threw \(error)")
  }
}
