// A Python package as an engine: a child process that is handed a file and asked for passes.
//
//     → open f32 q4_0 path   ← ok
//     → run 3                ← 1234567   (nanoseconds)

import Foundation
import Kerf

/// gguf (NumPy) or torch, in a process of its own that measures itself.
struct PythonEngine: Engine {
  enum Package: String, CaseIterable { case gguf, torch }

  private let package: Package
  private let python: String

  /// `nil` where that environment or the package is missing.
  init?(_ package: Package, environment: String) {
    let libraries = environment + "/lib"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
    guard
      versions.contains(where: { version in
        FileManager.default.fileExists(
          atPath: "\(libraries)/\(version)/site-packages/\(package.rawValue)")
      })
    else { return nil }
    self.package = package
    python = environment + "/bin/python"
  }

  func contestants(for item: Case) -> [Contestant] {
    guard canDo(item) else { return [] }
    let child = PythonChild(python, package.rawValue)
    return [
      Contestant(measuringItself: package.rawValue) { field, passes in
        try child.run(field, passes)
      }
    ]
  }

  /// What gguf can write; it reads all.
  private static let written: [Format] = [
    .q8_0, .q5_1, .q5_0, .q4_1, .q4_0, .mxfp4, .tq2_0, .tq1_0,
  ]

  private func canDo(_ item: Case) -> Bool {
    switch (package, item.kernel) {
    case (.gguf, .encode):
      item.source == .f32 && item.rounding == .reference
        && PythonEngine.written.contains(item.target)
    case (.gguf, .decode): item.target == .f32
    case (.torch, .convert): true
    default: false
    }
  }
}

/// The process, which starts when it is first asked.
private final class PythonChild: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  init(_ python: String, _ package: String) {
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "python_engine.py")
    process.executableURL = URL(filePath: python)
    process.arguments = [script.path(percentEncoded: false), package]
    process.standardInput = input
    process.standardOutput = output
  }

  deinit {
    if process.isRunning { process.terminate() }
  }

  func run(_ field: Field, _ passes: Int) throws -> Int {
    if !process.isRunning {
      try process.run()
      try open(field)
    }
    guard let nanoseconds = Int(try ask("run \(passes)")) else {
      throw Failure(description: "it did not say a time")
    }
    return nanoseconds
  }

  private func open(_ field: Field) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: file) }
    let bytes = Data(
      bytesNoCopy: field.source, count: field.item.inputByteCount, deallocator: .none)
    try bytes.write(to: file)
    let item = field.item
    _ = try ask("open \(item.source) \(item.target) \(file.path(percentEncoded: false))")
  }

  private func ask(_ question: String) throws -> String {
    try input.fileHandleForWriting.write(contentsOf: Data((question + "\n").utf8))
    var line = Data()
    while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first {
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    throw Failure(description: "it has ended")
  }
}
