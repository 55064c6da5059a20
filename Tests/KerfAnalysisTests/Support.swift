import Foundation
import KerfCheckpoints
import KerfElements
import SystemPackage

/// A directory of its own for each test, gone afterwards.
final class Folder {
  let path: FilePath
  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("kerf-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }
  deinit { try? FileManager.default.removeItem(atPath: path.string) }
  func file(_ name: String) -> FilePath { path.appending(name) }
}

/// Writes a file of these tensors.
func write(
  _ tensors: [(name: String, format: Format, shape: Shape, bytes: [UInt8])],
  _ metadata: CheckpointMetadata = .safetensors([]), to path: FilePath
) throws {
  let layout = try CheckpointLayout(
    path: path, metadata: metadata, tensors: tensors.map { ($0.name, $0.format, $0.shape) })
  let file = try AtomicFile(at: path, byteCount: layout.fileSize, replacing: false)
  try file.write(layout.header, at: 0)
  for (tensor, place) in zip(tensors, layout.tensors) {
    try file.write(tensor.bytes, at: place.offset)
  }
  try file.commit(isLasting: false)
}

func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
