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
KERF_INLINE i16x32 i16x32_max(i16x32 a, i16x32 b) { return __builtin_elementwise_max(a, b); }
KERF_INLINE i16x32 i16x32_min(i16x32 a, i16x32 b) { return __builtin_elementwise_min(a, b); }
KERF_INLINE i16x32 i16x32_magnitude(i16x32 x) { return x & 0x7FFF; }
KERF_INLINE i16x32 i16x32_ordered(i16x32 x) { return x ^ ((x >> 15) & 0x7FFF); }
KERF_INLINE u16x16 i16x16_unordered(i16x16 x) { return (u16x16)(x ^ ((x >> 15) & 0x7FFF)); }

// Woven within each quarter of eight half words.
#define KERF_WEAVE_16(a, b, i0, i1, i2, i3, i4, i5, i6, i7)                                \
  __builtin_shufflevector(a, b, i0, i1, i2, i3, i4, i5, i6, i7,                            \
                          i0 + 8, i1 + 8, i2 + 8, i3 + 8, i4 + 8, i5 + 8, i6 + 8, i7 + 8,  \
                          i0 + 16, i1 + 16, i2 + 16, i3 + 16, i4 + 16, i5 + 16, i6 + 16, i7 + 16, \
                          i0 + 24, i1 + 24, i2 + 24, i3 + 24, i4 + 24, i5 + 24, i6 + 24, i7 + 24)

#define KERF_FOLD_16(name, prepare, combine)                                               \
  KERF_INLINE i16x16 name(const void *source) {                                            \
    i16x32 half[2];                                                                        \
    for (int h = 0; h < 2; h++) {                                                          \
      i16x32 pair[4], quad[2];                                                             \
      for (int i = 0; i < 4; i++) {                                                        \
        const char *blocks = (const char *)source + 64 * (8 * h + 2 * i);                  \
        i16x32 a = prepare(i16x32_load(blocks)), b = prepare(i16x32_load(blocks + 64));    \
        pair[i] = combine(KERF_WEAVE_16(a, b, 0, 32, 1, 33, 2, 34, 3, 35),                 \
                          KERF_WEAVE_16(a, b, 4, 36, 5, 37, 6, 38, 7, 39));                \
      }                                                                                    \
      for (int i = 0; i < 2; i++)                                                          \
        quad[i] = combine(                                                                 \
            KERF_WEAVE_16(pair[2 * i], pair[2 * i + 1], 0, 1, 32, 33, 2, 3, 34, 35),       \
            KERF_WEAVE_16(pair[2 * i], pair[2 * i + 1], 4, 5, 36, 37, 6, 7, 38, 39));      \
      half[h] = combine(KERF_WEAVE_16(quad[0], quad[1], 0, 1, 2, 3, 32, 33, 34, 35),       \
                        KERF_WEAVE_16(quad[0], quad[1], 4, 5, 6, 7, 36, 37, 38, 39));      \
    }                                                                                      \
    /* Quarters of `half` hold parts of the same eight blocks. */                          \
    f32x16 x = (f32x16)half[0], y = (f32x16)half[1];                                       \
    i16x32 both = combine((i16x32)KERF_QUARTERS(x, y, 0, 4, 1, 5),                         \
                          (i16x32)KERF_QUARTERS(x, y, 2, 6, 3, 7));                        \
    i16x32 other = __builtin_shufflevector(both, both,                                     \
        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,                    \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                             \
    i16x32 folded = combine(both, other);                                                  \
    return __builtin_shufflevector(folded, folded,                                         \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);                             \
  }

KERF_FOLD_16(i16_block_magnitudes, i16x32_magnitude, i16x32_max)
KERF_FOLD_16(i16_block_maxima, i16x32_ordered, i16x32_max)
KERF_FOLD_16(i16_block_minima, i16x32_ordered, i16x32_min)

/// The bits of max |x|, of max x and of min x of sixteen blocks of half words.
KERF_INLINE u16x16 u16_block_magnitudes(const void *source) {
  return (u16x16)i16_block_magnitudes(source);
}
KERF_INLINE u16x16 u16_block_maxima(const void *source) {
  return i16x16_unordered(i16_block_maxima(source));
}
KERF_INLINE u16x16 u16_block_minima(const void *source) {
  return i16x16_unordered(i16_block_minima(source));
}

/// Whether no magnitude of sixteen blocks of half words reaches `infinity`.
KERF_INLINE int u16_blocks_below(const void *source, int16_t infinity) {
  i16x32 largest[2] = {0, 0};
  for (int i = 0; i < 16; i++) {
    i16x32 magnitude = i16x32_magnitude(i16x32_load((const char *)source + 64 * i));
    largest[i & 1] = i16x32_max(largest[i & 1], magnitude);
  }
  i16x32 reaching = i16x32_max(largest[0], largest[1]) >= infinity;
  typedef int64_t i64x8 __attribute__((ext_vector_type(8)));
  return __builtin_reduce_or((i64x8)reaching) == 0;
}
