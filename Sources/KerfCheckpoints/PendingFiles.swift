// Knows the temporary files and directories that exist right now, so that an interrupted process can remove them.
//
// A signal may arrive in the middle of anything, so the list is never locked and never shrinks:
// slots are linked once, and each holds a path or nothing. Whoever swaps the path out of its slot,
// the file's owner or the handler, is the only one to act on it.

import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A list of temporary files.
enum PendingFiles {
  @unsafe fileprivate struct Node: ~Copyable {
    let path: Atomic<UnsafeMutablePointer<CChar>?>
    let next: UnsafeMutablePointer<Node>?
  }

  /// A file's place in the list.
  @safe struct Slot: @unchecked Sendable {
    fileprivate let node: UnsafeMutablePointer<Node>
  }

  nonisolated(unsafe) private static let head =
    unsafe Atomic<UnsafeMutablePointer<Node>?>(nil)

  /// Enters `path`, which stays entered until it is removed.
  static func insert(_ path: FilePath) -> Slot {
    let copy = unsafe path.withPlatformString { unsafe strdup($0) }
    // An empty slot is used again.
    var node = unsafe head.load(ordering: .acquiring)
    while let current = unsafe node {
      let (isTaken, _) = unsafe current.pointee.path.compareExchange(
        expected: nil, desired: copy, ordering: .acquiringAndReleasing)
      if isTaken { return unsafe Slot(node: current) }
      unsafe node = current.pointee.next
    }
    let new = UnsafeMutablePointer<Node>.allocate(capacity: 1)
    while true {
      let first = unsafe head.load(ordering: .acquiring)
      unsafe new.initialize(to: Node(path: Atomic(copy), next: first))
      let (isLinked, _) = unsafe head.compareExchange(
        expected: first, desired: new, ordering: .acquiringAndReleasing)
      if isLinked { return unsafe Slot(node: new) }
      unsafe new.deinitialize(count: 1)
    }
  }

  /// Takes a path out again. Returns whether it was still entered; where it was not, the file
  /// has been removed.
  @discardableResult
  static func remove(_ slot: Slot) -> Bool {
    let path = unsafe slot.node.pointee.path.exchange(nil, ordering: .acquiringAndReleasing)
    unsafe free(path)
    return unsafe path != nil
  }

  /// Whether the path is still entered.
  static func contains(_ slot: Slot) -> Bool {
    unsafe slot.node.pointee.path.load(ordering: .acquiring) != nil
  }

  /// Removes every file in the list, then every directory, which are empty then. Neither allocates,
  /// nor frees, nor waits.
  static func removeAll() {
    unsafe removeAll { path in unsafe unlink(path) }
    // A directory in another may come before it.
    for _ in 0..<8 { unsafe removeAll { path in unsafe rmdir(path) } }
  }

  /// Takes every path out that `remove` can remove.
  private static func removeAll(_ remove: (UnsafePointer<CChar>) -> CInt) {
    var node = unsafe head.load(ordering: .acquiring)
    while let current = unsafe node {
      if let path = unsafe current.pointee.path.exchange(nil, ordering: .acquiringAndReleasing) {
        if unsafe remove(path) != 0, errno != ENOENT {
          unsafe current.pointee.path.store(path, ordering: .releasing)
        }
      }
      unsafe node = current.pointee.next
    }
  }
}
