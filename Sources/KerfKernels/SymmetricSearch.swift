// The scale of least squared error for y = q · d, q in lowest…highest.
//
// 1. Normalise: y = −x / e, where e is the element of largest magnitude. Candidates are then the
//    same constants t for every block: −t is where e falls on the axis of codes. The reference code
//    takes t = −lowest. A smaller t is a coarser grid that may happen to fit better; a larger one is
//    finer for the many small elements and clamps e.
// 2. For each t, take the codes q = round(t·y), and refit the scale to them by least squares. What
//    error remains follows from two sums:  min over d of Σ(y − dq)² = Σy² − (Σyq)² / Σq².
// 3. The winner's scale, rounded to half precision, is held against the reference code's before
//    anything is kept (`BetterFit.swift`).
//
// The candidates were chosen greedily for least error over the blocks of real and of generated
// weights. More of them gain little: q4_0 leaves 0.8907 of the reference error where an exhaustive
// search over all half-precision scales leaves about 0.889.

internal import CVectors

/// The candidate with the largest (Σyq)² / Σq² so far.
struct SymmetricBest {
  var square = f32x16(repeating: 0)
  var yq = f32x16(repeating: 0)
  var qq = f32x16(repeating: 1)

  @inline(__always)
  mutating func take(_ sums: CodeSums) {
    for c in 0..<candidatesAbreast {
      let yq = i32x16_to_f32(sums.products[c])
      let qq = i32x16_to_f32(sums.squares[c])
      let square = yq * yq
      let better = square * self.qq .> self.square * qq
      self.square.replace(with: square, where: better)
      self.yq.replace(with: yq, where: better)
      self.qq.replace(with: qq, where: better)
    }
  }
}

extension BlockGroup<Floats> {
  /// Normalises a group: y = x / max |x|.
  @inline(__always)
  static func symmetricOutline(
    _ source: UnsafeRawPointer, _ count: Int, slot: Int, _ workspace: UnsafeMutableRawPointer
  ) -> (group: BlockGroup, outline: f32x16) {
    if count == 16 {
      let largest = f32_block_largest(source)
      if f32x16_below_bits(largest, .infinity) == 0xFFFF {
        let group = BlockGroup(whole: source, workspace)
        group.fillPairs(normalizer(largest))
        return (group, largest)
      }
    }
    let group = BlockGroup(repairing: Floats.self, source, count, slot: slot, workspace)
    let largest = f32_block_largest(group.elements)
    group.fillPairs(normalizer(largest))
    return (group, largest)
  }

  @inline(__always)
  private static func normalizer(_ largest: f32x16) -> f32x16 {
    (largestWord / largest).replacing(with: 0, where: .!isSearchable(largest))
  }

  /// - Parameters:
  ///   - largest: The largest magnitudes.
  ///   - positions: Candidates t, a multiple of four of them.
  ///   - clampedFrom: The first of them, a multiple of four, that may exceed the axis of codes, where
  ///     `clamping` says.
  ///   - referenceScale: The reference code's scale, from the signed element of largest magnitude.
  /// - Returns: Where nothing can be searched for, the same fit twice.
  @inline(__always)
  func symmetricFits<let n: Int>(
    _ largest: f32x16, _ axis: CodeAxis, positions: InlineArray<n, Int16>, clampedFrom: Int,
    _ clamping: Clamping, referenceScale: (_ signedLargest: f32x16) -> f32x16
  ) -> (searched: Fit, reference: Fit) {
    let signs = signsOfLargest()
    let negated = tieBroken(signs.positive, signs.negative & signs.positive)
    let signedLargest = f32x16_select(negated, largest, 0 - largest)

    var best = SymmetricBest()
    var first = 0
    while first < clampedFrom {
      best.take(codeSums(axis, positions, negated: negated, first, clamping: .none))
      first &+= candidatesAbreast
    }
    while first < n {
      best.take(codeSums(axis, positions, negated: negated, first, clamping: clamping))
      first &+= candidatesAbreast
    }

    // Adding zero makes −0 of a block of zeros 0.
    let reference = half(referenceScale(signedLargest) + 0)
    let searched = half((best.yq / best.qq) * (largest * (1 / largestWord)))
    let found = isSearchable(largest) .& searched .!= 0 .& reference .!= 0
    return (
      .symmetric(scale: reference.replacing(with: searched, where: found)),
      .symmetric(scale: reference)
    )
  }

  /// Where an element is as large as another of the other sign, the reference code takes the first.
  @inline(__always)
  private func tieBroken(_ positive: i32x16, _ ties: i32x16) -> i32x16 {
    let lanes = i32x16_mask_bits(ties)
    return lanes == 0 ? positive : tieBroken(positive, lanes)
  }

  @inline(never)
  private func tieBroken(_ positive: i32x16, _ lanes: UInt32) -> i32x16 {
    var positive = positive
    for b in 0..<16 where lanes &>> UInt32(b) & 1 != 0 {
      let x = block(b).assumingMemoryBound(to: Float.self)
      var largest: Float = 0
      for i in 0..<32 where x[i].magnitude > largest.magnitude { largest = x[i] }
      positive[b] = largest > 0 ? -1 : 0
    }
    return positive
  }
}

/// Whether numbers of this size can be normalised.
@inline(__always)
func isSearchable(_ size: f32x16) -> SIMDMask<SIMD16<Int32>> { size .> 1e-30 .& size .< 1e30 }

/// To half precision and back, within its finite range.
@inline(__always)
func half(_ x: f32x16) -> f32x16 {
  f16x16_widened(f32x16_narrowed_f16(f32x16_clamped(x, -65504, 65504)))
}
