// Numbers that codes of groups stand for: NF4 and FP4 of bitsandbytes, E2M1, E4M3; E5M2.

// NF4, code by code: entry(number, the bound above which the next one is nearer). Bounds are as
// PyTorch computes them, halves of sums in single precision.
#define KERF_NF4(entry)                                                                    \
  entry(-1.0f, -0x1.b239b0p-1f) entry(-0x1.647362p-1f, -0x1.38a4e0p-1f)                    \
  entry(-0x1.0cd660p-1f, -0x1.d70900p-2f) entry(-0x1.946540p-2f, -0x1.5bd4ecp-2f)          \
  entry(-0x1.23449ap-2f, -0x1.e079d8p-3f) entry(-0x1.7a6a7ep-3f, -0x1.1a7178p-3f)          \
  entry(-0x1.74f0e2p-4f, -0x1.74f0e2p-5f) entry(0.0f, 0x1.45f5fep-5f)                      \
  entry(0x1.45f5fep-4f, 0x1.ec90c4p-4f) entry(0x1.4995c6p-3f, 0x1.a0cfc0p-3f)              \
  entry(0x1.f809bap-3f, 0x1.2b05a8p-2f) entry(0x1.5a0674p-2f, 0x1.8ea7f2p-2f)              \
  entry(0x1.c34970p-2f, 0x1.00da08p-1f) entry(0x1.200f56p-1f, 0x1.491b5ep-1f)              \
  entry(0x1.722766p-1f, 0x1.b913b4p-1f) entry(1.0f, __builtin_inff())

// FP4 by magnitude, k/192 for k = 0, 1, 32, 48, 64, 96, 128, 192: the same.
#define KERF_FP4(entry)                                                                    \
  entry(0.0f, 0x1.555556p-9f) entry(0x1.555556p-8f, 0x1.6p-4f)                             \
  entry(0x1.555556p-3f, 0x1.aaaaacp-3f) entry(0x1p-2f, 0x1.2aaaacp-2f)                     \
  entry(0x1.555556p-2f, 0x1.aaaaacp-2f) entry(0x1p-1f, 0x1.2aaaacp-1f)                     \
  entry(0x1.555556p-1f, 0x1.aaaaacp-1f) entry(1.0f, __builtin_inff())

#define KERF_NUMBER(number, bound) number,
#define KERF_STEP_UP(number, bound) code -= (i32x16)(x > bound);
#define KERF_STEP_BELOW(number, bound) code -= (i32x16)(x > -bound);

#if defined(__AVX2__) && !defined(__AVX512F__)
/// Lane i is table[codes[i]]; codes are 0…15.
KERF_INLINE f32x16 kerf_permuted(const float *table, i32x16 codes) {
  __m256 low = _mm256_loadu_ps(table), high = _mm256_loadu_ps(table + 8);
  kerf_i32_parts at = {codes};
  kerf_f32_parts to;
  for (int i = 0; i < KERF_PARTS; i++) {
    __m256 upper = (__m256)_mm256_slli_epi32(at.r[i], 28);
    to.r[i] = _mm256_blendv_ps(_mm256_permutevar8x32_ps(low, at.r[i]),
                               _mm256_permutevar8x32_ps(high, at.r[i]), upper);
  }
  return to.v;
}
#endif

/// Lane i is table[codes[i]]; codes are 0…15.
KERF_INLINE f32x16 kerf_looked_up(const float *table, u8x16 codes) {
#if defined(__AVX512F__)
  return (f32x16)_mm512_permutexvar_ps((__m512i)u8x16_widened(codes), (__m512)f32x16_load(table));
#elif defined(__AVX2__)
  return kerf_permuted(table, u8x16_widened(codes));
#else
  union { u8x16 v; uint8_t lane[16]; } at = {codes};
  union { f32x16 v; float lane[16]; } to;
  for (int i = 0; i < 16; i++) to.lane[i] = table[at.lane[i] & 15];
  return to.v;
#endif
}

KERF_INLINE f32x16 nf4_numbers(u8x16 codes) {
  static const float table[16] = {KERF_NF4(KERF_NUMBER)};
  return kerf_looked_up(table, codes);
}
KERF_INLINE f32x16 fp4_numbers(u8x16 codes) {
  static const float table[16] = {
      0, 0x1.555556p-8f, 0x1.555556p-1f, 1, 0x1.555556p-2f, 0.5f, 0x1.555556p-3f, 0.25f,
      0, -0x1.555556p-8f, -0x1.555556p-1f, -1, -0x1.555556p-2f, -0.5f, -0x1.555556p-3f, -0.25f};
  return kerf_looked_up(table, codes);
}

/// The code of the nearest number; of two as near the lower one. Two codes stand for zero: one for
/// what is above it, the other for the rest.
KERF_INLINE u8x16 f32x16_fp4_codes(f32x16 x) {
  // The list ends with a bound that is none, and is gone through twice.
  i32x16 code = x > -__builtin_inff();
  KERF_FP4(KERF_STEP_BELOW)
  code -= (i32x16)(x > 0);
  KERF_FP4(KERF_STEP_UP)
  const i8x16 codes = {11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3};
  return (u8x16)i8x16_picked(codes, i32x16_low_bytes(code));
}

// Where registers hold tables, a number lies in a cell, a twelfth wide: cell i is around i/12, or
// around (i − 32)/12 from 16 on. No cell has more than one bound between nearest numbers, so it knows
// the bound, and the numbers below and above it. What lies outside all cells wraps around.
#if defined(__AVX512F__)
#define KERF_NONE __builtin_inff()
static const float kerf_nf4_bounds[32] = {
    0x1.45f5fep-5f, 0x1.ec90c4p-4f, 0x1.a0cfcp-3f, KERF_NONE, 0x1.2b05a8p-2f, 0x1.8ea7f2p-2f,
    0x1.00da08p-1f, KERF_NONE, 0x1.491b5ep-1f, KERF_NONE, 0x1.b913b4p-1f, KERF_NONE, KERF_NONE,
    KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE, KERF_NONE,
    KERF_NONE, -0x1.b239bp-1f, KERF_NONE, KERF_NONE, -0x1.38a4ep-1f, -0x1.d709p-2f, KERF_NONE,
    -0x1.5bd4ecp-2f, -0x1.e079d8p-3f, -0x1.1a7178p-3f, -0x1.74f0e2p-5f};
/// The code of the nearest number; of two as near the lower one.
KERF_INLINE i32x16 f32x16_nf4_codes(f32x16 x) {
  static const int32_t below[32] = {7, 8, 9, 10, 10, 11, 12, 13, 13, 14, 14, 15, 15, 15, 15, 15,
                                    0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 3, 4, 5, 6};
  x = f32x16_clamped(x, -1, 1);
  // A float of this size has no fraction, and its lowest bits are the cell.
  __m512i cell = (__m512i)(x * 12 + 0x1.8p23f);
  __m512 bound = _mm512_permutex2var_ps(
      _mm512_loadu_ps(kerf_nf4_bounds), cell, _mm512_loadu_ps(kerf_nf4_bounds + 16));
  __m512i code = _mm512_permutex2var_epi32(
      _mm512_loadu_si512(below), cell, _mm512_loadu_si512(below + 16));
  __mmask16 beyond = _mm512_cmp_ps_mask((__m512)x, bound, _CMP_GT_OQ);
  return (i32x16)_mm512_mask_add_epi32(code, beyond, code, _mm512_set1_epi32(1));
}
/// The nearest number, for lanes between −5/4 and 5/4; of two as near the lower one.
KERF_INLINE f32x16 f32x16_nf4_nearest_within(f32x16 x) {
  static const float below[32] = {
      0, 0x1.45f5fep-4f, 0x1.4995c6p-3f, 0x1.f809bap-3f, 0x1.f809bap-3f, 0x1.5a0674p-2f,
      0x1.c3497p-2f, 0x1.200f56p-1f, 0x1.200f56p-1f, 0x1.722766p-1f, 0x1.722766p-1f, 1, 1, 1, 1,
      1, -1, -1, -1, -1, -1, -1, -1, -0x1.647362p-1f, -0x1.647362p-1f, -0x1.647362p-1f,
      -0x1.0cd66p-1f, -0x1.94654p-2f, -0x1.94654p-2f, -0x1.23449ap-2f, -0x1.7a6a7ep-3f,
      -0x1.74f0e2p-4f};
  static const float above[32] = {
      0x1.45f5fep-4f, 0x1.4995c6p-3f, 0x1.f809bap-3f, 0x1.5a0674p-2f, 0x1.5a0674p-2f,
      0x1.c3497p-2f, 0x1.200f56p-1f, 0x1.722766p-1f, 0x1.722766p-1f, 1, 1, 1, 1, 1, 1, 1,
      -0x1.647362p-1f, -0x1.647362p-1f, -0x1.647362p-1f, -0x1.647362p-1f, -0x1.647362p-1f,
      -0x1.647362p-1f, -0x1.647362p-1f, -0x1.0cd66p-1f, -0x1.0cd66p-1f, -0x1.0cd66p-1f,
      -0x1.94654p-2f, -0x1.23449ap-2f, -0x1.23449ap-2f, -0x1.7a6a7ep-3f, -0x1.74f0e2p-4f, 0};
  __m512i cell = (__m512i)(x * 12 + 0x1.8p23f);
  __m512 bound = _mm512_permutex2var_ps(
      _mm512_loadu_ps(kerf_nf4_bounds), cell, _mm512_loadu_ps(kerf_nf4_bounds + 16));
  __m512 nearest = _mm512_permutex2var_ps(
      _mm512_loadu_ps(below), cell, _mm512_loadu_ps(below + 16));
  __m512 next = _mm512_permutex2var_ps(
      _mm512_loadu_ps(above), cell, _mm512_loadu_ps(above + 16));
  __mmask16 beyond = _mm512_cmp_ps_mask((__m512)x, bound, _CMP_GT_OQ);
  return (f32x16)_mm512_mask_mov_ps(nearest, beyond, next);
}
KERF_INLINE f32x16 f32x16_nf4_nearest(f32x16 x) {
  return f32x16_nf4_nearest_within(f32x16_clamped(x, -1, 1));
}
/// The magnitude that is nearest, for lanes from 0 on; of two as near the lower one.
KERF_INLINE f32x16 f32x16_fp4_nearest(f32x16 x) {
  static const float bounds[16] = {
      0x1.555556p-9f, 0x1.6p-4f, KERF_NONE, 0x1.aaaaacp-3f, 0x1.2aaaacp-2f, 0x1.aaaaacp-2f,
      KERF_NONE, 0x1.2aaaacp-1f, KERF_NONE, KERF_NONE, 0x1.aaaaacp-1f, KERF_NONE, KERF_NONE,
      KERF_NONE, KERF_NONE, KERF_NONE};
  static const float below[16] = {
      0, 0x1.555556p-8f, 0x1.555556p-3f, 0x1.555556p-3f, 0x1p-2f, 0x1.555556p-2f, 0x1p-1f,
      0x1p-1f, 0x1.555556p-1f, 0x1.555556p-1f, 0x1.555556p-1f, 1, 1, 1, 1, 1};
  static const float above[16] = {
      0x1.555556p-8f, 0x1.555556p-3f, 0x1p-2f, 0x1p-2f, 0x1.555556p-2f, 0x1p-1f, 0x1.555556p-1f,
      0x1.555556p-1f, 1, 1, 1, 1, 1, 1, 1, 1};
  __m512i cell = (__m512i)(f32x16_min(x * 12, (f32x16)15.0f) + 0x1.8p23f);
  __m512 bound = _mm512_permutexvar_ps(cell, _mm512_loadu_ps(bounds));
  __m512 nearest = _mm512_permutexvar_ps(cell, _mm512_loadu_ps(below));
  __mmask16 beyond = _mm512_cmp_ps_mask((__m512)x, bound, _CMP_GT_OQ);
  return (f32x16)_mm512_mask_permutexvar_ps(nearest, beyond, cell, _mm512_loadu_ps(above));
}
#else
#if defined(__AVX2__)
// Here registers hold eight bounds: a code is found bit by bit.
/// The code of the nearest number; of two as near the lower one.
KERF_INLINE i32x16 f32x16_nf4_codes(f32x16 x) {
#define KERF_BOUND(number, bound) bound,
  static const float bounds[16] = {KERF_NF4(KERF_BOUND)};
#undef KERF_BOUND
  __m256 second = _mm256_setr_ps(bounds[3], bounds[11], 0, 0, 0, 0, 0, 0);
  __m256 third = _mm256_setr_ps(bounds[1], bounds[5], bounds[9], bounds[13], 0, 0, 0, 0);
  __m256 fourth = _mm256_setr_ps(bounds[0], bounds[2], bounds[4], bounds[6], bounds[8], bounds[10],
                                 bounds[12], bounds[14]);
  kerf_f32_parts from = {x};
  kerf_i32_parts to;
  for (int i = 0; i < KERF_PARTS; i++) {
    __m256 v = from.r[i];
    __m256i code = _mm256_srli_epi32(
        (__m256i)_mm256_cmp_ps(v, _mm256_set1_ps(bounds[7]), _CMP_GT_OQ), 31);
#define KERF_BIT(table)                                                                    \
  code = _mm256_sub_epi32(                                                                 \
      _mm256_add_epi32(code, code),                                                        \
      (__m256i)_mm256_cmp_ps(v, _mm256_permutevar8x32_ps(table, code), _CMP_GT_OQ));
    KERF_BIT(second)
    KERF_BIT(third)
    KERF_BIT(fourth)
#undef KERF_BIT
    to.r[i] = code;
  }
  return to.v;
}
/// The nearest number; of two as near the lower one.
KERF_INLINE f32x16 f32x16_nf4_nearest(f32x16 x) {
  static const float table[16] = {KERF_NF4(KERF_NUMBER)};
  return kerf_permuted(table, f32x16_nf4_codes(x));
}
#else
// Elsewhere each bound that lies below adds one.
/// The code of the nearest number; of two as near the lower one.
KERF_INLINE i32x16 f32x16_nf4_codes(f32x16 x) {
  i32x16 code = 0;
  KERF_NF4(KERF_STEP_UP)
  return code;
}
/// The nearest number; of two as near the lower one.
KERF_INLINE f32x16 f32x16_nf4_nearest(f32x16 x) {
  return nf4_numbers(i32x16_low_bytes(f32x16_nf4_codes(x)));
}
#endif
KERF_INLINE f32x16 f32x16_nf4_nearest_within(f32x16 x) { return f32x16_nf4_nearest(x); }
KERF_INLINE f32x16 f32x16_fp4_nearest(f32x16 x) {
  f32x16 number = 0;
#define KERF_RISE(next, bound) number = f32x16_select(x > bound, (f32x16)next, number);
  KERF_RISE(0x1.555556p-8f, 0x1.555556p-9f)
  KERF_RISE(0x1.555556p-3f, 0x1.6p-4f)
  KERF_RISE(0x1p-2f, 0x1.aaaaacp-3f)
  KERF_RISE(0x1.555556p-2f, 0x1.2aaaacp-2f)
  KERF_RISE(0x1p-1f, 0x1.aaaaacp-2f)
  KERF_RISE(0x1.555556p-1f, 0x1.2aaaacp-1f)
  KERF_RISE(1.0f, 0x1.aaaaacp-1f)
#undef KERF_RISE
  return number;
}
#endif

/// The code of the nearest number of E2M1; of two as near the smaller one. What becomes zero has no
/// sign.
KERF_INLINE i32x16 f32x16_e2m1_codes(f32x16 x) {
  f32x16 magnitude = f32x16_abs(x);
  i32x16 isNonzero = magnitude > 0.25f;
  i32x16 code = (((i32x16)x >> 28) & 8 & isNonzero) - isNonzero;
  code -= (i32x16)(magnitude > 0.75f);
  code -= (i32x16)(magnitude > 1.25f);
  code -= (i32x16)(magnitude > 1.75f);
  code -= (i32x16)(magnitude > 2.5f);
  code -= (i32x16)(magnitude > 3.5f);
  return code - (i32x16)(magnitude > 5.0f);
}

// E4M3 has exponents −6…8 and three bits of significand, no infinities, and NaN where all bits are
// set: half precision moved by 2⁸, and without its lowest seven bits. E5M2 is the upper byte of a
// half.
//
// Adding a power of two whose unit in the last place is the number's rounds it, ties to even, and
// leaves the significand in the lowest bits of the sum.

/// That power for a magnitude, given the lowest exponent and the bits of significand.
KERF_INLINE i32x16 kerf_rounding_power(f32x16 magnitude, int32_t lowest, int32_t bits) {
  i32x16 exponent = (i32x16)magnitude & 0x7F800000;
  return __builtin_elementwise_max(exponent, (i32x16)((127 + lowest) << 23)) + ((23 - bits) << 23);
}

/// The nearest number of E4M3, for lanes from 0 to any size; ties to even.
KERF_INLINE f32x16 f32x16_e4m3_nearest(f32x16 x) {
  x = f32x16_min(x, (f32x16)448.0f);
  f32x16 power = (f32x16)kerf_rounding_power(x, -6, 3);
  return (x + power) - power;
}

/// A byte of sign, exponent and significand for each number that does not exceed the largest.
KERF_INLINE i32x16 kerf_small_float(f32x16 x, float largest, int32_t lowest, int32_t bits) {
  f32x16 magnitude = f32x16_min(f32x16_abs(x), (f32x16)largest);
  i32x16 power = kerf_rounding_power(magnitude, lowest, bits);
  i32x16 significand = (i32x16)(magnitude + (f32x16)power) - power;
  i32x16 exponent = (power >> 23) - (127 + lowest + 23 - bits);
  return (significand + (exponent << bits)) | (((i32x16)x >> 24) & 128);
}

/// The nearest number of E4M3, ties to even: what is larger than 448 becomes that, NaN stays.
KERF_INLINE i32x16 f32x16_e4m3_codes(f32x16 x) {
  return kerf_small_float(x, 448, -6, 3) | ((i32x16)(x != x) & 127);
}
/// The nearest number of E5M2, ties to even: finite ones hold to 57344, infinities and NaN stay.
KERF_INLINE i32x16 f32x16_e5m2_codes(f32x16 x) {
  i32x16 code = kerf_small_float(x, 57344, -14, 2);
  i32x16 isInfinite = f32x16_abs(x) == __builtin_inff();
  return (code + (isInfinite & 1)) | ((i32x16)(x != x) & 127);
}

KERF_INLINE f32x16 e4m3_numbers(u8x16 codes) {
  u16x16 wide = __builtin_convertvector(codes, u16x16);
  f32x16 x = f16x16_widened((wide & 128) << 8 | (wide & 127) << 7) * 0x1p8f;
  i32x16 isNaN = u8x16_widened(codes & 127) == 127;
  return (f32x16)((i32x16)x | (isNaN & 0x7FC00000));
}
KERF_INLINE f32x16 e5m2_numbers(u8x16 codes) {
  return f16x16_widened(__builtin_convertvector(codes, u16x16) << 8);
}

/// The low sixteen bits of each lane.
KERF_INLINE u16x16 i32x16_low_halves(i32x16 x) {
  return __builtin_convertvector((u32x16)x, u16x16);
}

/// Sixteen codes of four bits from eight bytes, the lower nibble first; and back.
KERF_INLINE u8x16 u64_nibbles(uint64_t bytes) {
  typedef uint64_t u64x2 __attribute__((ext_vector_type(2)));
  u8x16 x = (u8x16)(u64x2){bytes, 0};
  u8x16 low = x & 15, high = x >> 4;
  return __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
KERF_INLINE uint64_t u8x16_joined_nibbles(u8x16 codes) {
  typedef uint8_t u8x8 __attribute__((ext_vector_type(8)));
  u8x8 low = __builtin_shufflevector(codes, codes, 0, 2, 4, 6, 8, 10, 12, 14);
  u8x8 high = __builtin_shufflevector(codes, codes, 1, 3, 5, 7, 9, 11, 13, 15);
  u8x8 bytes = low | high << 4;
  uint64_t joined;
  __builtin_memcpy(&joined, &bytes, 8);
  return joined;
}

#undef KERF_NUMBER
#undef KERF_STEP_UP
#undef KERF_STEP_BELOW
