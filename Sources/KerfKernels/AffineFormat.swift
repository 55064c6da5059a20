// What the affine formats share: y = q · d + m, q in 0…largest.
//
// The reference code spans the block: m = min x, d = (max x − m) / largest; q = ⌊(x − m) / d + ½⌋.

internal import CVectors

protocol AffineFormat: SearchedFormat {
  /// Candidates for where the extremes of a block fall on the axis of codes.
  static var spans: InlineArray<16, CodeSpan> { get }
}

extension AffineFormat {
  static var hasMinimum: Bool { true }
  @inline(__always) static var zero: Int32 { 0 }
  @inline(__always) private static var largestCode: Float { Float(axis.highest) }

  @inline(__always)
  static func referenceFit<Element>(_ group: BlockGroup<Element>) -> Fit {
    let (minima, maxima) = group.extremes()
    return .affine(minimum: minima, maximum: maxima, largestCode: largestCode)
  }

  @inline(__always)
  static func outline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup<Floats>, outline: AffineOutline) {
    BlockGroup.affineOutline(source, count, slot: slot, workspace)
  }

  @inline(__always)
  static func fits(
    _ group: BlockGroup<Floats>, _ outline: AffineOutline
  ) -> (searched: Fit, reference: Fit) {
    group.affineFits(outline, axis, spans: spans)
  }

  /// There is no reference code to hold the winner against: it knows no weights of this kind.
  @inline(__always)
  static func encodeWeighted(
    _ source: UnsafeRawPointer, _ importance: UnsafePointer<Float>,
    _ target: UnsafeMutableRawPointer, _ blocks: Int, _ workspace: UnsafeMutableRawPointer
  ) {
    var done = 0
    while done < blocks {
      let runs = Runs<32, Important>(
        source + 128 &* done, importance: importance + 32 &* done,
        count: min(16, blocks &- done), runsPerBlock: 1, workspace)
      writeBest(runs, target + bytesPerBlock &* done)
      done &+= 16
    }
  }

  @inline(__always)
  static func codes(_ x: f32x16, multiplier: Float, origin: Float) -> i32x16 {
    f32x16_truncated((x - origin) * multiplier + 0.5)
  }

  @inline(__always)
  static func unpack(
    _ codes: UnsafeRawPointer, scale: Float, minimum: Float
  ) -> (low: f32x16, high: f32x16) {
    let (low, high) = Codes.load(codes)
    return (i32x16_to_f32(low) * scale + minimum, i32x16_to_f32(high) * scale + minimum)
  }
}

// With weights the lines of sixteen runs are searched as those of q4_K are; m = −b may have any sign.
extension AffineFormat {
  @inline(__always)
  private static func writeBest(_ runs: Runs<32, Important>, _ target: UnsafeMutableRawPointer) {
    runs.level(.none, runsPerBlock: 1)
    let facts = runs.facts
    if axis.highest == 15 {
      search(runs, Integers<0, 15>.self)
    } else {
      search(runs, Integers<0, 31>.self)
    }
    let scale = half(facts.slope)
    let minimum = half(facts.smallest - facts.shift)
    let lines = StoredLines(
      runs: runs.plain, length: 32, highest: Int(axis.highest), memory: facts.rest.memory)
    lines.store(scale: scale, minimum: minimum, slope: scale, origin: minimum)
    let packed = facts.candidate(0).memory
    let lanes = FitLanes(memory: facts.rest.memory)
    var b = 0
    while b < runs.count {
      Codes.pack(quad(lines, b, 0), quad(lines, b, 16), to: packed)
      var i = 0
      while i < min(4, runs.count &- b) {
        writeBlock(b &+ i, packed: i, of: packed, lanes, target)
        i &+= 1
      }
      b &+= 4
    }
  }

  @inline(__always)
  private static func search<Grid: CodeGrid>(_ runs: Runs<32, Important>, _: Grid.Type) {
    let spans = spans
    for k in 0..<16 { runs.tryLine(Grid.self, 0, spans[k], highest: Int(axis.highest), .none) }
    runs.tryBest(Grid.self, 0, .none)
    runs.tryBest(Grid.self, 0, .none)
    // The minimum is fitted to the scale as it is stored.
    runs.facts.slope = half(runs.facts.slope)
    runs.shiftBest(Grid.self)
  }

  @inline(__always)
  private static func quad(_ lines: StoredLines, _ b: Int, _ offset: Int) -> CodeQuad {
    CodeQuad(
      a: lines.codes(b, offset), b: lines.codes(b &+ 1, offset), c: lines.codes(b &+ 2, offset),
      d: lines.codes(b &+ 3, offset))
  }
}
