// Searches for a scale that is one of a few numbers: each is tried.
//
// What is left with a scale is summed in units of that scale, and compared in units that all share.

internal import CVectors

/// The candidate that leaves least, a lane per run.
struct BestScale {
  /// Codes of scales, as they are stored.
  var codes: i32x16
  var error: f32x16

  /// Takes another candidate where it leaves less. A candidate whose error is no number never does.
  @inline(__always)
  mutating func challenge(_ codes: i32x16, error: f32x16) {
    let isBetter = f32x16_above(self.error, error)
    self.codes = i32x16_select(isBetter, codes, self.codes)
    self.error = f32x16_select(isBetter, error, self.error)
  }
}

extension Runs {
  /// max |x|
  @inline(__always)
  func magnitudes() -> f32x16 {
    var largest = f32x16(repeating: 0)
    var j = 0
    while j < length {
      largest = f32x16_max(largest, f32x16_abs(element(j)))
      j &+= 1
    }
    return largest
  }

  /// Where no element of a run counts, all count alike.
  @inline(__always)
  func fillWeightless() {
    if Weights.isUniform { return }
    var total = f32x16(repeating: 0)
    var j = 0
    while j < length {
      total += weight(j)
      j &+= 1
    }
    let zero = f32x16(repeating: 0)
    if f32x16_equal_bits(total, zero) == 0 { return }
    let isWeightless = f32x16_equal(total, zero)
    j = 0
    while j < length {
      f32x16_store(
        workspace + 6144 + 64 &* j,
        f32x16_select(isWeightless, f32x16(repeating: 1), weight(j)))
      j &+= 1
    }
  }
}

/// The weights of later elements, where there are weights.
@inline(__always)
func advanced(_ importance: UnsafePointer<Float>?, by elements: Int) -> UnsafePointer<Float>? {
  if let importance { return importance + elements }
  return nil
}
