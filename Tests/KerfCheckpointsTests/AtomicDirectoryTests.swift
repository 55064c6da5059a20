import KerfCheckpoints
import SystemPackage
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct AtomicDirectoryTests {
  let place = TemporaryDirectory()
  var target: FilePath { place.path.appending("model") }

  func fill(_ directory: AtomicDirectory) throws {
    for name in ["config.json", "inner/deeper/x.json", "inner/y.json"] {
      let file = try directory.file(FilePath(name), byteCount: 3)
      try file.write([1, 2, 3], at: 0)
      try file.commit()
    }
  }

  func remove(_ path: FilePath) {
    for name in TemporaryDirectory.contents(of: path.string) {
      let inside = path.appending(name)
      if (try? inside.stat())?.type == .directory { remove(inside) } else { unlink(inside.string) }
    }
    rmdir(path.string)
  }

  @Test func completeOrAbsent() throws {
    let directory = try AtomicDirectory(at: target, replacing: false)
    try fill(directory)
    #expect(place.contents.count == 1 && place.contents[0].hasPrefix(".kerf-"))
    try directory.commit()
    #expect(place.contents == ["model"])
    #expect(TemporaryDirectory.contents(of: target.string) == ["config.json", "inner"])
    #expect(
      TemporaryDirectory.contents(of: target.appending("inner").string) == ["deeper", "y.json"])
    directory.discard()
    #expect(place.contents == ["model"])
    remove(target)
  }

  @Test func discarded() throws {
    let directory = try AtomicDirectory(at: target, replacing: false)
    try fill(directory)
    // A file that is still being written goes as well.
    var open: AtomicFile? = try directory.file("open.bin", byteCount: 5)
    open = nil
    _ = open
    directory.discard()
    #expect(place.contents == [])
    do { try fill(AtomicDirectory(at: target, replacing: false)) }
    #expect(place.contents == [])
  }

  @Test func replacing() throws {
    mkdir(target.string, 0o777)
    try place.file("model/config.json", [9])
    mkdir(target.appending("1_Pooling").string, 0o777)
    try place.file("model/1_Pooling/config.json", [9])
    #expect(throws: CheckpointError.alreadyExists(target)) {
      try AtomicDirectory(at: target, replacing: false)
    }
    let directory = try AtomicDirectory(at: FilePath(target.string + "/"), replacing: true)
    let file = try directory.file("new.json", byteCount: 1)
    try file.commit()
    #expect(TemporaryDirectory.contents(of: target.string) == ["1_Pooling", "config.json"])
    try directory.commit()
    #expect(TemporaryDirectory.contents(of: target.string) == ["new.json"])
    #expect(place.contents == ["model"])
    remove(target)
  }

  @Test func whatHoldsMoreThanAModelStays() throws {
    mkdir(target.string, 0o777)
    mkdir(target.appending("photographs").string, 0o777)
    #expect(throws: CheckpointError.notReplaceable(target, found: "no config.json")) {
      try AtomicDirectory(at: target, replacing: true)
    }
    try place.file("model/config.json", [9])
    mkdir(target.appending("photographs/.git").string, 0o777)
    #expect(throws: CheckpointError.notReplaceable(target, found: ".git")) {
      try AtomicDirectory(at: target, replacing: true)
    }
    remove(target)
    try place.file("model", [1])
    #expect(throws: CheckpointError.notReplaceable(target, found: "no directory")) {
      try AtomicDirectory(at: target, replacing: true)
    }
    #expect(throws: CheckpointError.directoryNotFound("/nowhere/x", directory: "/nowhere")) {
      try AtomicDirectory(at: "/nowhere/x", replacing: true)
    }
  }

  @Test func aNameTakenInTheMeantime() throws {
    let directory = try AtomicDirectory(at: target, replacing: false)
    try fill(directory)
    mkdir(target.string, 0o777)
    try place.file("model/theirs", [1])
    #expect(throws: CheckpointError.alreadyExists(target)) { try directory.commit() }
    #expect(place.contents == ["model"])
    #expect(TemporaryDirectory.contents(of: target.string) == ["theirs"])
    remove(target)
  }

  @Test func anInterruptLeavesNothing() async throws {
    await #expect(processExitsWith: .success) {
      let place = TemporaryDirectory()
      let directory = try AtomicDirectory(at: place.path.appending("model"), replacing: false)
      for name in ["a.json", "b/c/d.json"] {
        try directory.file(FilePath(name), byteCount: 1).commit()
      }
      let open = try directory.file("e.bin", byteCount: 1)
      AtomicFile.removeAllPending()
      guard place.contents.isEmpty else { exit(1) }
      withExtendedLifetime((directory, open)) {}
      exit(0)
    }
  }
}
