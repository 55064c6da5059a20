import KerfCheckpoints
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct AtomicFileTests {
  let directory = TemporaryDirectory()
  var target: FilePath { directory.path.appending("out.gguf") }

  func create(replacing: Bool = false, byteCount: Int = 8) throws -> AtomicFile {
    try AtomicFile(at: target, byteCount: byteCount, replacing: replacing)
  }

  func contents(_ path: FilePath) throws -> [UInt8] {
    let descriptor = try FileDescriptor.open(path, .readOnly)
    return try descriptor.closeAfter {
      try [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    }
  }

  @Test(arguments: [false, true]) func commit(replacing: Bool) throws {
    let file = try create(replacing: replacing)
    #expect(directory.contents.count == 1)
    #expect(directory.contents[0].hasPrefix(".kerf-"))
    try file.write([3, 4], at: 4)
    try file.write([1], at: 0)
    try file.commit()
    #expect(directory.contents == ["out.gguf"])
    #expect(try contents(target) == [1, 0, 0, 0, 3, 4, 0, 0])
    file.discard()
    #expect(directory.contents == ["out.gguf"])
  }

  @Test func emptyFile() throws {
    try create(byteCount: 0).commit()
    #expect(try contents(target) == [])
  }

  @Test func permissionsAreThoseOfAnyNewFile() throws {
    try create().commit()
    let mask = umask(0)
    umask(mask)
    #expect(try target.stat().permissions.rawValue & 0o777 == 0o666 & ~mask)
  }

  @Test func replacing() throws {
    try directory.file("out.gguf", [9])
    let file = try create(replacing: true)
    #expect(try contents(target) == [9])
    try file.commit()
    #expect(try contents(target) == [UInt8](repeating: 0, count: 8))
    #expect(directory.contents == ["out.gguf"])
  }

  @Test func notReplacing() throws {
    try directory.file("out.gguf", [9])
    #expect(throws: CheckpointError.alreadyExists(target)) { try create() }
    #expect(try contents(target) == [9])
    #expect(directory.contents == ["out.gguf"])
  }

  @Test func aNameTakenInTheMeantime() throws {
    let file = try create()
    try directory.file("out.gguf", [9])
    #expect(throws: CheckpointError.alreadyExists(target)) { try file.commit() }
    #expect(try contents(target) == [9])
    #expect(directory.contents == ["out.gguf"])
  }

  @Test func discarded() throws {
    let file = try create()
    file.discard()
    file.discard()
    #expect(directory.contents.isEmpty)
    // Somebody who has not heard of it yet may go on writing.
    try file.write([1], at: 0)
    #expect(directory.contents.isEmpty)
  }

  @Test func forgotten() throws {
    do { _ = try create() }
    #expect(directory.contents.isEmpty)
  }

  @Test func placesThatCannotBeWritten() throws {
    func error(_ path: FilePath) -> CheckpointError? {
      do {
        _ = try AtomicFile(at: path, byteCount: 1, replacing: true)
        return nil
      } catch {
        expectOneLine(error, naming: path)
        return error
      }
    }
    let nowhere = directory.path.appending("none")
    let inNowhere = nowhere.appending("a.gguf")
    #expect(error(inNowhere) == .directoryNotFound(inNowhere, directory: nowhere))
    let file = try directory.file("file", [1])
    let inFile = file.appending("a.gguf")
    #expect(error(inFile) == .directoryNotFound(inFile, directory: file))
    #expect(error(directory.path) == .isDirectory(directory.path))
    #expect(error("/dev/null") == .notRegularFile("/dev/null"))
    if geteuid() != 0 {
      chmod(directory.path.string, 0o500)
      #expect(error(target) == .permissionDenied(target))
      chmod(directory.path.string, 0o700)
    }
  }

  @Test func aSymbolicLinkStays() throws {
    try directory.file("real.gguf", [9])
    symlink("real.gguf", target.string)
    try create(replacing: true).commit()
    #expect(try contents(directory.path.appending("real.gguf")).count == 8)
    #expect(try target.stat(followTargetSymlink: false).type == .symbolicLink)
  }

  @Test func manyWriters() async throws {
    let file = try create(byteCount: 4000)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for part in 0..<40 {
        group.addTask {
          try file.write([UInt8](repeating: UInt8(part), count: 100), at: part * 100)
        }
      }
      try await group.waitForAll()
    }
    try file.commit()
    #expect(try contents(target) == (0..<4000).map { UInt8($0 / 100) })
  }

  /// In a process of its own: it removes the files of everybody.
  @Test func interruptsLeaveNothing() async throws {
    await #expect(processExitsWith: .signal(SIGTERM)) { [path = directory.path.string as String] in
      let files = try (0..<5).map {
        try AtomicFile(at: FilePath("\(path)/\($0)"), byteCount: 8, replacing: false)
      }
      try files[0].commit()
      files[1].discard()
      let again = try AtomicFile(at: FilePath("\(path)/again"), byteCount: 8, replacing: false)
      signal(SIGTERM) { number in
        AtomicFile.removeAllPending()
        signal(number, SIG_DFL)
        raise(number)
      }
      guard TemporaryDirectory.contents(of: path).count == 5 else { exit(1) }
      // Threads of Swift's pool are spared signals.
      var mask = sigset_t()
      sigemptyset(&mask)
      sigaddset(&mask, SIGTERM)
      pthread_sigmask(SIG_UNBLOCK, &mask, nil)
      withExtendedLifetime((files, again)) { _ = raise(SIGTERM) }
    }
    #expect(directory.contents == ["0"])
  }
}
