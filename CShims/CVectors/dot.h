// Dot products of bytes, four to a lane: what integer matrix products are made of.
//
// Weights come as codes of at most five bits, or as whole bytes. Processors disagree about bytes:
// some multiply unsigned ones by signed ones, others signed ones alone. So a kernel flips the sign
// bit of whole bytes by `dot_sign_bits()` and takes `dot_zero()` for their zero. Activations are
// signed, −127…127. Every sum is exact.

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__)
#define KERF_DOT_UNSIGNED 1
#else
#define KERF_DOT_UNSIGNED 0
#endif

/// What a byte of weights is xored with before its dot product, four times over.
KERF_INLINE int32_t dot_sign_bits(void) {
  return KERF_DOT_UNSIGNED ? (int32_t)0x80808080 : 0;
}
/// What a byte of zero has become by that.
KERF_INLINE int32_t dot_zero(void) { return KERF_DOT_UNSIGNED ? 128 : 0; }

#if defined(__AVX512VNNI__)
#define KERF_DOT_CODES(s, w, x) _mm512_dpbusd_epi32(s, w, x)
#define KERF_DOT_BYTES KERF_DOT_CODES

#elif defined(__AVXVNNI__)
#define KERF_DOT_CODES(s, w, x) _mm256_dpbusd_avx_epi32(s, w, x)
#define KERF_DOT_BYTES KERF_DOT_CODES

#elif defined(__AVX2__)
// Pairs are summed in 16 bits that saturate. 2 · 31 · 127 fits; so does 2 · 128 · 127, where the
// weight is a magnitude and the activation has taken its sign.
KERF_INLINE kerf_i32 kerf_dot_codes(kerf_i32 s, kerf_i32 w, kerf_i32 x) {
  return _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
}
KERF_INLINE kerf_i32 kerf_dot_bytes(kerf_i32 s, kerf_i32 w, kerf_i32 x) {
  return kerf_dot_codes(s, _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}
#define KERF_DOT_CODES kerf_dot_codes
#define KERF_DOT_BYTES kerf_dot_bytes

#elif defined(__x86_64__)
// Even bytes and odd bytes, each widened to 16 bits.
KERF_INLINE kerf_i32 kerf_dot_bytes(kerf_i32 s, kerf_i32 w, kerf_i32 x) {
  __m128i even = _mm_madd_epi16(_mm_srai_epi16(_mm_slli_epi16(w, 8), 8),
                                _mm_srai_epi16(_mm_slli_epi16(x, 8), 8));
  __m128i odd = _mm_madd_epi16(_mm_srai_epi16(w, 8), _mm_srai_epi16(x, 8));
  return _mm_add_epi32(s, _mm_add_epi32(even, odd));
}
#define KERF_DOT_CODES kerf_dot_bytes
#define KERF_DOT_BYTES kerf_dot_bytes

#elif defined(__aarch64__)
KERF_INLINE kerf_i32 kerf_dot_bytes(kerf_i32 s, kerf_i32 w, kerf_i32 x) {
  int8x16_t a = vreinterpretq_s8_s32(w), b = vreinterpretq_s8_s32(x);
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(s, a, b);
#else
  int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
  int32x4_t high = vpaddlq_s16(vmull_high_s8(a, b));
  return vaddq_s32(s, vpaddq_s32(low, high));
#endif
}
#define KERF_DOT_CODES kerf_dot_bytes
#define KERF_DOT_BYTES kerf_dot_bytes
#endif

#define KERF_MAP_DOT(name, operation)                                      \
  KERF_INLINE i32x16 name(i32x16 sum, i32x16 weights, i32x16 activations) { \
    kerf_i32_parts s = {sum}, w = {weights}, x = {activations};            \
    for (int i = 0; i < KERF_PARTS; i++) s.r[i] = operation(s.r[i], w.r[i], x.r[i]); \
    return s.v;                                                            \
  }

/// sum + Σ weight · activation over the four bytes of each lane; weights are codes 0…31.
KERF_MAP_DOT(i32x16_adding_dot_codes, KERF_DOT_CODES)
/// The same with weights of whole bytes, their sign bits flipped by `dot_sign_bits()`.
KERF_MAP_DOT(i32x16_adding_dot_bytes, KERF_DOT_BYTES)

// A sum n of products that starts at `dot_start()` ends with the bits of the Float 1.5 · 2²³ + n,
// for |n| < 2²². So one instruction converts and scales it.

KERF_INLINE int32_t dot_start(void) { return 0x4B400000; }

/// What `i32x16_scaled` wants beside a scale; exact for a scale of at most 22 bits.
KERF_INLINE float dot_unstart(float scale) { return -0x1.8p23f * scale; }

/// n · scale, rounded once, of sums that started at `dot_start()`.
KERF_INLINE f32x16 i32x16_scaled(i32x16 sum, float scale, float unstart) {
  kerf_f32_parts x = {(f32x16)sum};
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512F__)
    x.r[i] = _mm512_fmadd_ps(x.r[i], _mm512_set1_ps(scale), _mm512_set1_ps(unstart));
#elif defined(__AVX2__)
    x.r[i] = _mm256_fmadd_ps(x.r[i], _mm256_set1_ps(scale), _mm256_set1_ps(unstart));
#elif defined(__aarch64__)
    x.r[i] = vfmaq_f32(vdupq_n_f32(unstart), x.r[i], vdupq_n_f32(scale));
#else
    x.r[i] = _mm_mul_ps(_mm_sub_ps(x.r[i], _mm_set1_ps(0x1.8p23f)), _mm_set1_ps(scale));
#endif
  return x.v;
}

#if defined(__x86_64__) && !defined(__FMA__)
// The product of two floats is exact in double precision. Their sum with the third is rounded to an
// odd last bit, so that rounding it to single precision is rounding once.
KERF_INLINE f64x8 kerf_fma_half(f64x8 a, f64x8 b, f64x8 c) {
  typedef int64_t i64x8 __attribute__((ext_vector_type(8)));
  f64x8 product = a * b, sum = product + c;
  f64x8 part = sum - product;
  f64x8 error = (product - (sum - part)) + (c - part);
  i64x8 inexact = (error < 0) | (error > 0);
  i64x8 towards_zero = (error < 0) ^ (sum < 0);
  i64x8 even = (((i64x8)sum & 1) - 1);
  // +1 away from zero, −1 towards it.
  i64x8 step = inexact & even & (towards_zero | 1);
  return (f64x8)((i64x8)sum + step);
}
#endif

/// a · b + c, rounded once on every CPU.
KERF_INLINE f32x16 f32x16_fma(f32x16 a, f32x16 b, f32x16 c) {
#if defined(__x86_64__) && !defined(__FMA__)
  typedef float f32x8 __attribute__((ext_vector_type(8)));
  f32x8 low = __builtin_convertvector(
      kerf_fma_half(f32x16_low_f64(a), f32x16_low_f64(b), f32x16_low_f64(c)), f32x8);
  f32x8 high = __builtin_convertvector(
      kerf_fma_half(f32x16_high_f64(a), f32x16_high_f64(b), f32x16_high_f64(c)), f32x8);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
  kerf_f32_parts x = {a}, y = {b}, z = {c};
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512F__)
    z.r[i] = _mm512_fmadd_ps(x.r[i], y.r[i], z.r[i]);
#elif defined(__AVX2__)
    z.r[i] = _mm256_fmadd_ps(x.r[i], y.r[i], z.r[i]);
#else
    z.r[i] = vfmaq_f32(z.r[i], x.r[i], y.r[i]);
#endif
  return z.v;
#endif
}

/// x / divisor, rounded once, where that is finite and the divisor is neither below 2⁻⁶⁰ nor above 2⁶⁰;
/// the reciprocal is 1 / divisor.
///
/// What a quotient lacks is exact in one operation; the first one may be off by more than an ulp, the
/// second is not, and the third is correctly rounded (Markstein). A division takes three times as long.
KERF_INLINE f32x16 f32x16_quotients(f32x16 x, float divisor, float reciprocal) {
#if defined(__FMA__) || defined(__aarch64__)
  f32x16 r = reciprocal, d = -divisor;
  f32x16 q = x * r;
  q = f32x16_fma(f32x16_fma(q, d, x), r, q);
  return f32x16_fma(f32x16_fma(q, d, x), r, q);
#else
  return x / divisor;
#endif
}

/// The nearest integer, ties to even.
KERF_INLINE i32x16 f32x16_to_nearest_i32(f32x16 x) {
  kerf_f32_parts from = {x};
  kerf_i32_parts to;
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512F__)
    to.r[i] = _mm512_cvtps_epi32(from.r[i]);
#elif defined(__AVX2__)
    to.r[i] = _mm256_cvtps_epi32(from.r[i]);
#elif defined(__x86_64__)
    to.r[i] = _mm_cvtps_epi32(from.r[i]);
#else
    to.r[i] = vcvtnq_s32_f32(from.r[i]);
#endif
  return to.v;
}

/// Of each eight bytes, the first, the third, and so on, then the second, the fourth, and so on.
KERF_INLINE u8x16 u8x16_evens_first(u8x16 x) {
  return __builtin_shufflevector(x, x, 0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
}

/// The largest lane.
KERF_INLINE int32_t i32x16_largest(i32x16 x) { return __builtin_reduce_max(x); }
/// The sum of all lanes, wrapping.
KERF_INLINE int32_t i32x16_total(i32x16 x) { return __builtin_reduce_add(x); }
/// The sum of all lanes: those eight apart first, then four, two, one.
KERF_INLINE float f32x16_total(f32x16 x) {
  typedef float f32x8 __attribute__((ext_vector_type(8)));
  typedef float f32x4 __attribute__((ext_vector_type(4)));
  f32x8 eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  f32x4 four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) +
               __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  return (four[0] + four[2]) + (four[1] + four[3]);
}
/// Bits of each lane, as an integer.
KERF_INLINE i32x16 f32x16_bits(f32x16 x) { return (i32x16)x; }
