// Sixteen blocks folded at once: the result's lane i is what `combine` makes of block i.
//
// Each step folds two vectors into one that holds twice as many blocks. That takes 45 operations
// for sixteen blocks of floats, where folding each block by itself takes eight or more a block.

// Floats: 32 of them a block, source[32·i]… . No element may be NaN.
#define KERF_FOLD_F32(name, prepare, combine)                                              \
  KERF_INLINE f32x16 name(const void *source) {                                            \
    f32x16 quad[4];                                                                        \
    for (int q = 0; q < 4; q++) {                                                          \
      f32x16 row[4];                                                                       \
      for (int i = 0; i < 4; i++) {                                                        \
        const float *block = (const float *)source + 32 * (4 * q + i);                     \
        row[i] = combine(prepare(f32x16_load(block)), prepare(f32x16_load(block + 16)));   \
      }                                                                                    \
      f32x16 a = combine(KERF_WEAVE(row[0], row[1], 0, 16, 1, 17),                         \
                         KERF_WEAVE(row[0], row[1], 2, 18, 3, 19));                        \
      f32x16 b = combine(KERF_WEAVE(row[2], row[3], 0, 16, 1, 17),                         \
                         KERF_WEAVE(row[2], row[3], 2, 18, 3, 19));                        \
      quad[q] = combine(KERF_WEAVE(a, b, 0, 1, 16, 17), KERF_WEAVE(a, b, 2, 3, 18, 19));   \
    }                                                                                      \
    f32x16 low = combine(KERF_QUARTERS(quad[0], quad[1], 0, 1, 4, 5),                      \
                         KERF_QUARTERS(quad[0], quad[1], 2, 3, 6, 7));                     \
    f32x16 high = combine(KERF_QUARTERS(quad[2], quad[3], 0, 1, 4, 5),                     \
                          KERF_QUARTERS(quad[2], quad[3], 2, 3, 6, 7));                    \
    return combine(KERF_QUARTERS(low, high, 0, 2, 4, 6), KERF_QUARTERS(low, high, 1, 3, 5, 7)); \
  }

#define KERF_AS_IT_IS(x) (x)

/// max |x| of sixteen blocks.
KERF_FOLD_F32(f32_block_magnitudes, f32x16_abs, f32x16_max)
/// max x and min x of sixteen blocks; of zeros, either sign.
KERF_FOLD_F32(f32_block_maxima, KERF_AS_IT_IS, f32x16_max)
KERF_FOLD_F32(f32_block_minima, KERF_AS_IT_IS, f32x16_min)

// Half words, f16 or bf16, as integers: twice as many to a vector. Their bits without the sign
// order like magnitudes, Inf and NaN on top; with the others flipped where the sign is set, they
// order like numbers.

typedef int16_t i16x32 __attribute__((ext_vector_type(32)));
typedef int16_t i16x16 __attribute__((ext_vector_type(16)));

KERF_INLINE i16x32 i16x32_load(const void *source) {
  i16x32 value;
  __builtin_memcpy(&value, source, sizeof value);
  return value;
}
KERF_INLINE i16x32 i16x32_magnitude(i16x32 x) { return x & 0x7FFF; }
KERF_INLINE i16x32 i16x32_negated(i16x32 x) { return x ^ (int16_t)0x8000; }
KERF_INLINE i16x32 i16x32_ordered(i16x32 x) { return x ^ ((x >> 15) & 0x7FFF); }
KERF_INLINE u16x16 i16x16_unordered(i16x16 x) { return (u16x16)(x ^ ((x >> 15) & 0x7FFF)); }

// Woven within each quarter of eight half words.
#define KERF_WEAVE_16(a, b, i0, i1, i2, i3, i4, i5, i6, i7)                                \
  __builtin_shufflevector(a, b, i0, i1, i2, i3, i4, i5, i6, i7,                            \
                          i0 + 8, i1 + 8, i2 + 8, i3 + 8, i4 + 8, i5 + 8, i6 + 8, i7 + 8,  \
                          i0 + 16, i1 + 16, i2 + 16, i3 + 16, i4 + 16, i5 + 16, i6 + 16, i7 + 16, \
                          i0 + 24, i1 + 24, i2 + 24, i3 + 24, i4 + 24, i5 + 24, i6 + 24, i7 + 24)

// Sixteen blocks of 32 half words, two in each of eight vectors that are yet to be folded.
typedef struct { i16x32 even[8], odd[8]; } kerf_woven_16;

KERF_INLINE kerf_woven_16 i16_blocks_woven(const void *source) {
  kerf_woven_16 woven;
  for (int i = 0; i < 8; i++) {
    i16x32 a = i16x32_load((const char *)source + 128 * i);
    i16x32 b = i16x32_load((const char *)source + 128 * i + 64);
    woven.even[i] = KERF_WEAVE_16(a, b, 0, 32, 1, 33, 2, 34, 3, 35);
    woven.odd[i] = KERF_WEAVE_16(a, b, 4, 36, 5, 37, 6, 38, 7, 39);
  }
  return woven;
}

#define KERF_FOLD_16(name, type, combine)                                                  \
  KERF_INLINE u16x16 name(const kerf_woven_16 *woven) {                                    \
    type half[2];                                                                          \
    for (int h = 0; h < 2; h++) {                                                          \
      type pair[4], quad[2];                                                               \
      for (int i = 0; i < 4; i++)                                                          \
        pair[i] = combine((type)woven->even[4 * h + i], (type)woven->odd[4 * h + i]);      \
      for (int i = 0; i < 2; i++)                                                          \
        quad[i] = combine(                                                                 \
            KERF_WEAVE_16(pair[2 * i], pair[2 * i + 1], 0, 1, 32, 33, 2, 3, 34, 35),       \
            KERF_WEAVE_16(pair[2 * i], pair[2 * i + 1], 4, 5, 36, 37, 6, 7, 38, 39));      \
      half[h] = combine(KERF_WEAVE_16(quad[0], quad[1], 0, 1, 2, 3, 32, 33, 34, 35),       \
                        KERF_WEAVE_16(quad[0], quad[1], 4, 5, 6, 7, 36, 37, 38, 39));      \
    }                                                                                      \
    /* Quarters of `half` hold parts of the same eight blocks. */                          \
    f32x16 x = (f32x16)half[0], y = (f32x16)half[1];                                       \
    type both = combine((type)KERF_QUARTERS(x, y, 0, 4, 1, 5),                             \
                        (type)KERF_QUARTERS(x, y, 2, 6, 3, 7));                            \
    type other = __builtin_shufflevector(both, both,                                       \
        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,                    \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                             \
    type folded = combine(both, other);                                                    \
    return (u16x16)__builtin_shufflevector(folded, folded,                                 \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                             \
  }

KERF_FOLD_16(i16_folded_max, i16x32, __builtin_elementwise_max)
KERF_FOLD_16(i16_folded_min, i16x32, __builtin_elementwise_min)

// Each vector of `woven` through a function.
#define KERF_MAP_WOVEN(woven, function)                                                    \
  for (int i = 0; i < 8; i++) {                                                            \
    woven.even[i] = function(woven.even[i]);                                               \
    woven.odd[i] = function(woven.odd[i]);                                                 \
  }

/// The bits of max |x| of sixteen blocks of half words.
KERF_INLINE u16x16 u16_block_magnitudes(const void *source) {
  kerf_woven_16 woven = i16_blocks_woven(source);
  KERF_MAP_WOVEN(woven, i16x32_magnitude)
  return i16_folded_max(&woven);
}

/// The bits of max x of sixteen blocks of half words, and of min x; NaN is beyond infinity.
KERF_INLINE u16x16 u16_block_maxima(const void *source, void *minima) {
  kerf_woven_16 woven = i16_blocks_woven(source);
  KERF_MAP_WOVEN(woven, i16x32_ordered)
  u16x16_store(minima, i16x16_unordered((i16x16)i16_folded_min(&woven)));
  return i16x16_unordered((i16x16)i16_folded_max(&woven));
}

/// The bits of the element of largest magnitude of sixteen blocks of half words, and a bit set for
/// each block that has that magnitude with either sign.
///
/// As signed integers, bits order like numbers among positive elements, and below them negative ones
/// order like their magnitudes; with the sign flipped, the roles change. So either maximum holds
/// the largest magnitude of its sign, or, where that sign is missing, of the other.
KERF_INLINE u16x16 u16_block_signed_largest(const void *source, uint32_t *ties) {
  kerf_woven_16 woven = i16_blocks_woven(source);
  i16x16 positive = (i16x16)i16_folded_max(&woven);
  KERF_MAP_WOVEN(woven, i16x32_negated)
  i16x16 negative = (i16x16)(i16_folded_max(&woven) ^ 0x8000);
  i16x16 p = positive & 0x7FFF, n = negative & 0x7FFF;
  i16x16 mask = n > p;
  i16x16 largest = (mask & negative) | (~mask & positive);
  i16x16 tie = (n == p) & (negative != positive);
  *ties = i32x16_mask_bits(__builtin_convertvector(tie, i32x16));
  return (u16x16)largest;
}
