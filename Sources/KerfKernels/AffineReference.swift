// The search of the public reference code for lines of runs, sixteen runs abreast.
//
// It starts with code 0 at the smallest element (or at 0, where that is smaller) and the largest code
// at the largest element. Candidates cut the range into highest + g steps, for g in equal distances,
// and are refitted by least squares where elements count by their size; errors, squared or absolute,
// count likewise. Wherever a candidate is better, the range of those after it starts at its b.
// The largest a and b of a block, cut into equal levels, are then its scales.

internal import CVectors

/// What the reference code tries for a run.
struct ReferenceLines {
  /// g of the first candidate; the others follow by a tenth.
  let first: Float
  let count: Int
  /// Whether an element counts by |x| alone, and errors absolutely; else by |x| and the root of the
  /// mean square, and errors by their square.
  let isAbsolute: Bool
}

extension Runs {
  /// Fills in how much elements count.
  @inline(__always)
  func weighLikeReference(_ lines: ReferenceLines) {
    var square = f32x16(repeating: 0)
    var j = 0
    if !lines.isAbsolute {
      while j < length {
        let x = f32x16_clamped(element(j), -0x1p40, 0x1p40)
        square += x * x
        j &+= 1
      }
    }
    let root = f32x16_sqrt(square * (1 / Float(length)))
    j = 0
    while j < length {
      f32x16_store(
        workspace + 6144 + 64 &* j,
        root + f32x16_min(f32x16_abs(element(j)), f32x16(repeating: 0x1p40)))
      j &+= 1
    }
  }

  @inline(__always)
  func tryReferenceLines<Codes: CodeGrid>(
    _: Codes.Type, highest: Int, _ lines: ReferenceLines
  ) {
    let range = facts.range
    facts.shift = f32x16(repeating: 0)
    var k = -1
    while k < lines.count {
      let steps = Float(highest) + (k < 0 ? 0 : lines.first + 0.1 * Float(k))
      let span = range + facts.shift
      let unit = f32x16_inverse_of_positive(span)
      tryLine(
        Codes.self, 0, slope: span * (1 / steps), multiplier: unit * steps,
        origin: 0 - facts.shift, .aboveZero, refits: k >= 0, isAbsolute: lines.isAbsolute)
      k &+= 1
    }
  }
}

extension AffineSuperBlock {
  /// The largest lines are the ends of the lattice, the others take the nearest point.
  @inline(__always)
  func takeLargest() {
    let shift = facts.shift - facts.smallest
    let largestSlope = largestOfBlock(facts.slope, of: lanes)
    let largestShift = largestOfBlock(shift, of: lanes)
    scale = Self.stored(largestSlope * (1 / Float(levels)))
    minimum = Self.stored(largestShift * (1 / Float(levels)))
    s = Integers<0, levels>.nearest(
      facts.slope * (Float(levels) * f32x16_inverse_of_positive(largestSlope)))
    m = Integers<0, levels>.nearest(
      shift * (Float(levels) * f32x16_inverse_of_positive(largestShift)))
  }
}
