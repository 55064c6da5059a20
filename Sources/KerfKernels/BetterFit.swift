// Two fits of every block of a group: the better one is written.
//
// Codes are the nearest ones under either fit, so a block never comes out worse than with the
// reference code's scale. Errors are summed in units of a code, r = v − q with v = (x − m) / d, which
// needs no decoding; the other fit's are brought to the same unit by the ratio of the scales:
//
//     d² Σr²  <  d′² Σr′²     ⇔     (d / d′)² Σr² − Σr′²  <  0
//
// v is off by up to 2⁻¹⁶ codes for reciprocals and products in single precision. The search has to
// win by more than that could amount to, 2⁻¹⁰ of the error and 2⁻¹⁵ of a squared code.

internal import CVectors

/// A format whose scales can be searched for.
protocol SearchedFormat: BlockFormat {
  /// What is known of a group before its candidates are tried.
  associatedtype Outline
  static var axis: CodeAxis { get }
  /// The stored code of q = 0; stored codes are q + zero.
  static var zero: Int32 { get }
  /// Normalises a group, which lies where it is, or repaired in a slot of the workspace.
  static func outline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup<Floats>, outline: Outline)
  /// The fit of least error among the candidates, and the reference code's.
  static func fits(_ group: BlockGroup<Floats>, _ outline: Outline)
    -> (searched: Fit, reference: Fit)
}

extension SearchedFormat {
  /// Encodes `blocks` blocks with the scales of least error; see ``CodecKernels/Encode``.
  ///
  /// The next group is normalised before codes of this one are written: its work fills the time
  /// that the divisions and conversions between the search and the codes take.
  @inline(__always)
  static func encodeOptimal(
    _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ blocks: Int,
    _ workspace: UnsafeMutableRawPointer
  ) {
    guard blocks > 0 else { return }
    var (group, outline) = outline(source, min(16, blocks), slot: 0, workspace)
    var done = 0
    while true {
      let (searched, reference) = fits(group, outline)
      settle(searched, reference, group)
      let current = group
      let to = target + bytesPerBlock &* done
      done &+= 16
      if done < blocks {
        (group, outline) = Self.outline(
          source + 128 &* done, min(16, blocks &- done), slot: done &>> 4 & 1, workspace)
      }
      writeBetter(current, to)
      if done >= blocks { return }
    }
  }

  @inline(__always)
  private static func settle(_ searched: Fit, _ reference: Fit, _ group: BlockGroup<Floats>) {
    group.lanes(0).store(searched)
    group.lanes(1).store(reference)
    let ratio = searched.scale * reference.multiplier
    f32x16_store(group.ratios, ratio * ratio * (1 + 0x1p-10))
  }

  @inline(__always)
  private static func writeBetter(_ group: BlockGroup<Floats>, _ target: UnsafeMutableRawPointer) {
    let winners = group.lanes(0)
    let others = group.lanes(1)
    var b = 0
    while b < group.count {
      let a = compared(group, b)
      let c = compared(group, b &+ 1)
      let d = compared(group, b &+ 2)
      let e = compared(group, b &+ 3)
      write(
        CodeQuad(a: a.low, b: c.low, c: d.low, d: e.low),
        CodeQuad(a: a.high, b: c.high, c: d.high, d: e.high), group, winners, b, target)
      b &+= 4
    }
    let better = f32x16_below_bits(f32_row_sums(group.differences), -0x1p-15)
    let kept = ~better & (UInt32(1) &<< UInt32(group.count) &- 1)
    if kept != 0 {
      for b in 0..<group.count where kept &>> UInt32(b) & 1 != 0 {
        let low = nearest(f32x16_load(group.block(b)), others, b).code
        let high = nearest(f32x16_load(group.block(b) + 64), others, b).code
        Codes.pack(
          CodeQuad(a: low, b: low, c: low, d: low), CodeQuad(a: high, b: high, c: high, d: high),
          to: group.codes)
        writeBlock(b, packed: 0, of: group.codes, others, target)
      }
    }
  }

  /// The codes of a block under the first fit; stores how much better than the second one it is.
  @inline(__always)
  private static func compared(
    _ group: BlockGroup<Floats>, _ b: Int
  ) -> (low: i32x16, high: i32x16) {
    let low = f32x16_load(group.block(b))
    let high = f32x16_load(group.block(b) + 64)
    let p = nearest(low, group.lanes(1), b).residual
    let q = nearest(high, group.lanes(1), b).residual
    let s = nearest(low, group.lanes(0), b)
    let t = nearest(high, group.lanes(0), b)
    let found = (s.residual * s.residual + t.residual * t.residual) * group.ratios[b]
    f32x16_store(group.differences + 16 &* b, found - (p * p + q * q))
    return (s.code, t.code)
  }

  /// The nearest codes, as they are stored, and what is left, in codes.
  @inline(__always)
  private static func nearest(
    _ x: f32x16, _ lanes: FitLanes, _ b: Int
  ) -> (code: i32x16, residual: f32x16) {
    let v = (hasMinimum ? x - lanes.origins[b] : x) * lanes.multipliers[b]
    // A float of this size has no fraction: its bits count.
    let magic: Float = 0x1.8p23
    let sum = f32x16_clamped(v, Float(axis.lowest), Float(axis.highest)) + magic
    let code = unsafeBitCast(sum, to: i32x16.self) &- (Int32(bitPattern: magic.bitPattern) &- zero)
    return (code, v - (sum - magic))
  }

  /// Writes up to four blocks from block `b` on.
  @inline(__always)
  private static func write(
    _ low: CodeQuad, _ high: CodeQuad, _ group: BlockGroup<Floats>, _ lanes: FitLanes, _ b: Int,
    _ target: UnsafeMutableRawPointer
  ) {
    Codes.pack(low, high, to: group.codes)
    var i = 0
    while i < min(4, group.count &- b) {
      writeBlock(b &+ i, packed: i, of: group.codes, lanes, target)
      i &+= 1
    }
  }
}
