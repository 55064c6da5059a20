// The scale and minimum of least squared error for y = q · d + m, q in 0…highest.
//
// As in the symmetric search elements are normalised, here to y = (x − min) / (max − min), and
// candidates are constants: a pair says where the smallest and the largest element fall on the axis
// of codes, f and highest + g. The reference code takes (0, 0).
//
// For each pair, with q = round(t·y + f), t = highest + g − f, refitting both d and m to the codes
// by least squares leaves  Σ(y − ȳ)² − cov(q, y)² / var q.  The winner is held against the reference
// (`BetterFit.swift`).

internal import CVectors

/// Where a candidate puts the extremes of a block on the axis of codes.
struct CodeSpan {
  /// The code of the smallest element.
  let first: Float
  /// The code of the largest element, counted from the largest code.
  let last: Float

  @inline(__always)
  init(_ first: Float, _ last: Float) {
    self.first = first
    self.last = last
  }

  /// The step of codes, in places, from the smallest to the largest element.
  @inline(__always)
  func step(_ axis: CodeAxis) -> Int16 { axis.places(Float(axis.highest) + last - first) }
}

/// What the affine search knows of a group: the smallest elements, the ranges and the sums of words.
struct AffineOutline {
  let smallest: f32x16
  let range: f32x16
  let sum: f32x16
}

extension BlockGroup<Floats> {
  /// Normalises a group: y = (x − min) / (max − min).
  @inline(__always)
  static func affineOutline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup, outline: AffineOutline) {
    let group =
      count == 16 && Floats.areFinite(source)
      ? BlockGroup(whole: source, workspace)
      : BlockGroup(repairing: Floats.self, source, count, slot: slot, workspace)
    let (smallest, largest) = group.extremes()
    let range = largest - smallest + 0
    group.fillPairs(
      origin: smallest, (largestWord / range).replacing(with: 0, where: .!isSearchable(range)))
    let sum = i32x16_to_f32(group.sumOfWords())
    return (group, AffineOutline(smallest: smallest, range: range, sum: sum))
  }

  /// - Parameter spans: Candidates, a multiple of four of them.
  /// - Returns: Where nothing can be searched for, the same fit twice.
  @inline(__always)
  func affineFits<let n: Int>(
    _ outline: AffineOutline, _ axis: CodeAxis, spans: InlineArray<n, CodeSpan>
  ) -> (searched: Fit, reference: Fit) {
    let (smallest, range, sum) = (outline.smallest, outline.range, outline.sum)
    let mean = sum * 0x1p-5
    let steps = InlineArray<n, Int16> { spans[$0].step(axis) }
    let offsets = InlineArray<n, Int16> { axis.places(spans[$0].first) }

    // The pair with the largest cov² / var so far, up to a factor of 32; and Σq of its codes.
    var best = (square: f32x16(repeating: 0), cov: f32x16(repeating: 0), q: f32x16(repeating: 0))
    var bestVariance = f32x16(repeating: 1)
    var first = 0
    while first < n {
      let sums = codeSums(axis, steps, offsets: offsets, first, clamping: .none)
      for c in 0..<candidatesAbreast {
        let q = i32x16_to_f32(sums.codes[c])
        let cov = i32x16_to_f32(sums.products[c]) - q * mean
        let variance = i32x16_to_f32(sums.squares[c]) - (q * q) * 0x1p-5
        let square = cov * cov
        let better = square * bestVariance .> best.square * variance
        best.square.replace(with: square, where: better)
        best.cov.replace(with: cov, where: better)
        best.q.replace(with: q, where: better)
        bestVariance.replace(with: variance, where: better)
      }
      first &+= candidatesAbreast
    }

    let word = range * (1 / largestWord)
    let reference = half(range / Float(axis.highest))
    let searched = half(word * (best.cov / bestVariance))
    // The minimum is fitted to the scale as it is stored.
    let searchedMinimum = half(smallest + (word * sum - searched * best.q) * 0x1p-5)
    let referenceMinimum = half(smallest + 0)
    let found = isSearchable(range) .& searched .!= 0 .& reference .!= 0
    return (
      .affine(
        scale: reference.replacing(with: searched, where: found),
        minimum: referenceMinimum.replacing(with: searchedMinimum, where: found)),
      .affine(scale: reference, minimum: referenceMinimum)
    )
  }
}
