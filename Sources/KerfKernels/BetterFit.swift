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
      let low = f32x16_load(group.block(b))
      let high = f32x16_load(group.block(b) + 64)
      let p = nearest(low, others, b)
      let q = nearest(high, others, b)
      let s = nearest(low, winners, b)
      let t = nearest(high, winners, b)
      let found = (s.residual * s.residual + t.residual * t.residual) * group.ratios[b]
      f32x16_store(
        group.differences + 16 &* b,
        found - (p.residual * p.residual + q.residual * q.residual))
      write(s.code, t.code, winners, b, target + bytesPerBlock &* b)
      b &+= 1
    }
    let better = f32x16_below_bits(f32_row_sums(group.differences), -0x1p-15)
    let kept = ~better & (UInt32(1) &<< UInt32(group.count) &- 1)
    if kept != 0 {
      for b in 0..<group.count where kept &>> UInt32(b) & 1 != 0 {
        let p = nearest(f32x16_load(group.block(b)), others, b)
        let q = nearest(f32x16_load(group.block(b) + 64), others, b)
        write(p.code, q.code, others, b, target + bytesPerBlock &* b)
      }
    }
  }

  /// The nearest codes, as they are stored, and what is left, in codes.
  @inline(__always)
  private static func nearest(
    _ x: f32x16, _ lanes: FitLanes, _ b: Int
  ) -> (code: i32x16, residual: f32x16) {
    let v = (hasMinimum ? x - lanes.origins[b] : x) * lanes.multipliers[b]
    // A float of this size has no fraction, and its last bits are the stored code.
    let magic: Float = 0x1.8p23 + Float(zero)
    let sum = f32x16_clamped(v, Float(axis.lowest), Float(axis.highest)) + magic
    let mask = Int32(axis.highest) &- Int32(axis.lowest)
    return (unsafeBitCast(sum, to: i32x16.self) & mask, v - (sum - magic))
  }

  @inline(__always)
  private static func write(
    _ low: i32x16, _ high: i32x16, _ lanes: FitLanes, _ b: Int, _ block: UnsafeMutableRawPointer
  ) {
    block.storeBytes(of: lanes.halfScales[b], as: UInt16.self)
    if hasMinimum { block.storeBytes(of: lanes.halfMinima[b], toByteOffset: 2, as: UInt16.self) }
    store(low, high, to: block + codesOffset)
  }
}
