// Comparisons whose results are lanes: −1 where they hold, 0 elsewhere. And what such masks choose.

KERF_INLINE i32x16 f32x16_above(f32x16 a, f32x16 b) { return a > b; }
KERF_INLINE i32x16 f32x16_at_least(f32x16 a, f32x16 b) { return a >= b; }
KERF_INLINE i32x16 f32x16_equal(f32x16 a, f32x16 b) { return a == b; }
KERF_INLINE i32x16 i32x16_below(i32x16 a, i32x16 b) { return a < b; }

/// Bit i is set where lane i of a equals lane i of b.
KERF_INLINE uint32_t i32x16_equal_bits(i32x16 a, i32x16 b) { return i32x16_mask_bits(a == b); }

/// a where the lane of the mask is −1, b where it is 0.
KERF_INLINE i32x16 i32x16_select(i32x16 mask, i32x16 a, i32x16 b) {
  return (mask & a) | (~mask & b);
}

KERF_INLINE i32x16 i32x16_min(i32x16 a, i32x16 b) { return __builtin_elementwise_min(a, b); }
KERF_INLINE i32x16 i32x16_max(i32x16 a, i32x16 b) { return __builtin_elementwise_max(a, b); }

/// Floats of those bits.
KERF_INLINE f32x16 i32x16_as_f32(i32x16 bits) { return (f32x16)bits; }
