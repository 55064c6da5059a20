// The plain product: one row of floats with each of many.

internal import CVectors

/// See ``KernelTable/dots``. Sixteen sums a row, of every sixteenth product, folded in a fixed order.
func dots(
  _ x: UnsafePointer<Float>, _ count: Int, _ rows: UnsafePointer<Float>, _ rowCount: Int,
  _ target: UnsafeMutablePointer<Float>
) {
  let whole = count & ~15
  var r = 0
  while r < rowCount {
    let row = rows + count &* r
    var even = f32x16(repeating: 0)
    var odd = f32x16(repeating: 0)
    var i = 0
    while i + 32 <= whole {
      even += f32x16_load(x + i) * f32x16_load(row + i)
      odd += f32x16_load(x + i + 16) * f32x16_load(row + i + 16)
      i &+= 32
    }
    if i < whole {
      even += f32x16_load(x + i) * f32x16_load(row + i)
      i &+= 16
    }
    var sum = f32x16_total(even + odd)
    while i < count {
      sum += x[i] * row[i]
      i &+= 1
    }
    target[r] = sum
    r &+= 1
  }
}
