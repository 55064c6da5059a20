// One format to groups whose scales have been decided, tile by tile, and what that cost.

package import KerfElements

/// A transcoder to groups whose scales are given.
package struct ScaledTranscoder: Sendable {
  /// Where codes come from.
  package enum Codes: Sendable {
    /// They are those nearest to the elements, with the given scales.
    case nearest
    /// They are the transcoder's own; scales, which are f32, change afterwards.
    case kept
  }

  /// The way without given scales.
  package let transcoder: Transcoder
  private let scales: SharedScales
  private let codes: Codes
  private let encodeGiven: CodecKernels.EncodeGiven

  /// `nil` where the target's scales are nobody else's to decide.
  package init?(
    _ transcoder: Transcoder, _ scales: SharedScales, _ codes: Codes, table: KernelTable
  ) {
    guard case .group(let group) = transcoder.target,
      let encodeGiven = table.codec(transcoder.target)?.encodeGiven,
      codes == .nearest || group.scale == .f32
    else { return nil }
    self.transcoder = transcoder
    self.scales = scales
    self.codes = codes
    self.encodeGiven = encodeGiven
  }

  /// As ``Transcoder/run(_:_:count:scratch:weights:measured:)``.
  ///
  /// - Parameter first: The number of the first element in its tensor.
  package func run(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, count: Int, from first: Int,
    scratch: borrowing Transcoder.Scratch, weights: Transcoder.Weights?,
    measured: Transcoder.Measured?
  ) {
    let elements = scratch.elements.pointer(to: Float.self)
    let given = scratch.scales.pointer(to: Float.self)
    let importance = scratch.importance.pointer(to: Float.self)
    let length = transcoder.target.elementsPerBlock
    var done = 0
    while done < count {
      let tile = min(transcoder.tileLength, count - done)
      let to = target + transcoder.bytes(transcoder.target, done)
      transcoder.decode(
        source + transcoder.bytes(transcoder.source, done), to: elements, count: tile)
      if let weights {
        weights.importance.copy(
          from: weights.first + done, count: tile, of: weights.shape, to: importance)
      }
      scales.copy(from: (first + done) / length, count: tile / length, to: given)
      switch codes {
      case .nearest:
        encodeGiven(elements, given, to, tile / length, scratch.workspace.baseAddress)
      case .kept:
        transcoder.encode(
          elements, importance: weights == nil ? nil : UnsafePointer(importance), to, tile, scratch)
        for block in 0..<tile / length {
          to.storeBytes(
            of: given[block], toByteOffset: block * transcoder.target.bytesPerBlock,
            as: Float.self)
        }
      }
      if let measured {
        let lost = transcoder.loss(
          of: elements, importance: weights == nil ? nil : UnsafePointer(importance), to, tile,
          scratch)
        measured(lost.plain, lost.weighted, tile)
      }
      done += tile
    }
  }
}
