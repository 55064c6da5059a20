// Loops that do nothing but fill the registers, or read memory: what kernels are held against.

internal import CVectors
internal import KerfElements

// Sums that do not wait for each other: enough to hide the latency of an instruction, and so few
// that they stay in registers.
#if KERF_AVX512
  private typealias Sums<Vector> = InlineArray<12, Vector>
  private let dotInstructions = "vpdpbusd (512 bits)"
#elseif KERF_AVXVNNI
  private typealias Sums<Vector> = InlineArray<5, Vector>
  private let dotInstructions = "vpdpbusd (256 bits)"
#elseif KERF_AVX2
  private typealias Sums<Vector> = InlineArray<5, Vector>
  private let dotInstructions = "vpmaddubsw + vpmaddwd + vpaddd"
#elseif arch(arm64)
  private typealias Sums<Vector> = InlineArray<5, Vector>
  private let dotInstructions = "sdot"
#else
  private typealias Sums<Vector> = InlineArray<2, Vector>
  private let dotInstructions = "pmaddwd"
#endif

let yardstickKernels = YardstickKernels(
  dotInstructions: dotInstructions,
  dots: { dots(steps: $0) }, dotOperations: Sums<i32x16>.count * 128,
  multiplyAdds: { multiplyAdds(steps: $0) },
  multiplyAddOperations: Sums<f32x16>.count * 32,
  read: { readTotal($0, $1) })

private func dots(steps: Int) -> Int32 {
  var sums = Sums<i32x16>(repeating: i32x16(repeating: 0))
  var x = i32x16(repeating: 0x0101_0101)
  var step = 0
  while step < steps {
    var i = 0
    while i < Sums<i32x16>.count {
      // Else what the sums have in common would be computed once.
      x = i32x16_opaque(x)
      sums[i] = i32x16_adding_dot_codes(sums[i], x, x)
      i &+= 1
    }
    step &+= 1
  }
  var total = i32x16(repeating: 0)
  var i = 0
  while i < Sums<i32x16>.count {
    total &+= sums[i]
    i &+= 1
  }
  return i32x16_total(total)
}

private func multiplyAdds(steps: Int) -> Float {
  var sums = Sums<f32x16>(repeating: f32x16(repeating: 0))
  // Neither subnormal nor ever infinite: such operands can be slower.
  var x = f32x16(repeating: 0.001)
  var step = 0
  while step < steps {
    var i = 0
    while i < Sums<f32x16>.count {
      x = f32x16_opaque(x)
      sums[i] = f32x16_adding_square(sums[i], x)
      i &+= 1
    }
    step &+= 1
  }
  var total = f32x16(repeating: 0)
  var i = 0
  while i < Sums<f32x16>.count {
    total += sums[i]
    i &+= 1
  }
  return f32x16_total(total)
}

/// Reads eight places side by side: a core has more requests to memory under way than it makes for
/// one place, whatever is asked for ahead of time.
private func readTotal(_ source: UnsafeRawPointer, _ count: Int) -> Int32 {
  let stride = count / 8
  var even = i32x16(repeating: 0)
  var odd = even
  var i = 0
  while i < stride {
    var from = source + i
    var pair = 0
    while pair < 4 {
      bytes_prefetch(from + 1024)
      even &+= i32x16_load(from)
      from += stride
      bytes_prefetch(from + 1024)
      odd &+= i32x16_load(from)
      from += stride
      pair &+= 1
    }
    i &+= 64
  }
  return i32x16_total(even &+ odd)
}
