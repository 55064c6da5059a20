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
  private let encodeWeighted: CodecKernels.EncodeWeighted?
  private let encodeDirectly: CodecKernels.Encode?
  private let decodeDirectly: CodecKernels.Decode?
  private let stream: KernelTable.Stream
  private let settle: @Sendable () -> Void
  private let restore: CodecKernels.Decode
  private let loss: @Sendable (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> LossSums

  /// Elements of a tile, where they end on a block of either format, as they do but for groups of odd
  /// lengths, and those that are longer.
  package static let tile = 4096

  /// Elements of a tile: whole blocks of both formats.
  package let tileLength: Int

  /// Elements of a tile of one format that becomes another.
  package static func tileLength(from source: Format, to target: Format) -> Int {
    Format.length(about: tile, of: [source, target])
  }

  /// Elements that a thread takes at a time of a tensor in memory: whole tiles, so that tiles are
  /// the same for any number of threads.
  package var pieceLength: Int { max(1, 16 * Transcoder.tile / tileLength) * tileLength }

  /// A way from one format to another.
  ///
  /// - Parameters:
  ///   - rounding: How codes and scales are chosen.
  ///   - instructionSet: Kernels to use; the process's own choice where there is none.
  /// - Throws: ``CodecError/notComputed(_:)``, ``CodecError/notEncodable(_:)``,
  ///   ``CodecError/dispatch(_:)``.
  public init(
    from source: Format, to target: Format, rounding: Rounding = .optimal,
    instructionSet: InstructionSet? = nil
  ) throws(CodecError) {
    let table = try KernelTable.table(for: instructionSet)
    try self.init(from: source, to: target, rounding: rounding, table: table)
  }

  /// - Parameter divisor: What all e4m3 scales of the target are divided by, for a whole tensor.
  package init(
    from source: Format, to target: Format, rounding: Rounding, divisor: Float = 1,
    table: KernelTable
  ) throws(CodecError) {
    guard let reading = table.codec(source) else { throw .notComputed(source) }
    guard let writing = table.codec(target, divisor: divisor) else { throw .notComputed(target) }
    guard let encode = writing.encode(rounding) else { throw .notEncodable(target) }
    self.source = source
    self.target = target
    tileLength = Transcoder.tileLength(from: source, to: target)
    decode = reading.decode
    self.encode = encode
    encodeWeighted = rounding == .optimal ? writing.encodeWeighted : nil
    encodeDirectly = writing.encode(rounding, from: source)
    decodeDirectly = reading.decode(to: target)
    stream = table.stream
    settle = table.settle
    restore = writing.decode
    loss = table.loss
  }

  /// Working memory for one thread.
  public struct Scratch: ~Copyable {
    let elements, restored, written, importance, scaled, scales: AlignedBuffer
    let workspace = AlignedBuffer(byteCount: CodecKernels.workspaceByteCount)
    fileprivate let tileLength: Int

    /// Memory that one call at a time may use, of any transcoder whose blocks end after so many
    /// elements, or fewer: 4096 are enough for all but long groups.
    package init(tileLength: Int) {
      self.tileLength = tileLength
      elements = AlignedBuffer(byteCount: tileLength * 4)
      restored = AlignedBuffer(byteCount: tileLength * 4)
      written = AlignedBuffer(byteCount: max(tileLength, Transcoder.tile) * 4)
      importance = AlignedBuffer(byteCount: tileLength * 4)
      scaled = AlignedBuffer(byteCount: tileLength * 4)
      scales = AlignedBuffer(byteCount: tileLength * 4)
    }

    /// Memory that one call at a time may use, of any transcoder whose blocks are not longer than
    /// 4096 elements and a power of two.
    public init() { self.init(tileLength: Transcoder.tile) }

    /// Memory that one call of `transcoder` at a time may use.
    public init(for transcoder: Transcoder) { self.init(tileLength: transcoder.tileLength) }
  }

  /// Transcodes `count` elements, whole blocks of both formats.
  ///
  /// Neither pointer needs any alignment. Where both formats are the same, the bytes are copied as
  /// they are.
  public func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int,
    scratch: borrowing Scratch
  ) {
    run(source, target, count: count, scratch: scratch, pastCaches: isLarge(count))
  }

  /// The same; the caller knows whether the elements are a piece of a target that ``isLarge(_:)``.
  package func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int,
    scratch: borrowing Scratch, pastCaches: Bool
  ) {
    let done = pastCaches ? runStrands(source, target, count, scratch) : 0
    run(
      source + bytes(self.source, done), target + bytes(self.target, done), count: count - done,
      scratch: scratch, measured: nil)
  }

  /// Whether a search for this format can count errors by their importance.
  package var takesImportance: Bool { source != target && encodeWeighted != nil }

  /// What the elements of a call are of a tensor whose errors count by importance.
  package struct Weights {
    let importance: Importance
    let shape: Shape
    let first: Int

    /// The elements from `first` on of a tensor of that shape.
    /// - Precondition: the importance fits the shape.
    package init(_ importance: Importance, shape: Shape, from first: Int) {
      precondition(importance.fits(shape), "importance of another shape than \(shape)")
      self.importance = importance
      self.shape = shape
      self.first = first
    }
  }

  /// What a tile lost: its sums, those with elements scaled by the root of their importance, where
  /// there is one, and how many elements they are of.
  package typealias Measured = (_ loss: LossSums, _ weighted: LossSums?, _ count: Int) -> Void

  /// The same; where `weights` are given, errors count as they say, if the format has a search that
  /// takes them. Where `measured` is given, hands it the loss of every tile, in order.
  package func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int,
    scratch: borrowing Scratch, weights: Weights? = nil, measured: Measured?
  ) {
    precondition(
      count == 0 || scratch.tileLength >= tileLength, "scratch of a transcoder of shorter blocks")
    var done = 0
    while done < count {
      let length = min(tileLength, count - done)
      let (from, to) = (source + bytes(self.source, done), target + bytes(self.target, done))
      if let weights {
        weights.importance.copy(
          from: weights.first + done, count: length, of: weights.shape,
          to: scratch.importance.pointer(to: Float.self))
        weightedTile(from, to, length, scratch, measured)
      } else {
        tile(from, to, length, scratch, measured)
      }
      done += length
    }
  }

  private func tile(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
    _ scratch: borrowing Scratch, _ measured: Measured?
  ) {
    let elements = scratch.elements.pointer(to: Float.self)
    let blocks = count / self.target.elementsPerBlock
    if self.source == self.target {
      target.copyMemory(from: source, byteCount: bytes(self.source, count))
      if let measured {
        decode(source, elements, blocks)
        measured(loss(elements, elements, count), nil, count)
      }
      return
    }
    if measured == nil, let encodeDirectly {
      encodeDirectly(source, target, blocks, scratch.workspace.baseAddress)
      return
    }
    if measured == nil, let decodeDirectly {
      decodeDirectly(source, target, count / self.source.elementsPerBlock)
      return
    }
    decode(source, to: elements, count: count)
    encode(elements, importance: nil, target, count, scratch)
    if let measured {
      let lost = loss(of: elements, importance: nil, target, count, scratch)
      measured(lost.plain, lost.weighted, count)
    }
  }

  /// A tile whose importance is in `scratch`.
  private func weightedTile(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
    _ scratch: borrowing Scratch, _ measured: Measured?
  ) {
    guard self.source != self.target, encodeWeighted != nil || measured != nil else {
      return tile(source, target, count, scratch, measured)
    }
    let elements = scratch.elements.pointer(to: Float.self)
    let importance = scratch.importance.pointer(to: Float.self)
    decode(source, to: elements, count: count)
    encode(elements, importance: importance, target, count, scratch)
    if let measured {
      let lost = loss(of: elements, importance: importance, target, count, scratch)
      measured(lost.plain, lost.weighted, count)
    }
  }

  func bytes(_ format: Format, _ elements: Int) -> Int {
    elements / format.elementsPerBlock * format.bytesPerBlock
  }
}

// The steps of a tile, also for whoever tries several formats on what was decoded once.
extension Transcoder {
  /// What a tile lost; weighted are the sums of elements scaled by the root of their importance.
  package typealias Lost = (plain: LossSums, weighted: LossSums?)

  /// Writes `count` elements of the source format as f32: up to a tile of whole blocks.
  package func decode(
    _ source: UnsafeRawPointer, to elements: UnsafeMutablePointer<Float>, count: Int
  ) {
    decode(source, elements, count / self.source.elementsPerBlock)
  }

  /// Encodes a tile of elements, which are f32 already, to a place in `scratch`. Errors count by
  /// `importance`, where it is given and the format has a search that takes it.
  package func encode(
    _ elements: UnsafePointer<Float>, importance: UnsafePointer<Float>?, count: Int,
    scratch: borrowing Scratch
  ) {
    guard source != target else { return }
    encode(elements, importance: importance, scratch.written.baseAddress, count, scratch)
  }

  /// What the tile lost that was encoded to `scratch` last.
  package func loss(
    of elements: UnsafePointer<Float>, importance: UnsafePointer<Float>?, count: Int,
    scratch: borrowing Scratch
  ) -> Lost {
    guard source != target else { return (loss(elements, elements, count), nil) }
    return loss(of: elements, importance: importance, scratch.written.baseAddress, count, scratch)
  }

  func encode(
    _ elements: UnsafePointer<Float>, importance: UnsafePointer<Float>?,
    _ target: UnsafeMutableRawPointer, _ count: Int, _ scratch: borrowing Scratch
  ) {
    let blocks = count / self.target.elementsPerBlock
    if let importance, let encodeWeighted {
      encodeWeighted(elements, importance, target, blocks, scratch.workspace.baseAddress)
    } else {
      encode(elements, target, blocks, scratch.workspace.baseAddress)
    }
  }

  func loss(
    of elements: UnsafePointer<Float>, importance: UnsafePointer<Float>?,
    _ encoded: UnsafeRawPointer, _ count: Int, _ scratch: borrowing Scratch
  ) -> Lost {
    let restored = scratch.restored.pointer(to: Float.self)
    restore(encoded, restored, count / target.elementsPerBlock)
    let plain = loss(elements, restored, count)
    guard let importance else { return (plain, nil) }
    let scaled = scratch.scaled.pointer(to: Float.self)
    for i in 0..<count {
      let root = importance[i].squareRoot()
      scaled[i] = elements[i] * root
      restored[i] *= root
    }
    return (plain, loss(scaled, restored, count))
  }
}

// Targets too large for the caches, which they would only flush.
//
// A CPU fetches ahead within a page of memory, and begins anew at the next. So four strands of the
// tensor, far apart, take turns: while one of them computes, the pages of the others arrive in the
// second-level cache, and the kernel's own prefetches move what a strand needs at its next turn to
// the first. A turn's bytes gather in the cache, and the lines that they fill are written past it at
// once.
extension Transcoder {
  /// Whether a target of so many elements is written past the caches.
  package func isLarge(_ count: Int) -> Bool { bytes(target, count) >= 8 << 20 }

  private static let strands = 4
  /// Elements of a step: a group of blocks.
  private static let step = 512
  /// Bytes between the places where strands gather: a step in f32 and two lines, an odd number of
  /// lines in all, so that they do not compete for the same places in the cache.
  private static let stagedByteCount = step * 4 + 3 * 64

  /// Transcodes the first elements, as many as make four strands of whole tiles, and returns how
  /// many those were.
  private func runStrands(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int,
    _ scratch: borrowing Scratch
  ) -> Int {
    // Kernels of groups take sixteen at a time, more than a step, and longer than memory does; those
    // of long groups write long lines anyway.
    if case .group = self.target { return 0 }
    guard tileLength == Transcoder.tile, Transcoder.step % self.target.elementsPerBlock == 0,
      Transcoder.step % self.source.elementsPerBlock == 0
    else { return 0 }
    let length = count / (Transcoder.strands * Transcoder.tile) * Transcoder.tile
    let sourceStep = bytes(self.source, Transcoder.step)
    let targetStep = bytes(self.target, Transcoder.step)
    let sourceBlocks = Transcoder.step / self.source.elementsPerBlock
    let targetBlocks = Transcoder.step / self.target.elementsPerBlock
    let staged = scratch.written.baseAddress
    let workspace = scratch.workspace.baseAddress
    var from = InlineArray<4, UnsafeRawPointer> { source + bytes(self.source, $0 * length) }
    var to = InlineArray<4, UnsafeMutableRawPointer> { target + bytes(self.target, $0 * length) }
    var pending = InlineArray<4, Int>(repeating: 0)
    for _ in 0..<length / Transcoder.step {
      for strand in 0..<Transcoder.strands {
        let staging = staged + strand * Transcoder.stagedByteCount
        let free = staging + pending[strand]
        if let encodeDirectly {
          encodeDirectly(from[strand], free, targetBlocks, workspace)
        } else if let decodeDirectly {
          decodeDirectly(from[strand], free, sourceBlocks)
        } else {
          tile(from[strand], free, Transcoder.step, scratch, nil)
        }
        from[strand] += sourceStep
        let gathered = pending[strand] + targetStep
        pending[strand] = stream(to[strand], staging, gathered)
        to[strand] += gathered - pending[strand]
      }
    }
    for strand in 0..<Transcoder.strands {
      to[strand].copyMemory(
        from: staged + strand * Transcoder.stagedByteCount, byteCount: pending[strand])
    }
    settle()
    return Transcoder.strands * length
  }
}

extension KernelTable {
  /// The kernels of a format whose scales are divided by a number, which is 1 for most.
  fileprivate func codec(_ format: Format, divisor: Float) -> CodecKernels? {
    guard divisor != 1, case .group(let group) = format else { return codec(format) }
    return dividedCodec(group, divisor)
  }

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
