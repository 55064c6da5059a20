// One format to another, tile by tile, and what that cost.
//
//     source bytes ─decode→ f32 tile ─encode→ target bytes ─decode→ f32 tile ─┐
//                              └───────────────────────────────────────── loss
//
// A tile stays in the first-level cache, so measuring costs no second pass over memory. No tensor
// is ever whole in f32.

internal import KerfDispatch
public import KerfElements

/// Takes elements from one format to another, and tells what that cost.
///
/// The lowest level at which a host calls: memory in, memory out, on the caller's thread, without
/// allocation.
public struct Transcoder: Sendable {
  /// The format it reads.
  public let source: Format
  /// The format it writes.
  public let target: Format
  private let decode: CodecKernels.Decode
  private let encode: CodecKernels.Encode
  private let encodeDirectly: CodecKernels.Encode?
  private let stream: @Sendable (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Void
  private let restore: CodecKernels.Decode
  private let loss: @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> LossSums

  /// Elements of a tile: a multiple of every block.
  package static let tile = 4096

  /// Elements that a thread takes at a time of a tensor in memory: whole tiles, so that tiles are
  /// the same for any number of threads.
  package static let piece = 16 * tile

  /// A way from one format to another.
  ///
  /// - Parameters:
  ///   - rounding: How codes and scales are chosen.
  ///   - instructionSet: Kernels to use; the process's own choice where there is none.
  /// - Throws: ``CodecError/notComputed(_:)``, ``CodecError/dispatch(_:)``.
  public init(
    from source: Format, to target: Format, rounding: Rounding = .optimal,
    instructionSet: InstructionSet? = nil
  ) throws(CodecError) {
    let table = try KernelTable.table(for: instructionSet)
    try self.init(from: source, to: target, rounding: rounding, table: table)
  }

  package init(
    from source: Format, to target: Format, rounding: Rounding, table: KernelTable
  ) throws(CodecError) {
    guard let reading = table.codec(source) else { throw .notComputed(source) }
    guard let writing = table.codec(target) else { throw .notComputed(target) }
    self.source = source
    self.target = target
    decode = reading.decode
    encode = writing.encode(rounding)
    encodeDirectly = writing.encode(rounding, from: source)
    stream = table.stream
    restore = writing.decode
    loss = table.loss
  }

  /// Working memory for one thread.
  public struct Scratch: ~Copyable {
    fileprivate let elements = AlignedBuffer(byteCount: Transcoder.tile * 4)
    fileprivate let restored = AlignedBuffer(byteCount: Transcoder.tile * 4)
    fileprivate let written = AlignedBuffer(byteCount: Transcoder.tile * 4)
    fileprivate let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    /// Memory that one call at a time may use.
    public init() {}
  }

  /// Transcodes `count` elements, whole blocks of both formats.
  ///
  /// Neither pointer needs any alignment.
  public func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int,
    scratch: borrowing Scratch
  ) {
    run(source, target, count: count, scratch: scratch, measured: nil)
  }

  /// Transcodes `count` elements, whole blocks of both formats; where `measured` is given, hands it
  /// the loss of every tile and its length, in order. Where both formats are the same, the bytes are
  /// copied as they are.
  package func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int,
    scratch: borrowing Scratch, measured: ((LossSums, Int) -> Void)?
  ) {
    let isStreaming = bytes(self.target, count) >= Transcoder.streamedByteCount
    var done = 0
    while done < count {
      let length = min(Transcoder.tile, count - done)
      let from = source + bytes(self.source, done)
      let to = target + bytes(self.target, done)
      if isStreaming {
        let written = scratch.written.baseAddress
        tile(from, written, length, scratch, measured)
        stream(to, written, bytes(self.target, length))
      } else {
        tile(from, to, length, scratch, measured)
      }
      done += length
    }
  }

  /// Targets from this size on are written past the caches, which they would only flush.
  private static let streamedByteCount = 8 << 20

  private func tile(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
    _ scratch: borrowing Scratch, _ measured: ((LossSums, Int) -> Void)?
  ) {
    let elements = scratch.elements.pointer(to: Float.self)
    let workspace = scratch.workspace.baseAddress
    let blocks = count / self.target.elementsPerBlock
    if self.source == self.target {
      target.copyMemory(from: source, byteCount: bytes(self.source, count))
      if let measured {
        decode(source, elements, blocks)
        measured(loss(elements, elements, count), count)
      }
      return
    }
    if measured == nil, let encodeDirectly {
      encodeDirectly(source, target, blocks, workspace)
      return
    }
    if measured == nil, self.target == .f32 {
      decode(
        source, target.assumingMemoryBound(to: Float.self), count / self.source.elementsPerBlock)
      return
    }
    decode(source, elements, count / self.source.elementsPerBlock)
    encode(elements, target, blocks, workspace)
    if let measured {
      let restored = scratch.restored.pointer(to: Float.self)
      restore(target, restored, blocks)
      measured(loss(elements, restored, count), count)
    }
  }

  private func bytes(_ format: Format, _ elements: Int) -> Int {
    elements / format.elementsPerBlock * format.bytesPerBlock
  }
}

extension KernelTable {
  /// The table this process uses.
  package static func current() throws(CodecError) -> KernelTable {
    do { return try Dispatch.chosen.get() } catch { throw .dispatch(error) }
  }

  /// The table of an instruction set, or the process's own.
  package static func table(for instructionSet: InstructionSet?) throws(CodecError) -> KernelTable {
    guard let instructionSet else { return try current() }
    do { return try Dispatch.table(named: instructionSet.rawValue) } catch {
      throw .dispatch(error)
    }
  }
}

extension InstructionSet {
  /// The instruction sets that this CPU has kernels for, slowest first.
  public static var available: [InstructionSet] { Dispatch.available.map(\.instructionSet) }
}
