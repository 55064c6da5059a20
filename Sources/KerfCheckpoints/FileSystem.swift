// Knows the system calls behind a file that appears all at once, and what their errors mean to
// somebody who named the target, not the temporary file.

import CFiles
package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

package enum FileSystem {
  /// Where a file that is to become `path` really goes: through symbolic links, so that they stay.
  static func target(
    _ path: FilePath, isReplacing: Bool
  ) throws(CheckpointError) -> FilePath {
    guard let stat = try? path.stat(followTargetSymlink: true) else { return path }
    switch stat.type {
    case .regular: break
    case .directory: throw .isDirectory(path)
    default: throw .notRegularFile(path)
    }
    guard isReplacing else { throw .alreadyExists(path) }
    guard (try? path.stat(followTargetSymlink: false))?.type == .symbolicLink,
      let resolved = unsafe path.withPlatformString({ unsafe realpath($0, nil) })
    else { return path }
    defer { unsafe free(resolved) }
    return unsafe FilePath(platformString: resolved)
  }

  /// Creates a file that must not exist yet.
  static func create(
    _ path: FilePath, for target: FilePath
  ) throws(CheckpointError) -> FileDescriptor {
    do {
      return try system(target, "create a file beside it") {
        // Less what the user's umask takes away, as for any new file.
        try FileDescriptor.open(
          path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: FilePermissions(rawValue: 0o666))
      }
    } catch .notFound {
      throw .directoryNotFound(target, directory: target.containingDirectory)
    } catch .system(_, _, .notDirectory) {
      throw .directoryNotFound(target, directory: target.containingDirectory)
    }
  }

  /// Makes the file `byteCount` zeros long, and takes the room for them where the file system
  /// can, so that a full disk is found before the work, not after it.
  static func reserve(
    _ byteCount: Int, _ descriptor: FileDescriptor, for target: FilePath
  ) throws(CheckpointError) {
    #if canImport(Glibc)
      var result: CInt
      repeat {
        result = byteCount > 0 ? posix_fallocate(descriptor.rawValue, 0, off_t(byteCount)) : 0
      } while result == EINTR
      switch result {
      case 0, EOPNOTSUPP, EINVAL, ENOSYS: break
      default:
        throw CheckpointError(
          target, "reserve \(byteCount) bytes", Errno(rawValue: result), byteCount: byteCount)
      }
    #endif
    try check(target, "make the file \(byteCount) bytes long", byteCount: byteCount) {
      ftruncate(descriptor.rawValue, off_t(byteCount))
    }
  }

  /// The names of what is in a directory, in order.
  package static func names(
    in directory: FilePath, hiddenToo: Bool = false
  ) throws(CheckpointError) -> [String] {
    guard let stream = unsafe directory.withPlatformString({ unsafe opendir($0) }) else {
      throw CheckpointError(directory, "list the directory", Errno(rawValue: errno))
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      let isHidden = name.hasPrefix(".")
      if !isHidden || hiddenToo && name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// The files in a directory and in directories in it, four of them deep, by their paths from there.
  /// Links count as what they lead to: files of a hub's cache are links to where they are kept.
  package static func files(
    below directory: FilePath, depth: Int = 0
  ) throws(CheckpointError) -> [FilePath] {
    var files: [FilePath] = []
    for name in try names(in: directory) {
      let path = directory.appending(name)
      switch (try? path.stat())?.type {
      case .regular: files.append(FilePath(name))
      case .directory where depth < 4:
        let place = FilePath(name)
        files += try FileSystem.files(below: path, depth: depth + 1).map {
          place.appending($0.components)
        }
      default: continue
      }
    }
    return files
  }

  /// Waits until the file's bytes are on the disk.
  static func synchronize(
    _ descriptor: FileDescriptor, for target: FilePath
  ) throws(CheckpointError) {
    try check(target, "write the file to the disk") { fsync(descriptor.rawValue) }
  }

  /// Gives the file `path` the name `target`, in one step.
  static func move(
    _ path: FilePath, to target: FilePath, isReplacing: Bool
  ) throws(CheckpointError) {
    func replace() throws(CheckpointError) {
      try check(target, "rename the temporary file") {
        unsafe path.withPlatformString { from in
          unsafe target.withPlatformString { to in unsafe rename(from, to) }
        }
      }
    }
    if isReplacing { return try replace() }
    do {
      // Unlike a renaming, a new link never takes the place of a file.
      try check(target, "link the temporary file") {
        unsafe path.withPlatformString { from in
          unsafe target.withPlatformString { to in unsafe link(from, to) }
        }
      }
      remove(path)
    } catch .permissionDenied, .system(_, _, .notSupported), .system(_, _, .noFunction) {
      // A file system without links, such as FAT: the best there is.
      guard (try? target.stat(followTargetSymlink: false)) == nil else {
        throw .alreadyExists(target)
      }
      try replace()
    }
  }

  /// Removes a file that may be gone already.
  static func remove(_ path: FilePath) {
    _ = unsafe path.withPlatformString { unsafe unlink($0) }
  }

  /// Asks for the new name to be written to the disk too.
  static func synchronizeDirectory(of path: FilePath) {
    synchronizeDirectory(path.containingDirectory)
  }

  /// Asks for the names in a directory to be written to the disk. Their files are complete either
  /// way, and some file systems cannot be asked, so that failing is no error.
  static func synchronizeDirectory(_ directory: FilePath) {
    guard
      let directory = try? FileDescriptor.open(
        directory, .readOnly, options: [.directory, .closeOnExec])
    else { return }
    _ = fsync(directory.rawValue)
    try? directory.close()
  }

  /// Creates a directory that must not exist yet.
  static func createDirectory(_ path: FilePath, for target: FilePath) throws(CheckpointError) {
    do {
      try check(target, "create a directory beside it") {
        unsafe path.withPlatformString { unsafe mkdir($0, 0o777) }
      }
    } catch .notFound {
      throw .directoryNotFound(target, directory: target.containingDirectory)
    } catch .system(_, _, .notDirectory) {
      throw .directoryNotFound(target, directory: target.containingDirectory)
    }
  }

  /// Gives a directory the name `target`, in one step. Where there is a directory of that name it
  /// gets the other one's, if the file system can swap the two; else it is removed in between.
  static func moveDirectory(
    _ path: FilePath, to target: FilePath, isSwapping: Bool
  ) throws(CheckpointError) {
    if isSwapping {
      let isSwapped = unsafe path.withPlatformString { from in
        unsafe target.withPlatformString { to in unsafe kerf_swap(from, to) }
      }
      if isSwapped == 0 { return }
      removeTree(target)
    }
    // Takes the place of an empty directory, and of nothing else.
    do {
      try check(target, "rename the temporary directory") {
        unsafe path.withPlatformString { from in
          unsafe target.withPlatformString { to in unsafe rename(from, to) }
        }
      }
    } catch .system(_, _, .directoryNotEmpty) {
      throw .alreadyExists(target)
    }
  }

  /// Removes a directory with everything in it; links, not what they lead to.
  static func removeTree(_ directory: FilePath) {
    for name in (try? names(in: directory, hiddenToo: true)) ?? [] {
      let inside = directory.appending(name)
      if (try? inside.stat(followTargetSymlink: false))?.type == .directory {
        removeTree(inside)
      } else {
        remove(inside)
      }
    }
    removeDirectory(directory)
  }

  /// Removes an empty directory that may be gone already.
  static func removeDirectory(_ path: FilePath) {
    _ = unsafe path.withPlatformString { unsafe rmdir($0) }
  }

  /// Runs a system call that returns 0 or sets `errno`, again while signals interrupt it.
  private static func check(
    _ target: FilePath, _ operation: String, byteCount: Int = 0, _ call: () -> CInt
  ) throws(CheckpointError) {
    while call() != 0 {
      let error = Errno(rawValue: errno)
      guard error == .interrupted else {
        throw CheckpointError(target, operation, error, byteCount: byteCount)
      }
    }
  }
}

extension FilePath {
  /// The directory that the file is in; "." for a bare name.
  var containingDirectory: FilePath {
    let directory = removingLastComponent()
    return directory.isEmpty ? "." : directory
  }

  /// Whether both lead to one file, be it through links. Not where either leads nowhere.
  package func isSameFile(as other: FilePath) -> Bool {
    guard let a = try? stat(), let b = try? other.stat() else { return false }
    return a.deviceID == b.deviceID && a.inode == b.inode
  }
}
