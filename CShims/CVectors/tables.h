// Sixteen numbers that codes of four bits stand for, and the nearest of them.

/// Lane i is table[places[i]]; places are 0…15.
KERF_INLINE i8x16 i8x16_picked(i8x16 table, u8x16 places) {
#if defined(__SSSE3__)
  return (i8x16)_mm_shuffle_epi8((__m128i)table, (__m128i)places);
#elif defined(__aarch64__)
  return (i8x16)vqtbl1q_s8((int8x16_t)table, (uint8x16_t)places);
#else
  // A load for each: the only instructions that move bytes by a vector came later.
  union { i8x16 v; int8_t lane[16]; } from = {table}, to;
  union { u8x16 v; uint8_t lane[16]; } at = {places};
  for (int i = 0; i < 16; i++) to.lane[i] = from.lane[at.lane[i] & 15];
  return to.v;
#endif
}

// The numbers of iq4_nl and iq4_xs: denser around zero, like weights are.
#define KERF_IQ4(entry)                                                                    \
  entry(-127, -104) entry(-104, -83) entry(-83, -65) entry(-65, -49) entry(-49, -35)       \
  entry(-35, -22) entry(-22, -10) entry(-10, 1) entry(1, 13) entry(13, 25) entry(25, 38)   \
  entry(38, 53) entry(53, 69) entry(69, 89) entry(89, 113)

/// The table of iq4_nl and iq4_xs.
KERF_INLINE i8x16 i8x16_iq4_table(void) {
  return (i8x16){-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
}

// A number lies in one of 32 cells, eight wide, the outermost without end: cell i is around 8 · i for
// i < 16, around 8 · (i − 32) for the others. No cell has more than one border between nearest
// numbers, so a cell knows a code, and the border beyond which it is the next one.
#if defined(__AVX512F__)
#define KERF_NONE __builtin_inff()
KERF_INLINE i32x16 f32x16_iq4_codes_of_cells(f32x16 x, f32x16 cells) {
  __m512 low = _mm512_setr_ps(KERF_NONE, 7, 19, KERF_NONE, 31.5f, KERF_NONE, 45.5f, KERF_NONE, 61,
                              KERF_NONE, 79, KERF_NONE, KERF_NONE, 101, KERF_NONE, KERF_NONE);
  __m512 high = _mm512_setr_ps(KERF_NONE, KERF_NONE, -115.5f, KERF_NONE, -93.5f, KERF_NONE,
                               KERF_NONE, -74, KERF_NONE, -57, KERF_NONE, -42, -28.5f, KERF_NONE,
                               -16, -4.5f);
  __m512i first = _mm512_setr_epi32(8, 8, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 14, 15, 15);
  __m512i second = _mm512_setr_epi32(0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 6, 7);
  // A float of this size has no fraction, and its lowest bits are the cell.
  __m512i cell = (__m512i)(cells + 0x1.8p23f);
  __m512 border = _mm512_permutex2var_ps(low, cell, high);
  __m512i code = _mm512_permutex2var_epi32(first, cell, second);
  __mmask16 beyond = _mm512_cmp_ps_mask((__m512)x, border, _CMP_GT_OQ);
  return (i32x16)_mm512_mask_add_epi32(code, beyond, code, _mm512_set1_epi32(1));
}
KERF_INLINE i32x16 f32x16_iq4_codes(f32x16 x) {
  return f32x16_iq4_codes_of_cells(x, f32x16_clamped(x * 0.125f, -16, 15));
}
KERF_INLINE f32x16 f32x16_iq4_numbers(i32x16 codes) {
#define KERF_NUMBER(this, next) this,
  __m512 numbers = (__m512){KERF_IQ4(KERF_NUMBER) 113};
#undef KERF_NUMBER
  return (f32x16)_mm512_permutexvar_ps((__m512i)codes, numbers);
}
KERF_INLINE f32x16 f32x16_iq4_nearest(f32x16 x) {
  return f32x16_iq4_numbers(f32x16_iq4_codes(x));
}
KERF_INLINE f32x16 f32x16_iq4_nearest_within(f32x16 x) {
  return f32x16_iq4_numbers(f32x16_iq4_codes_of_cells(x, x * 0.125f));
}
#else
// Elsewhere each border that lies below adds one.
/// The code of the nearest number of the table; of two as near the lower one.
KERF_INLINE i32x16 f32x16_iq4_codes(f32x16 x) {
  i32x16 code = 0;
#define KERF_STEP(this, next) code -= (i32x16)(x > 0.5f * (this + next));
  KERF_IQ4(KERF_STEP)
#undef KERF_STEP
  return code;
}
/// The nearest number of the table; of two as near the lower one.
KERF_INLINE f32x16 f32x16_iq4_nearest(f32x16 x) {
  f32x16 number = -127;
#define KERF_STEP(this, next)                                                              \
  number += (f32x16)((i32x16)(x > 0.5f * (this + next)) & (i32x16)(f32x16)(next - this));
  KERF_IQ4(KERF_STEP)
#undef KERF_STEP
  return number;
}
/// The same, for lanes between −124 and 124.
KERF_INLINE f32x16 f32x16_iq4_nearest_within(f32x16 x) { return f32x16_iq4_nearest(x); }
#endif
