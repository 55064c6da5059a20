// Knows how the files of an ONNX model come to be: all at once, from several threads.

public import KerfCheckpoints
internal import KerfElements

/// An ONNX model that is being written, and does not exist under its name before it is complete.
///
/// An object that goes away without ``commit()`` leaves nothing behind.
public final class ONNXWriter: Sendable {
  /// What is written.
  public let plan: ONNXPlan

  private let files: [AtomicFile]

  /// Bytes that are copied at a time.
  private static let pieceByteCount = 1 << 20

  /// Creates the files of `plan`, with everything that does not depend on weights.
  ///
  /// - Parameters:
  ///   - input: The model that the plan is of.
  ///   - isReplacing: Whether files of those names may be replaced.
  /// - Throws: ``LayoutError``.
  public init(
    _ plan: ONNXPlan, from input: Checkpoint, replacing isReplacing: Bool
  ) throws(LayoutError) {
    self.plan = plan
    do {
      var files: [AtomicFile] = []
      for (path, bytes) in plan.files {
        let file = try AtomicFile(
          at: path, byteCount: bytes.byteCount, replacing: isReplacing)
        files.append(file)
        for (piece, offset) in zip(bytes.pieces, bytes.offsets) {
          switch piece {
          case .room, .gap: break
          case .new(let bytes): try file.write(bytes, at: offset)
          case .copy(let payload):
            var done = 0
            while done < payload.range.count {
              let count = min(ONNXWriter.pieceByteCount, payload.range.count - done)
              let bytes = try input.bytes(
                ofPart: payload.file, at: payload.range.lowerBound + done, count: count)
              try file.write(bytes, at: offset + done)
              done += count
            }
          }
        }
      }
      self.files = files
    } catch { throw .checkpoint(error) }
  }

  /// Writes groups of a matrix to its planes; each group once.
  ///
  /// - Parameters:
  ///   - place: One of the plan's.
  ///   - groups: Which groups: whole units of its arrangement.
  ///   - blocks: Their bytes, one group after another.
  ///   - buffer: Room for as many bytes as the portion of these groups has, aligned to 8.
  public func write(
    _ place: ONNXPlan.Place, groups: Range<Int>, _ blocks: UnsafeRawPointer,
    through buffer: UnsafeMutableRawPointer
  ) throws(LayoutError) {
    let portion = place.arrangement.portion(groups)
    place.arrangement.scatter(blocks, portion, into: buffer)
    do {
      // No plane is turned, so that each has one run.
      for run in portion.runs {
        let (file, offset) = place.planes[run.plane]
        try files[file].write(
          UnsafeRawBufferPointer(start: buffer + run.bufferOffset, count: run.byteCount),
          at: offset + run.offset)
      }
    } catch { throw .checkpoint(error) }
  }

  /// Makes sure that everything is on the disk, then gives the files their names, the model last.
  ///
  /// - Throws: ``LayoutError``. Files that did not exist before then do not either.
  public func commit() throws(LayoutError) {
    do { try AtomicFile.commit(files.reversed()) } catch { throw .checkpoint(error) }
  }
}
