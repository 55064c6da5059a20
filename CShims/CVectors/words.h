// Signed words of sixteen bits, thirty-two to a vector: integers of that size are as exact as the
// searches need, twice as many as floats, and their sums are the same in any order.

#if defined(__aarch64__)
#define KERF_WORD_PARTS 4
typedef int16x8_t kerf_i16;
#else
#define KERF_WORD_PARTS KERF_PARTS
typedef kerf_i32 kerf_i16;
#endif
typedef union { i16x32 v; kerf_i16 r[KERF_WORD_PARTS]; } kerf_i16_parts;

KERF_INLINE void i16x32_store(void *target, i16x32 value) {
  __builtin_memcpy(target, &value, sizeof value);
}

KERF_INLINE i16x32 i16x32_filled(int16_t x) { return (i16x32)x; }
KERF_INLINE i16x32 i16x32_sum(i16x32 a, i16x32 b) { return a + b; }
KERF_INLINE i16x32 i16x32_max(i16x32 a, i16x32 b) { return __builtin_elementwise_max(a, b); }
KERF_INLINE i16x32 i16x32_min(i16x32 a, i16x32 b) { return __builtin_elementwise_min(a, b); }

/// The nearest words of thirty-two floats, ties to even, those out of range the ends of it. Words
/// alternate by fours: 0…3 of low, 0…3 of high, 4…7 of low, and so on.
KERF_INLINE i16x32 f32x16_rounded_words(f32x16 low, f32x16 high) {
  kerf_f32_parts a = {low}, b = {high};
  kerf_i16_parts to;
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512F__)
    to.r[i] = _mm512_packs_epi32(_mm512_cvtps_epi32(a.r[i]), _mm512_cvtps_epi32(b.r[i]));
#elif defined(__AVX2__)
    to.r[i] = _mm256_packs_epi32(_mm256_cvtps_epi32(a.r[i]), _mm256_cvtps_epi32(b.r[i]));
#elif defined(__x86_64__)
    to.r[i] = _mm_packs_epi32(_mm_cvtps_epi32(a.r[i]), _mm_cvtps_epi32(b.r[i]));
#elif defined(__aarch64__)
    to.r[i] = vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(a.r[i])), vqmovn_s32(vcvtnq_s32_f32(b.r[i])));
#endif
  return to.v;
}

/// ⌊x · factor / 2¹⁵ + ½⌋; not for −2¹⁵ · −2¹⁵.
KERF_INLINE i16x32 i16x32_scaled(i16x32 x, i16x32 factor) {
  kerf_i16_parts parts = {x}, by = {factor};
  for (int i = 0; i < KERF_WORD_PARTS; i++) {
#if defined(__AVX512F__)
    parts.r[i] = _mm512_mulhrs_epi16(parts.r[i], by.r[i]);
#elif defined(__AVX2__)
    parts.r[i] = _mm256_mulhrs_epi16(parts.r[i], by.r[i]);
#elif defined(__x86_64__)
    // The product is high · 2¹⁶ + low: twice high, and the top two bits of low rounded to one.
    __m128i high = _mm_mulhi_epi16(parts.r[i], by.r[i]);
    __m128i low = _mm_mullo_epi16(parts.r[i], by.r[i]);
    __m128i carry = _mm_avg_epu16(_mm_srli_epi16(low, 14), _mm_setzero_si128());
    parts.r[i] = _mm_add_epi16(_mm_add_epi16(high, high), carry);
#elif defined(__aarch64__)
    parts.r[i] = vqrdmulhq_s16(parts.r[i], by.r[i]);
#endif
  }
  return parts.v;
}

/// ±x: the words of a lane are negated where the lane is −1; elsewhere it is 0.
KERF_INLINE i16x32 i16x32_negated_where(i16x32 x, i32x16 lanes) {
  return (x ^ (i16x32)lanes) - (i16x32)lanes;
}

/// −1 in the lanes of which a word is x, 0 elsewhere.
KERF_INLINE i32x16 i16x32_any_equal(i16x32 words, int16_t x) {
  return (i32x16)(words == (i16x32)x) != 0;
}

/// sum + a · b: lane i of the sum gets the products of words 2i and 2i + 1.
KERF_INLINE i32x16 i32x16_adding_dots(i32x16 sum, i16x32 a, i16x32 b) {
  kerf_i32_parts to = {sum};
  kerf_i16_parts x = {a}, y = {b};
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX512VNNI__)
    // As assembly, or the compiler takes the sum apart again, into twice as many instructions, for
    // the sake of a latency that other sums hide.
    __asm__("vpdpwssd %2, %1, %0" : "+v"(to.r[i]) : "v"(x.r[i]), "v"(y.r[i]));
#elif defined(__AVX2__)
    to.r[i] = _mm256_add_epi32(to.r[i], _mm256_madd_epi16(x.r[i], y.r[i]));
#elif defined(__x86_64__)
    to.r[i] = _mm_add_epi32(to.r[i], _mm_madd_epi16(x.r[i], y.r[i]));
#elif defined(__aarch64__)
    to.r[i] = vaddq_s32(to.r[i], vpaddq_s32(
        vmull_s16(vget_low_s16(x.r[i]), vget_low_s16(y.r[i])),
        vmull_high_s16(x.r[i], y.r[i])));
#endif
  return to.v;
}

/// target[32·j + 2·i + k] = source[32·i + 2·j + k] for i, j in 0..<16: pair j of each of sixteen rows.
KERF_INLINE void i16_transpose_pairs(const void *source, void *target) {
  // Only moved, never computed with: pairs of words may be any bits of a float.
  f32_transpose_16x16((const float *)source, 16, (float *)target);
}

#define KERF_BITS(x) ((f32x16)((i32x16)(x) & 0x7FFFFFFF))
#define KERF_MAX_BITS(a, b) ((f32x16)__builtin_elementwise_max((i32x16)(a), (i32x16)(b)))
/// max |x| of sixteen blocks of floats; of a block with NaN or infinities, one of these.
KERF_FOLD_F32(f32_block_largest, KERF_BITS, KERF_MAX_BITS)

#define KERF_ADDED(a, b) ((a) + (b))

/// Sixteen rows of sixteen floats, each combined to one number, a lane each. Of a row: quarters 0 + 2
/// and 1 + 3, in each quarter elements 0 + 2 and 1 + 3, and both of two combined.
#define KERF_FOLD_ROWS(name, combine)                                                           \
  KERF_INLINE f32x16 name(const float *source) {                                                \
    f32x16 quad[4];                                                                             \
    for (int q = 0; q < 4; q++) {                                                               \
      f32x16 r[4];                                                                              \
      for (int i = 0; i < 4; i++) r[i] = f32x16_load(source + 16 * (4 * q + i));                \
      f32x16 a = combine(                                                                       \
          KERF_WEAVE(r[0], r[1], 0, 16, 1, 17), KERF_WEAVE(r[0], r[1], 2, 18, 3, 19));          \
      f32x16 b = combine(                                                                       \
          KERF_WEAVE(r[2], r[3], 0, 16, 1, 17), KERF_WEAVE(r[2], r[3], 2, 18, 3, 19));          \
      quad[q] = combine(KERF_WEAVE(a, b, 0, 1, 16, 17), KERF_WEAVE(a, b, 2, 3, 18, 19));        \
    }                                                                                           \
    f32x16 low = combine(                                                                       \
        KERF_QUARTERS(quad[0], quad[1], 0, 1, 4, 5), KERF_QUARTERS(quad[0], quad[1], 2, 3, 6, 7)); \
    f32x16 high = combine(                                                                      \
        KERF_QUARTERS(quad[2], quad[3], 0, 1, 4, 5), KERF_QUARTERS(quad[2], quad[3], 2, 3, 6, 7)); \
    return combine(                                                                             \
        KERF_QUARTERS(low, high, 0, 2, 4, 6), KERF_QUARTERS(low, high, 1, 3, 5, 7));            \
  }

KERF_FOLD_ROWS(f32_row_sums, KERF_ADDED)
KERF_FOLD_ROWS(f32_row_maxima, f32x16_max)
KERF_FOLD_ROWS(f32_row_minima, f32x16_min)
