// What tests of several modules share: files that come and go.

import Foundation
public import KerfCheckpoints
public import KerfElements
public import SystemPackage

/// A directory of its own for each test, gone afterwards.
public final class Folder: Sendable {
  /// Where it is.
  public let path: FilePath

  /// An empty directory.
  public init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("kerf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path.string) }

  /// The path of a file in it.
  public func file(_ name: String) -> FilePath { path.appending(name) }

  /// The names of what is in it, in order.
  public var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []).sorted()
  }
}

/// A tensor of a file, and what it holds.
public typealias NamedTensor = (name: String, format: Format, shape: Shape, bytes: [UInt8])

/// Writes a file of these tensors.
public func write(
  _ tensors: [NamedTensor], _ metadata: CheckpointMetadata = .safetensors([]), to path: FilePath
) throws {
  let layout = try CheckpointLayout(
    path: path, metadata: metadata, tensors: tensors.map { ($0.name, $0.format, $0.shape) })
  let file = try AtomicFile(at: path, byteCount: layout.fileSize, replacing: true)
  try file.write(layout.header, at: 0)
  for (tensor, place) in zip(tensors, layout.tensors) {
    try file.write(Array(tensor.bytes.prefix(place.byteCount)), at: place.offset)
  }
  try file.commit(isLasting: false)
}

/// Floats as files have them.
public func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
