// Between element types.

/// Toward zero. Of a lane that does not fit an Int32 the low bits are 0, or all equal.
KERF_INLINE i32x16 f32x16_truncated(f32x16 x) {
  kerf_f32_parts from = {x};
  kerf_i32_parts to;
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512F__)
    to.r[i] = _mm512_cvttps_epi32(from.r[i]);
#elif defined(__AVX2__)
    to.r[i] = _mm256_cvttps_epi32(from.r[i]);
#elif defined(__x86_64__)
    to.r[i] = _mm_cvttps_epi32(from.r[i]);
#else
    to.r[i] = vcvtq_s32_f32(from.r[i]);
#endif
  return to.v;
}
KERF_INLINE f32x16 i32x16_to_f32(i32x16 x) { return __builtin_convertvector(x, f32x16); }

/// The low eight bits of each lane.
KERF_INLINE u8x16 i32x16_low_bytes(i32x16 x) { return __builtin_convertvector((u32x16)x, u8x16); }
KERF_INLINE i32x16 u8x16_widened(u8x16 x) { return __builtin_convertvector(x, i32x16); }
KERF_INLINE i32x16 u16x16_widened(u16x16 x) { return __builtin_convertvector(x, i32x16); }
KERF_INLINE i32x16 i8x16_widened(i8x16 x) {
#if defined(__x86_64__) && !defined(__AVX2__)
  // Left alone, the compiler weaves the bytes into whatever a register held before, and waits for
  // that.
  __m128i bytes = (__m128i)x;
  __m128i low = _mm_unpacklo_epi8(bytes, bytes), high = _mm_unpackhi_epi8(bytes, bytes);
  kerf_i32_parts parts = {.r = {_mm_unpacklo_epi16(low, low), _mm_unpackhi_epi16(low, low),
                                _mm_unpacklo_epi16(high, high), _mm_unpackhi_epi16(high, high)}};
  for (int i = 0; i < 4; i++) {
    __asm__("" : "+x"(parts.r[i]));
    parts.r[i] = _mm_srai_epi32(parts.r[i], 24);
  }
  return parts.v;
#else
  return __builtin_convertvector(x, i32x16);
#endif
}

/// Lanes 0…7 and 8…15 in double precision.
KERF_INLINE f64x8 f32x16_low_f64(f32x16 x) {
  return __builtin_convertvector(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7), f64x8);
}
KERF_INLINE f64x8 f32x16_high_f64(f32x16 x) {
  return __builtin_convertvector(__builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15), f64x8);
}

/// sum + x², where x² is exact, as it is for x that has been a Float: fused or not, the same.
KERF_INLINE f64x8 f64x8_adding_exact_square(f64x8 sum, f64x8 x) {
#if defined(__AVX512F__)
  return (f64x8)_mm512_fmadd_pd((__m512d)x, (__m512d)x, (__m512d)sum);
#else
  return sum + x * x;
#endif
}

/// |x|
KERF_INLINE f64x8 f64x8_abs(f64x8 x) { return __builtin_elementwise_abs(x); }
/// The larger of two numbers. No lane may be NaN.
KERF_INLINE f64x8 f64x8_max(f64x8 a, f64x8 b) {
  typedef int64_t i64x8 __attribute__((ext_vector_type(8)));
  i64x8 mask = a > b;
  return (f64x8)((mask & (i64x8)a) | (~mask & (i64x8)b));
}

/// The upper sixteen bits of each lane.
KERF_INLINE u16x16 u32x16_upper_halves(u32x16 x) {
#if defined(__x86_64__) && !defined(__AVX2__)
  // The only instruction that narrows saturates a signed number, and these all fit.
  kerf_i32_parts parts = {(i32x16)x >> 16};
  union { u16x16 v; __m128i r[2]; } halves;
  for (int i = 0; i < 2; i++) halves.r[i] = _mm_packs_epi32(parts.r[2 * i], parts.r[2 * i + 1]);
  return halves.v;
#else
  return __builtin_convertvector(x >> 16, u16x16);
#endif
}

// bfloat16 is the upper half of a Float.

KERF_INLINE f32x16 bf16x16_widened(u16x16 x) {
  return (f32x16)(__builtin_convertvector(x, u32x16) << 16);
}

/// Nearest, ties to even; NaN is made quiet.
KERF_INLINE u16x16 f32x16_narrowed_bf16(f32x16 x) {
  u32x16 n = (u32x16)x;
  u32x16 rounded = n + 0x7FFF + ((n >> 16) & 1);
  // Weights have no NaN: a branch costs less than a choice in every lane.
  if (__builtin_expect(f32x16_has_nan(x), 0)) {
    u32x16 nan = (u32x16)(x != x), quiet = (n & 0xFFFF0000u) | 0x00400000;
    rounded = (nan & quiet) | (~nan & rounded);
  }
  return u32x16_upper_halves(rounded);
}

// IEEE half precision. Where the CPU does not convert, SSE2 does what F16C would, quiet NaNs
// included; a library call per element would be a thousand times slower.

#if defined(__x86_64__) && !defined(__F16C__)
/// Eight halves, four in `low` and four in `high`.
KERF_INLINE void f16x8_widened(__m128i x, __m128 *low, __m128 *high) {
  __m128i zero = _mm_setzero_si128();
  __m128i magnitude = _mm_and_si128(x, _mm_set1_epi16(0x7FFF));
  __m128i sign = _mm_xor_si128(x, magnitude);
  // Exponents 1…30 move by 127 − 15, exponent 31 by as much again. With exponent 0, a number m · 2⁻²⁴
  // becomes 2⁻¹⁴ + m · 2⁻²⁴, and 2⁻¹⁴ is excess. (Shifting alone and a product with 2¹¹² would serve
  // both, but CPUs take a hundred cycles and more to multiply a subnormal.)
  __m128i special = _mm_cmpgt_epi16(magnitude, _mm_set1_epi16(0x7BFF));
  __m128i subnormal = _mm_cmpgt_epi16(_mm_set1_epi16(0x0400), magnitude);
  __m128i lower = _mm_slli_epi16(magnitude, 13);
  __m128i upper = _mm_add_epi16(_mm_srli_epi16(magnitude, 3), _mm_set1_epi16(0x3800));
  upper = _mm_add_epi16(upper, _mm_and_si128(special, _mm_set1_epi16(0x3800)));
  upper = _mm_add_epi16(upper, _mm_and_si128(subnormal, _mm_set1_epi16(0x0080)));
  __m128i excess = _mm_and_si128(subnormal, _mm_set1_epi16(0x3880));
  // Taking away nothing makes a NaN quiet.
  __m128 first = _mm_sub_ps((__m128)_mm_unpacklo_epi16(lower, upper),
                            (__m128)_mm_unpacklo_epi16(zero, excess));
  __m128 second = _mm_sub_ps((__m128)_mm_unpackhi_epi16(lower, upper),
                             (__m128)_mm_unpackhi_epi16(zero, excess));
  *low = _mm_or_ps(first, (__m128)_mm_unpacklo_epi16(zero, sign));
  *high = _mm_or_ps(second, (__m128)_mm_unpackhi_epi16(zero, sign));
}

/// Eight numbers as halves; where `large` is set, the number is 2¹⁶ or more, infinite or NaN, and the
/// half is wrong.
///
/// To a number of exponent e, a power of two is added whose unit in the last place is the half's,
/// 2ᵉ⁻¹⁰: the sum rounds as it should, and ends in the significand. Subnormal halves are spaced like
/// those of exponent −14.
KERF_INLINE __m128i f32x8_narrowed_f16(__m128 low, __m128 high, __m128i *large) {
  __m128i zero = _mm_setzero_si128();
  __m128i upper = _mm_packs_epi32(_mm_srai_epi32((__m128i)low, 16),
                                  _mm_srai_epi32((__m128i)high, 16));
  __m128i exponent = _mm_and_si128(upper, _mm_set1_epi16(0x7F80));
  *large = _mm_cmpgt_epi16(exponent, _mm_set1_epi16(142 << 7));
  exponent = _mm_max_epi16(exponent, _mm_set1_epi16(113 << 7));
  __m128i power = _mm_add_epi16(exponent, _mm_set1_epi16(13 << 7));
  __m128i powers[2] = {_mm_unpacklo_epi16(zero, power), _mm_unpackhi_epi16(zero, power)};
  __m128 x[2] = {low, high};
  __m128i significand[2];
  for (int i = 0; i < 2; i++) {
    __m128 magnitude = _mm_and_ps(x[i], (__m128)_mm_set1_epi32(0x7FFFFFFF));
    __m128 sum = _mm_add_ps(magnitude, (__m128)powers[i]);
    significand[i] = _mm_sub_epi32((__m128i)sum, powers[i]);
  }
  // The significand still has its leading bit, which adds one to an exponent that is one too low.
  __m128i bits = _mm_sub_epi16(_mm_slli_epi16(exponent, 3), _mm_set1_epi16((int16_t)(113 << 10)));
  bits = _mm_add_epi16(bits, _mm_packs_epi32(significand[0], significand[1]));
  return _mm_or_si128(bits, _mm_and_si128(upper, _mm_set1_epi16((int16_t)0x8000)));
}
#endif

KERF_INLINE f32x16 f16x16_widened(u16x16 x) {
#if defined(__AVX512F__)
  return (f32x16)_mm512_cvtph_ps((__m256i)x);
#elif defined(__F16C__)
  kerf_f32_parts parts;
  union { u16x16 v; __m128i r[2]; } halves = {x};
  for (int i = 0; i < 2; i++) parts.r[i] = _mm256_cvtph_ps(halves.r[i]);
  return parts.v;
#elif defined(__x86_64__)
  kerf_f32_parts parts;
  union { u16x16 v; __m128i r[2]; } halves = {x};
  for (int i = 0; i < 2; i++) f16x8_widened(halves.r[i], &parts.r[2 * i], &parts.r[2 * i + 1]);
  return parts.v;
#elif defined(__aarch64__)
  kerf_f32_parts parts;
  union { u16x16 v; float16x4_t r[4]; } halves = {x};
  for (int i = 0; i < 4; i++) parts.r[i] = vcvt_f32_f16(halves.r[i]);
  return parts.v;
#endif
}

/// Nearest, ties to even; beyond 65504 + 16 infinite; NaN is made quiet.
KERF_INLINE u16x16 f32x16_narrowed_f16(f32x16 x) {
#if defined(__AVX512F__)
  return (u16x16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__F16C__)
  kerf_f32_parts parts = {x};
  union { u16x16 v; __m128i r[2]; } halves;
  for (int i = 0; i < 2; i++) halves.r[i] = _mm256_cvtps_ph(parts.r[i], _MM_FROUND_TO_NEAREST_INT);
  return halves.v;
#elif defined(__x86_64__)
  kerf_f32_parts parts = {x};
  union { u16x16 v; __m128i r[2]; } halves;
  __m128i large[2];
  for (int i = 0; i < 2; i++)
    halves.r[i] = f32x8_narrowed_f16(parts.r[2 * i], parts.r[2 * i + 1], &large[i]);
  if (__builtin_expect(_mm_movemask_epi8(_mm_or_si128(large[0], large[1])), 0)) {
    u32x16 bits = (u32x16)x, sign = (bits >> 16) & 0x8000;
    u32x16 is_large = (u32x16)((i32x16)(bits & 0x7FFFFFFF) >= 0x47800000);
    u32x16 payload = 0x0200 | ((bits >> 13) & 0x3FF);
    u32x16 other = 0x7C00 | sign | ((u32x16)(x != x) & payload);
    halves.v = (halves.v & ~__builtin_convertvector(is_large, u16x16))
        | __builtin_convertvector(is_large & other, u16x16);
  }
  return halves.v;
#elif defined(__aarch64__)
  kerf_f32_parts parts = {x};
  union { u16x16 v; float16x4_t r[4]; } halves;
  for (int i = 0; i < 4; i++) halves.r[i] = vcvt_f16_f32(parts.r[i]);
  return halves.v;
#endif
}

// One element, by the same arithmetic as sixteen.

KERF_INLINE float f16_widened(uint16_t x) {
#if defined(__F16C__)
  // Left alone, the compiler inserts the half into whatever the register held before, and waits
  // for that. Here it has to come from an integer register, as a vector of its own.
  __m128i lanes = _mm_cvtsi32_si128(x);
  __asm__("" : "+x"(lanes));
  return _mm_cvtss_f32(_mm_cvtph_ps(lanes));
#else
#if defined(__x86_64__)
  // Of a normal number the exponent moves; the others take the long way.
  uint32_t magnitude = x & 0x7FFF;
  if (__builtin_expect(magnitude - 0x0400 < 0x7800, 1)) {
    union { uint32_t bits; float value; } normal = {
        ((magnitude << 13) + (112u << 23)) | (uint32_t)(x & 0x8000) << 16};
    return normal.value;
  }
#endif
  return f16x16_widened((u16x16)x)[0];
#endif
}
KERF_INLINE uint16_t f16_narrowed(float x) { return f32x16_narrowed_f16((f32x16)x)[0]; }
KERF_INLINE float bf16_widened(uint16_t x) { return bf16x16_widened((u16x16)x)[0]; }
KERF_INLINE uint16_t bf16_narrowed(float x) { return f32x16_narrowed_bf16((f32x16)x)[0]; }
