// Knows how a directory of files comes into being all at once.
//
// It is filled under another name beside its target, and gets its own when every file in it is
// complete and on the disk.

import CFiles
import Synchronization
public import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A directory that is being filled, and does not exist under its name before it is complete.
///
/// An object that goes away without ``commit()`` leaves nothing behind.
public final class AtomicDirectory: Sendable {
  /// The name that the directory gets.
  public let path: FilePath

  private let isReplacing: Bool
  private let temporaryPath: FilePath
  private let state: Mutex<State>

  private struct State {
    var isOpen = true
    /// What is in the directory, and the directory itself first.
    var directories: [(path: FilePath, slot: PendingFiles.Slot)] = []
    var files: [(path: FilePath, slot: PendingFiles.Slot)] = []
  }

  /// Creates an empty directory beside `path`.
  ///
  /// - Parameters:
  ///   - path: The name that the directory gets in the end.
  ///   - isReplacing: Whether a directory of that name may be replaced. One that has no config.json,
  ///     or hidden files, or links, is not: it holds something else than a model.
  /// - Throws: ``CheckpointError``: `.alreadyExists`, `.notReplaceable`, `.directoryNotFound`,
  ///   `.permissionDenied`, or what else the system reports.
  public init(at path: FilePath, replacing isReplacing: Bool) throws(CheckpointError) {
    var path = path
    // A name that ends in a slash is the name before it.
    path = FilePath(root: path.root, path.components)
    try AtomicDirectory.check(path, isReplacing)
    self.path = path
    self.isReplacing = isReplacing
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    temporaryPath = path.containingDirectory.appending(".kerf-\(getpid())-\(random).part")
    state = Mutex(State())
    try enter(temporaryPath)
  }

  deinit { discard() }

  /// A file of `byteCount` zeros in the directory, to be written and committed before the directory.
  ///
  /// - Parameter name: Its path within the directory; directories on the way are made.
  /// - Precondition: `name` leads nowhere else.
  /// - Throws: ``CheckpointError``, as ``AtomicFile`` does.
  public func file(_ name: FilePath, byteCount: Int) throws(CheckpointError) -> AtomicFile {
    precondition(
      name.root == nil && !name.isEmpty && name.components.allSatisfy { $0.kind == .regular },
      "\(name) does not lie in a directory")
    var directory = temporaryPath
    for component in name.components.dropLast() {
      directory.append(component)
      if (try? directory.stat()) == nil { try enter(directory) }
    }
    let path = temporaryPath.appending(name.components)
    let slot = PendingFiles.insert(path)
    state.withLock { $0.files.append((path, slot)) }
    return try AtomicFile(at: path, byteCount: byteCount, replacing: false)
  }

  /// Makes sure that everything is on the disk, then gives the directory its name.
  ///
  /// - Precondition: every file is committed; neither `commit` nor ``discard()`` was called before.
  /// - Throws: ``CheckpointError``: `.alreadyExists` where the name was taken in the meantime, or
  ///   what else the system reports. The target is then as it was.
  public func commit() throws(CheckpointError) {
    precondition(state.withLock(\.isOpen), "the directory was committed or discarded before")
    do {
      let directories = state.withLock { $0.directories.map(\.path) }
      for directory in directories { FileSystem.synchronizeDirectory(directory) }
      try AtomicDirectory.check(path, isReplacing)
      let hasOld = (try? path.stat()) != nil
      try FileSystem.moveDirectory(temporaryPath, to: path, isSwapping: hasOld)
    } catch {
      discard()
      throw error
    }
    // What is under the temporary name now was under the target's before.
    let isOld = (try? temporaryPath.stat()) != nil
    state.withLock { state in
      state.isOpen = false
      for (_, slot) in state.files + state.directories { PendingFiles.remove(slot) }
    }
    FileSystem.synchronizeDirectory(of: path)
    if isOld { FileSystem.removeTree(temporaryPath) }
  }

  /// Removes what was written; does nothing after ``commit()``.
  public func discard() {
    state.withLock { state in
      guard state.isOpen else { return }
      state.isOpen = false
      for (path, slot) in state.files {
        FileSystem.remove(path)
        PendingFiles.remove(slot)
      }
      for (path, slot) in state.directories.reversed() {
        FileSystem.removeDirectory(path)
        PendingFiles.remove(slot)
      }
    }
  }

  private func enter(_ directory: FilePath) throws(CheckpointError) {
    let slot = PendingFiles.insert(directory)
    do {
      try FileSystem.createDirectory(directory, for: path)
    } catch {
      PendingFiles.remove(slot)
      throw error
    }
    state.withLock { $0.directories.append((directory, slot)) }
  }

  private static func check(_ path: FilePath, _ isReplacing: Bool) throws(CheckpointError) {
    guard let stat = try? path.stat(followTargetSymlink: false) else { return }
    guard isReplacing else { throw .alreadyExists(path) }
    guard stat.type == .directory else { throw .notReplaceable(path, found: "no directory") }
    let names = try FileSystem.names(in: path, hiddenToo: true)
    guard names.isEmpty || names.contains("config.json") else {
      throw .notReplaceable(path, found: "no config.json")
    }
    try checkInside(path, depth: 0) { found in .notReplaceable(path, found: found) }
  }

  /// Checks that there are files and directories of files only.
  private static func checkInside(
    _ directory: FilePath, depth: Int, _ refusal: (String) -> CheckpointError
  ) throws(CheckpointError) {
    for name in try FileSystem.names(in: directory, hiddenToo: true) {
      let inside = directory.appending(name)
      switch try? inside.stat(followTargetSymlink: false).type {
      case .regular where !name.hasPrefix("."): continue
      case .directory where !name.hasPrefix(".") && depth < 8:
        try checkInside(inside, depth: depth + 1, refusal)
      default: throw refusal(name)
      }
    }
  }
}
