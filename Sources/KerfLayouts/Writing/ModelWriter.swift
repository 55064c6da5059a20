// Knows how the files of a plan come to be: all at once, from several threads.

internal import KerfCheckpoints
internal import KerfElements
public import SystemPackage

/// A directory of a model that is being written, and does not exist under its name before it is
/// complete.
///
/// An object that goes away without ``commit()`` leaves nothing behind.
public final class ModelWriter: Sendable {
  /// What is written.
  public let plan: ModelPlan

  private let directory: AtomicDirectory
  private let files: [AtomicFile]
  private let bands: Bands

  /// Creates the files of `plan`, with everything that does not depend on weights.
  ///
  /// - Parameters:
  ///   - path: The directory's name.
  ///   - isReplacing: Whether a model of that name may be replaced.
  ///   - bandByteCount: Bytes of a turned matrix that are gathered before they are written, for each
  ///     thread.
  /// - Throws: ``LayoutError``.
  public init(
    _ plan: ModelPlan, at path: FilePath, replacing isReplacing: Bool,
    bandByteCount: Int = 48 << 20
  ) throws(LayoutError) {
    self.plan = plan
    bands = Bands(byteCount: bandByteCount)
    do {
      let directory = try AtomicDirectory(at: path, replacing: isReplacing)
      var files: [AtomicFile] = []
      for shard in plan.shards {
        let file = try directory.file(FilePath(shard.name), byteCount: shard.layout.fileSize)
        try file.write(shard.layout.header, at: 0)
        files.append(file)
      }
      for (name, bytes) in plan.texts {
        let file = try directory.file(FilePath(name), byteCount: bytes.count)
        try file.write(bytes, at: 0)
        try file.commit(isLasting: false)
      }
      for case .arranged(let shard, let arrangement, let tensors) in plan.places {
        for (plane, tensor) in zip(arrangement.planes, tensors) {
          guard case .constant(let bytes) = plane.content else { continue }
          try files[shard].write(bytes, at: tensor.offset)
        }
      }
      self.directory = directory
      self.files = files
    } catch { throw .checkpoint(error) }
  }

  /// Writes bytes of a tensor that is in no planes.
  ///
  /// - Parameters:
  ///   - tensor: Its index in ``ModelPlan/places``.
  ///   - offset: Where they begin, counted from the tensor's first byte.
  public func write(
    _ tensor: Int, _ bytes: UnsafeRawBufferPointer, at offset: Int
  ) throws(LayoutError) {
    guard case .plain(let shard, let placed) = plan.places[tensor] else {
      preconditionFailure("tensor \(tensor) is in planes")
    }
    precondition(offset >= 0 && bytes.count <= placed.byteCount - offset, "bytes past the tensor")
    do {
      try files[shard].write(bytes, at: placed.offset + offset)
    } catch { throw .checkpoint(error) }
  }

  /// Writes groups of a matrix to its planes; each group once.
  ///
  /// What turned planes have of them is kept until it makes long lines.
  ///
  /// - Parameters:
  ///   - tensor: Its index in ``ModelPlan/places``.
  ///   - groups: Which groups: whole units of its arrangement.
  ///   - blocks: Their bytes, one group after another.
  ///   - buffer: Room for as many bytes as the portion of these groups has, aligned to 8.
  public func write(
    _ tensor: Int, groups: Range<Int>, _ blocks: UnsafeRawPointer,
    through buffer: UnsafeMutableRawPointer
  ) throws(LayoutError) {
    guard case .arranged(let shard, let arrangement, let tensors) = plan.places[tensor] else {
      preconditionFailure("tensor \(tensor) is in no planes")
    }
    let portion = arrangement.portion(groups)
    do {
      if portion.runs.allSatisfy(\.isWhole) {
        arrangement.scatter(blocks, portion, into: buffer)
        try write(portion, buffer, to: tensors, in: shard)
      } else {
        try bands.fill(tensor, groups, blocks, of: arrangement) { band throws(CheckpointError) in
          try write(band.portion, band.buffer, to: tensors, in: shard)
        }
      }
    } catch { throw .checkpoint(error) }
  }

  /// Writes the runs of a portion that lie in `buffer`, one after another.
  private func write(
    _ portion: Portion, _ buffer: UnsafeMutableRawPointer, to tensors: [TensorDescription],
    in shard: Int
  ) throws(CheckpointError) {
    for run in portion.runs {
      let (count, byteCount) =
        run.isWhole ? (1, run.count * run.byteCount) : (run.count, run.byteCount)
      for i in 0..<count {
        try files[shard].write(
          UnsafeRawBufferPointer(
            start: buffer + run.bufferOffset + i * run.byteCount, count: byteCount),
          at: tensors[run.plane].offset + run.offset + i * run.stride)
      }
    }
  }

  /// Writes what was decided for a whole matrix.
  ///
  /// - Parameters:
  ///   - scales: What ``Arrangement/matrixScales`` asks for.
  ///   - tensor: Its index in ``ModelPlan/places``.
  package func write(_ scales: MatrixScales, of tensor: Int) throws(LayoutError) {
    guard case .arranged(let shard, let arrangement, let tensors) = plan.places[tensor] else {
      preconditionFailure("tensor \(tensor) is in no planes")
    }
    let places = zip(arrangement.planes, tensors).filter { $0.0.content == .decided }.map(\.1)
    let planes = arrangement.decidedPlanes(scales, weights: plan.tensors[tensor].sourceFormat)
    precondition(places.map(\.byteCount) == planes.map(\.count), "other scales than planes hold")
    do {
      for (place, bytes) in zip(places, planes) {
        try files[shard].write(bytes, at: place.offset)
      }
    } catch { throw .checkpoint(error) }
  }

  /// Copies what else belongs to a model: all files of `directory` and of directories in it that are
  /// neither weights nor written anew.
  public func copyOthers(from directory: FilePath) throws(LayoutError) {
    do {
      for name in try OtherFiles.names(in: directory)
      where !plan.texts.contains(where: {
        $0.name == name.string
      }) {
        try OtherFiles.copy(directory.appending(name.components), to: name, in: self.directory)
      }
    } catch { throw .checkpoint(error) }
  }

  /// Makes sure that everything is on the disk, then gives the directory its name.
  ///
  /// - Throws: ``LayoutError``. What was under the name before is then as it was.
  public func commit() throws(LayoutError) {
    do {
      for file in files { try file.commit(isLasting: false) }
      try directory.commit()
    } catch { throw .checkpoint(error) }
  }

  /// Removes what was written; does nothing after ``commit()``.
  public func discard() {
    for file in files { file.discard() }
    directory.discard()
  }
}
