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

KERF_INLINE i32x16 u8x16_widened(u8x16 x) { return __builtin_convertvector(x, i32x16); }
KERF_INLINE i32x16 i8x16_widened(i8x16 x) { return __builtin_convertvector(x, i32x16); }

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

// bfloat16 is the upper half of a Float.

KERF_INLINE f32x16 bf16x16_widened(u16x16 x) {
  return (f32x16)(__builtin_convertvector(x, u32x16) << 16);
}

/// Nearest, ties to even; NaN is made quiet.
KERF_INLINE u16x16 f32x16_narrowed_bf16(f32x16 x) {
  u32x16 n = (u32x16)x;
  i32x16 nan = (i32x16)(n & 0x7FFFFFFF) > 0x7F800000;
  u32x16 rounded = n + 0x7FFF + ((n >> 16) & 1);
  u32x16 quiet = (n & 0xFFFF0000u) | 0x00400000;
  u32x16 bits = ((u32x16)nan & quiet) | (~(u32x16)nan & rounded);
  return __builtin_convertvector(bits >> 16, u16x16);
}

// IEEE half precision. Where the CPU does not convert, integer arithmetic does what F16C would,
// quiet NaNs included; a library call per element would be a thousand times slower.

KERF_INLINE f32x16 f16x16_widened(u16x16 x) {
#if defined(__AVX512F__)
  return (f32x16)_mm512_cvtph_ps((__m256i)x);
#elif defined(__F16C__)
  kerf_f32_parts parts;
  union { u16x16 v; __m128i r[2]; } halves = {x};
  for (int i = 0; i < 2; i++) parts.r[i] = _mm256_cvtph_ps(halves.r[i]);
  return parts.v;
#elif defined(__aarch64__)
  kerf_f32_parts parts;
  union { u16x16 v; float16x4_t r[4]; } halves = {x};
  for (int i = 0; i < 4; i++) parts.r[i] = vcvt_f32_f16(halves.r[i]);
  return parts.v;
#else
  u32x16 bits = __builtin_convertvector(x, u32x16);
  u32x16 magnitude = bits & 0x7FFF, sign = (bits & 0x8000) << 16;
  // Exponents 1…30 move by 127 − 15; exponent 0 counts units of 2⁻²⁴; exponent 31 becomes 255.
  u32x16 normal = (magnitude << 13) + (112u << 23);
  u32x16 subnormal = (u32x16)(__builtin_convertvector((i32x16)magnitude, f32x16) * 0x1p-24f);
  u32x16 special = (magnitude << 13) | 0x7F800000;
  u32x16 is_subnormal = (u32x16)((i32x16)magnitude < 0x400);
  u32x16 is_special = (u32x16)((i32x16)magnitude >= 0x7C00);
  u32x16 is_nan = (u32x16)((i32x16)magnitude > 0x7C00);
  u32x16 result = (is_subnormal & subnormal) | (~is_subnormal & normal);
  result = (is_special & special) | (~is_special & result);
  return (f32x16)(result | (is_nan & 0x00400000) | sign);
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
#elif defined(__aarch64__)
  kerf_f32_parts parts = {x};
  union { u16x16 v; float16x4_t r[4]; } halves;
  for (int i = 0; i < 4; i++) halves.r[i] = vcvt_f16_f32(parts.r[i]);
  return halves.v;
#else
  u32x16 bits = (u32x16)x, magnitude = bits & 0x7FFFFFFF, sign = (bits & 0x80000000u) >> 16;
  // Carries out of the mantissa run into the exponent, and past 65519 into infinity.
  u32x16 normal = (magnitude - (112u << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
  // In [½, 1) a Float's unit in the last place is 2⁻²⁴, the half's subnormal step.
  u32x16 subnormal = (u32x16)((f32x16)magnitude + 0.5f) - 0x3F000000;
  u32x16 nan = 0x7E00 | ((magnitude >> 13) & 0x3FF);
  u32x16 is_subnormal = (u32x16)((i32x16)magnitude < 0x38800000);
  u32x16 is_large = (u32x16)((i32x16)magnitude >= 0x47800000);
  u32x16 is_nan = (u32x16)((i32x16)magnitude > 0x7F800000);
  u32x16 result = (is_subnormal & subnormal) | (~is_subnormal & normal);
  result = (is_large & 0x7C00) | (~is_large & result);
  result = (is_nan & nan) | (~is_nan & result);
  return __builtin_convertvector(result | sign, u16x16);
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
  return f16x16_widened((u16x16)x)[0];
#endif
}
KERF_INLINE uint16_t f16_narrowed(float x) { return f32x16_narrowed_f16((f32x16)x)[0]; }
KERF_INLINE float bf16_widened(uint16_t x) { return bf16x16_widened((u16x16)x)[0]; }
KERF_INLINE uint16_t bf16_narrowed(float x) { return f32x16_narrowed_bf16((f32x16)x)[0]; }
