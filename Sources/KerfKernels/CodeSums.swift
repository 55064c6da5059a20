// The inner loop of the searches: the codes that candidates give, and their sums, block by block.
//
// Elements are normalised to words of sixteen bits, y·(2¹⁵ − 1), and a candidate is a line on the
// axis of codes, code = t·y + f. Least squares need no more than sums of the codes and of their
// products with the words. All of that is exact in integers, takes half as many vectors as floats
// would, and comes out the same in any order and on every CPU.
//
// Sixteen blocks stand in the sixteen lanes of a sum. Some candidates go through the pairs of words
// together: they share the loads, and their chains of sums hide each other's latency.

internal import CVectors

/// A format's codes as the searches count them, and how finely a place between two is told.
struct CodeAxis {
  let lowest: Int16
  let highest: Int16
  /// Places are multiples of 2^−fractionBits; 15 − fractionBits bits must hold the farthest one.
  let fractionBits: Int

  /// A number of codes as a multiple of 2^−fractionBits.
  @inline(__always)
  func places(_ codes: Float) -> Int16 {
    Int16(truncatingIfNeeded: Int32((codes * Float(1 &<< fractionBits)).rounded()))
  }

  @inline(__always)
  func places<let n: Int>(_ codes: InlineArray<n, Float>) -> InlineArray<n, Int16> {
    InlineArray { places(codes[$0]) }
  }
}

/// Which ends of the axis of codes need attention.
enum Clamping {
  case none, above, both
}

/// How many candidates go through the words together.
#if KERF_AVX512
  let candidatesAbreast = 4
#else
  let candidatesAbreast = 2
#endif

/// Sums over the 32 elements of a block, a lane per block, for ``candidatesAbreast`` candidates.
struct CodeSums {
  /// Σq²
  var squares = InlineArray<4, i32x16>(repeating: i32x16(repeating: 0))
  /// Σq·y, in words.
  var products = InlineArray<4, i32x16>(repeating: i32x16(repeating: 0))
  /// Σq, where it is asked for.
  var codes = InlineArray<4, i32x16>(repeating: i32x16(repeating: 0))

  @inline(__always) init() {}
}

/// The largest word; what is largest in a block becomes it.
let largestWord: Float = 32767

extension BlockGroup<Floats> {
  /// Fills ``pairs`` with (x − origin) · normalizer, rounded to words.
  @inline(__always)
  func fillPairs(origin: f32x16? = nil, _ normalizer: f32x16) {
    f32x16_store(normalizers, normalizer)
    if let origin { f32x16_store(origins, origin) }
    var b = 0
    while b < 16 {
      let low = f32x16_load(block(b))
      let high = f32x16_load(block(b) + 64)
      let factor = normalizers[b]
      if origin == nil {
        i16x32_store(words + 64 &* b, f32x16_rounded_words(low * factor, high * factor))
      } else {
        i16x32_store(
          words + 64 &* b,
          f32x16_rounded_words((low - origins[b]) * factor, (high - origins[b]) * factor))
      }
      b &+= 1
    }
    i16_transpose_pairs(words, pairs)
  }

  /// Of a block whose normalizer was 2¹⁵ − 1 over the largest magnitude: −1 where an element of that
  /// magnitude is negative, or positive; 0 elsewhere.
  @inline(__always)
  func signsOfLargest() -> (negative: i32x16, positive: i32x16) {
    var largest = i16x32_load(pairs)
    var smallest = largest
    for j in 1..<16 {
      let y = i16x32_load(pairs + 64 &* j)
      largest = i16x32_max(largest, y)
      smallest = i16x32_min(smallest, y)
    }
    return (i16x32_any_equal(smallest, -0x7FFF), i16x32_any_equal(largest, 0x7FFF))
  }

  /// Σy, in words.
  @inline(__always)
  func sumOfWords() -> i32x16 {
    var sum = i32x16(repeating: 0)
    for j in 0..<16 {
      sum = i32x16_adding_dots(sum, i16x32_load(pairs + 64 &* j), i16x32_filled(1))
    }
    return sum
  }

  /// Sums of the codes ±t·y of some candidates from `first`, t in places.
  @inline(__always)
  func codeSums<let n: Int>(
    _ axis: CodeAxis, _ steps: InlineArray<n, Int16>, negated: i32x16, _ first: Int,
    clamping: Clamping
  ) -> CodeSums {
    var sums = CodeSums()
    var factors = InlineArray<4, i16x32>(repeating: i16x32_filled(0))
    for c in 0..<candidatesAbreast {
      factors[c] = i16x32_negated_where(i16x32_filled(steps[first &+ c]), negated)
    }
    for j in 0..<16 {
      let y = i16x32_load(pairs + 64 &* j)
      for c in 0..<candidatesAbreast {
        let q = codes(i16x32_scaled(y, factors[c]), axis, clamping)
        sums.squares[c] = i32x16_adding_dots(sums.squares[c], q, q)
        sums.products[c] = i32x16_adding_dots(sums.products[c], q, y)
      }
    }
    return sums
  }

  /// Sums of the codes t·y + f of some candidates from `first`, t and f in places.
  @inline(__always)
  func codeSums<let n: Int>(
    _ axis: CodeAxis, _ steps: InlineArray<n, Int16>, offsets: InlineArray<n, Int16>, _ first: Int,
    clamping: Clamping
  ) -> CodeSums {
    var sums = CodeSums()
    var counts = InlineArray<4, i16x32>(repeating: i16x32_filled(0))
    for j in 0..<16 {
      let y = i16x32_load(pairs + 64 &* j)
      for c in 0..<candidatesAbreast {
        let place = i16x32_sum(
          i16x32_scaled(y, i16x32_filled(steps[first &+ c])), i16x32_filled(offsets[first &+ c]))
        let q = codes(place, axis, clamping)
        sums.squares[c] = i32x16_adding_dots(sums.squares[c], q, q)
        sums.products[c] = i32x16_adding_dots(sums.products[c], q, y)
        counts[c] = i16x32_sum(counts[c], q)
      }
    }
    for c in 0..<candidatesAbreast {
      sums.codes[c] = i32x16_adding_dots(sums.codes[c], counts[c], i16x32_filled(1))
    }
    return sums
  }

  /// The nearest codes.
  @inline(__always)
  private func codes(_ places: i16x32, _ axis: CodeAxis, _ clamping: Clamping) -> i16x32 {
    let unit = Int16(truncatingIfNeeded: 1 &<< (15 &- axis.fractionBits))
    let q = i16x32_scaled(places, i16x32_filled(unit))
    switch clamping {
    case .none: return q
    case .above: return i16x32_min(q, i16x32_filled(axis.highest))
    case .both:
      return i16x32_max(i16x32_min(q, i16x32_filled(axis.highest)), i16x32_filled(axis.lowest))
    }
  }
}
