// How the elements of one tensor get from its source format to its target format.

internal import KerfCodecs
internal import KerfElements

enum Passage: Sendable {
  /// Bytes as they are, of a format that the kernels know nothing of.
  case copy
  /// Unsigned integers and truth values with zeros above, in a type twice as wide or as wide.
  case zeroExtend(from: Int, to: Int)
  /// Through the kernels, which copy where both formats are the same.
  case transcode(Transcoder)
  /// The same, to groups whose scales have been decided.
  case scaled(ScaledTranscoder)

  /// `nil` where there is no way.
  init?(
    from source: Format, to target: Format, rounding: Rounding, divisor: Float = 1,
    table: KernelTable
  ) {
    if let transcoder = try? Transcoder(
      from: source, to: target, rounding: rounding, divisor: divisor, table: table)
    {
      self = .transcode(transcoder)
    } else if source == target {
      self = .copy
    } else if Passage.wider(source).contains(target) {
      self = .zeroExtend(from: source.bytesPerBlock, to: target.bytesPerBlock)
    } else {
      return nil
    }
  }

  /// Formats that hold every value of an unsigned integer format, narrowest first.
  static func wider(_ format: Format) -> [Format] {
    switch format {
    case .bool: [.i8]
    case .u8: [.i16]
    case .u16: [.i32]
    case .u32: [.i64]
    default: []
    }
  }

  /// Takes `count` elements from the number `first` on, `byteCount` bytes of them, from `source` to
  /// `target`, and hands the loss of every tile to `measured`, if it is given and the elements are numbers. Errors count as
  /// `weights` say, if they are given.
  func run(
    _ source: UnsafeRawPointer, byteCount: Int, _ target: UnsafeMutableRawPointer, count: Int,
    from first: Int, scratch: borrowing Transcoder.Scratch, weights: Transcoder.Weights?,
    measured: Transcoder.Measured?
  ) {
    switch self {
    case .copy:
      target.copyMemory(from: source, byteCount: byteCount)
    case .zeroExtend(let narrow, let wide):
      target.initializeMemory(as: UInt8.self, repeating: 0, count: count * wide)
      for i in 0..<count {
        (target + i * wide).copyMemory(from: source + i * narrow, byteCount: narrow)
      }
    case .transcode(let transcoder):
      transcoder.run(
        source, target, count: count, scratch: scratch, weights: weights, measured: measured)
    case .scaled(let transcoder):
      transcoder.run(
        source, target, count: count, from: first, scratch: scratch, weights: weights,
        measured: measured)
    }
  }

  /// The kernels' way, whoever decides scales.
  private var transcoder: Transcoder? {
    switch self {
    case .copy, .zeroExtend: nil
    case .transcode(let transcoder): transcoder
    case .scaled(let scaled): scaled.transcoder
    }
  }

  /// The same passage, to groups with these scales; `nil` where scales cannot be given.
  func scaled(
    _ scales: SharedScales, _ codes: ScaledTranscoder.Codes, table: KernelTable
  ) -> Passage? {
    transcoder.flatMap { ScaledTranscoder($0, scales, codes, table: table) }.map(Passage.scaled)
  }

  /// Whether errors can count by importance.
  var takesImportance: Bool {
    transcoder?.takesImportance ?? false
  }

  /// Elements that the scratch of a run is for.
  var tileLength: Int {
    transcoder?.tileLength ?? 0
  }

  /// Whether there is a loss to measure.
  var isMeasurable: Bool {
    transcoder != nil
  }
}
