// Knows which files are a model's, so that nobody writes over one of them.

public import SystemPackage

extension Checkpoint {
  /// Whether a file that is there belongs to a model, be it through links.
  ///
  /// - Parameters:
  ///   - file: The file.
  ///   - path: The model, as ``open(_:)`` takes it; there need not be one.
  public static func isFile(_ file: FilePath, of path: FilePath) -> Bool {
    (try? file.stat()) != nil && belongings(of: path).contains { $0.isSameFile(as: file) }
  }

  /// The files that belong to the model at `path`, as far as they are there.
  ///
  /// Its weight files, their index, and config.json beside them; where a directory is named, all that
  /// is in it, but for other weight files. Where there is no model, what is named, or in it.
  private static func belongings(of path: FilePath) -> [FilePath] {
    let found = try? ModelFiles.find(path)
    var files = [path] + (found?.parts ?? []) + (found?.index.map { [$0.path] } ?? [])
    guard (try? path.stat())?.type == .directory else {
      return files + [path.containingDirectory.appending("config.json")]
    }
    let endings = Container.allCases.map { "." + $0.pathExtension }
    for name in (try? FileSystem.files(below: path)) ?? []
    where !endings.contains(where: name.string.hasSuffix) {
      files.append(path.appending(name.components))
    }
    return files
  }
}
