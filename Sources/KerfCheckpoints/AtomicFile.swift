// Knows how a file comes into being all at once.
//
// It is written under another name in the same directory, and gets its own when it is complete and
// on the disk. Whatever happens before that, the target is as it was.

import CFiles
import Synchronization
public import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file that is being written, and does not exist under its name before it is complete.
///
/// Bytes may be written from several threads at once. Those that nobody writes are zero. An object
/// that goes away without ``commit(isLasting:)`` leaves nothing behind.
public final class AtomicFile: Sendable {
  /// The name that the file gets; where a symbolic link was named, what the link leads to.
  public let path: FilePath
  /// Bytes of the complete file.
  public let byteCount: Int

  private let isReplacing: Bool
  private let temporaryPath: FilePath
  private let descriptor: FileDescriptor
  private let slot: PendingFiles.Slot
  private let isOpen = Atomic(true)
  private let written = Atomic(0)

  /// Bytes that are written between two hints to bring them to the disk.
  private static let writebackByteCount = 8 << 20

  /// Creates an empty file of `byteCount` zeros beside `path`, and reserves room for it.
  ///
  /// - Parameters:
  ///   - path: The name that the file gets in the end.
  ///   - byteCount: Bytes of the complete file.
  ///   - isReplacing: Whether a file that exists under that name may be replaced.
  /// - Throws: ``CheckpointError``: `.alreadyExists`, `.isDirectory`, `.notRegularFile` where the
  ///   name is taken, `.directoryNotFound`, `.permissionDenied`, `.noSpace`, or what else the
  ///   system reports.
  public init(
    at path: FilePath, byteCount: Int, replacing isReplacing: Bool
  ) throws(CheckpointError) {
    precondition(byteCount >= 0, "a file of \(byteCount) bytes")
    let target = try FileSystem.target(path, isReplacing: isReplacing)
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporaryPath = target.containingDirectory.appending(".kerf-\(getpid())-\(random).part")
    let slot = PendingFiles.insert(temporaryPath)
    do {
      descriptor = try FileSystem.create(temporaryPath, for: target)
    } catch {
      PendingFiles.remove(slot)
      throw error
    }
    self.path = target
    self.byteCount = byteCount
    self.isReplacing = isReplacing
    self.temporaryPath = temporaryPath
    self.slot = slot

    // From here on the object is complete, and its deinit removes the file if the rest fails.
    guard PendingFiles.contains(slot) else {
      // An interrupt came between entering the name and creating the file.
      throw .system(target, operation: "create a temporary file", .canceled)
    }
    try FileSystem.reserve(byteCount, descriptor, for: target)
  }

  deinit {
    discard()
    try? descriptor.close()
  }

  /// Writes `bytes` at `offset`, counted in bytes from the start of the file.
  ///
  /// - Precondition: the bytes lie within ``byteCount``.
  /// - Throws: ``CheckpointError``: `.noSpace`, or what else the system reports.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
    precondition(
      offset >= 0 && offset <= byteCount && bytes.count <= byteCount - offset,
      "\(bytes.count) bytes at \(offset) of a file of \(byteCount)")
    var done = 0
    while done < bytes.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = try system(path, "write the file", byteCount: byteCount) {
        try unsafe descriptor.write(toAbsoluteOffset: Int64(offset + done), rest)
      }
      done += count
    }
    // Otherwise all of it would wait for `commit`, with the processors idle. Not after every write:
    // pages that two of them share would go to the disk twice.
    let before = written.wrappingAdd(bytes.count, ordering: .relaxed).oldValue
    if before / AtomicFile.writebackByteCount
      != (before + bytes.count) / AtomicFile.writebackByteCount
    {
      kerf_start_writeback(descriptor.rawValue)
    }
  }

  /// Writes `bytes` at `offset`, counted in bytes from the start of the file.
  ///
  /// - Precondition: the bytes lie within ``byteCount``.
  /// - Throws: ``CheckpointError``: `.noSpace`, or what else the system reports.
  public func write(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
    try unsafe bytes.span.bytes.withUnsafeBytes { buffer throws(CheckpointError) in
      try unsafe write(buffer, at: offset)
    }
  }

  /// Makes sure that everything is on the disk, then gives the file its name.
  ///
  /// - Parameter isLasting: Whether to wait until the new name is on the disk as well. Without it a
  ///   power failure may leave the target as it was; the file is whole either way.
  /// - Precondition: neither `commit` nor ``discard()`` was called before.
  /// - Throws: ``CheckpointError``: `.alreadyExists` where the name was taken in the meantime and
  ///   the file was not to be replaced, or what else the system reports. The target is then as it
  ///   was, and the new file is gone.
  public func commit(isLasting: Bool = true) throws(CheckpointError) {
    precondition(isOpen.load(ordering: .acquiring), "the file was committed or discarded before")
    do {
      try FileSystem.synchronize(descriptor, for: path)
      try FileSystem.move(temporaryPath, to: path, isReplacing: isReplacing)
    } catch {
      discard()
      throw error
    }
    isOpen.store(false, ordering: .releasing)
    PendingFiles.remove(slot)
    if isLasting { FileSystem.synchronizeDirectory(of: path) }
  }

  /// Gives several files their names, after all of them are on the disk, in their order.
  ///
  /// - Throws: ``CheckpointError``, as ``commit(isLasting:)`` does. Names that no file had before are
  ///   then free again.
  package static func commit(_ files: some Collection<AtomicFile>) throws(CheckpointError) {
    var made: [FilePath] = []
    do throws(CheckpointError) {
      for file in files { try FileSystem.synchronize(file.descriptor, for: file.path) }
      for file in files {
        let isNew = (try? file.path.stat(followTargetSymlink: false)) == nil
        try file.commit()
        if isNew { made.append(file.path) }
      }
    } catch {
      for path in made { FileSystem.remove(path) }
      throw error
    }
  }

  /// Removes what was written; does nothing after ``commit(isLasting:)``.
  public func discard() {
    guard isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
    FileSystem.remove(temporaryPath)
    PendingFiles.remove(slot)
  }

  /// Removes every file that is neither committed nor discarded, so that an interrupt leaves
  /// nothing behind. May be called from a signal handler; the process should end after it.
  package static func removeAllPending() { PendingFiles.removeAll() }
}
