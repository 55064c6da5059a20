// Minimum, maximum, rounding, comparisons as bits.

#define KERF_PLACES \
  ((i32x16){1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768})

// Each function maps one native operation over the parts of a vector.
#define KERF_MAP_F32(name, operation)                                    \
  KERF_INLINE f32x16 name(f32x16 a, f32x16 b) {                          \
    kerf_f32_parts x = {a}, y = {b};                                     \
    for (int i = 0; i < KERF_PARTS; i++) x.r[i] = operation(x.r[i], y.r[i]); \
    return x.v;                                                          \
  }

// Where a lane of either operand is NaN, the lane of the second operand (kernels see no NaN).
#if defined(__AVX512F__)
KERF_MAP_F32(f32x16_min, _mm512_min_ps)
KERF_MAP_F32(f32x16_max, _mm512_max_ps)
#elif defined(__AVX2__)
KERF_MAP_F32(f32x16_min, _mm256_min_ps)
KERF_MAP_F32(f32x16_max, _mm256_max_ps)
#elif defined(__x86_64__)
KERF_MAP_F32(f32x16_min, _mm_min_ps)
KERF_MAP_F32(f32x16_max, _mm_max_ps)
#elif defined(__aarch64__)
KERF_MAP_F32(f32x16_min, vminq_f32)
KERF_MAP_F32(f32x16_max, vmaxq_f32)
#endif

/// min(max(x, low), high)
KERF_INLINE f32x16 f32x16_clamped(f32x16 x, float low, float high) {
  return f32x16_min(f32x16_max(x, (f32x16)low), (f32x16)high);
}

/// Of each lane, `x` where `a` is at least `b`, `y` elsewhere.
KERF_INLINE f32x16 f32x16_where_at_least(f32x16 a, f32x16 b, f32x16 x, f32x16 y) {
  i32x16 mask = a >= b;
  return (f32x16)((mask & (i32x16)x) | (~mask & (i32x16)y));
}

/// |x|
KERF_INLINE f32x16 f32x16_abs(f32x16 x) { return (f32x16)((i32x16)x & 0x7FFFFFFF); }

/// A magnitude with the sign of each lane.
KERF_INLINE f32x16 f32x16_copysign(float magnitude, f32x16 sign) {
  return (f32x16)((i32x16)(f32x16)magnitude | ((i32x16)sign & (int32_t)0x80000000));
}

/// taint, or NaN in the lanes where x is NaN or infinite.
KERF_INLINE f32x16 f32x16_tainted(f32x16 taint, f32x16 x) {
#if defined(__AVX512F__)
  return (f32x16)_mm512_fmadd_ps((__m512)x, _mm512_setzero_ps(), (__m512)taint);
#else
  return x * 0.0f + taint;
#endif
}

/// Bit i is set where lane i, all ones or all zeros, is all ones.
KERF_INLINE uint32_t i32x16_mask_bits(i32x16 mask) {
#if defined(__AVX512DQ__)
  return _mm512_movepi32_mask((__m512i)mask);
#elif defined(__x86_64__)
  kerf_i32_parts parts = {mask};
  uint32_t bits = 0;
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX2__)
    bits |= (uint32_t)_mm256_movemask_ps((__m256)parts.r[i]) << (8 * i);
#else
    bits |= (uint32_t)_mm_movemask_ps((__m128)parts.r[i]) << (4 * i);
#endif
  return bits;
#else
  return (uint32_t)__builtin_reduce_or(mask & KERF_PLACES);
#endif
}

/// Bit i is set where lane i of a equals lane i of b.
KERF_INLINE uint32_t f32x16_equal_bits(f32x16 a, f32x16 b) { return i32x16_mask_bits(a == b); }

/// a where the lane of the mask is −1, b where it is 0.
KERF_INLINE f32x16 f32x16_select(i32x16 mask, f32x16 a, f32x16 b) {
  return (f32x16)((mask & (i32x16)a) | (~mask & (i32x16)b));
}

/// Bit i is set where lane i is less than the bound.
KERF_INLINE uint32_t f32x16_below_bits(f32x16 x, float bound) {
  return i32x16_mask_bits(x < bound);
}

/// Whether a lane is NaN.
KERF_INLINE int f32x16_has_nan(f32x16 x) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q) != 0;
#elif defined(__AVX2__)
  // Unordered is a pair of which either is NaN.
  kerf_f32_parts parts = {x};
  return _mm256_movemask_ps(_mm256_cmp_ps(parts.r[0], parts.r[1], _CMP_UNORD_Q)) != 0;
#elif defined(__x86_64__)
  kerf_f32_parts parts = {x};
  __m128 low = _mm_cmpunord_ps(parts.r[0], parts.r[1]);
  return _mm_movemask_ps(_mm_or_ps(low, _mm_cmpunord_ps(parts.r[2], parts.r[3]))) != 0;
#else
  return f32x16_equal_bits(x, x) != 0xFFFF;
#endif
}

/// Whether no lane is NaN or infinite.
KERF_INLINE int f32x16_are_finite(f32x16 x) {
  f32x16 zeros = x * 0.0f;
  return f32x16_equal_bits(zeros, zeros) == 0xFFFF;
}

/// Lane i is `value` where bit i is set, 0 elsewhere.
KERF_INLINE i32x16 u32_spread(uint32_t bits, int32_t value) {
  i32x16 clear = ((i32x16)(int32_t)bits & KERF_PLACES) == 0;
  return ~clear & value;
}

/// −1 in the lanes where a is less than b, 0 elsewhere.
KERF_INLINE i32x16 f32x16_below(f32x16 a, f32x16 b) { return a < b; }

/// 1 / x where x is above 0, 0 elsewhere.
KERF_INLINE f32x16 f32x16_inverse_of_positive(f32x16 x) {
  return f32x16_select(x > 0, 1 / x, (f32x16)0.0f);
}

/// The square root, correctly rounded.
KERF_INLINE f32x16 f32x16_sqrt(f32x16 x) { return __builtin_elementwise_sqrt(x); }
