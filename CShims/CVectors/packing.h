// Codes of 32 bits to bytes, four vectors at once, and from there to fewer bits.

// Narrows the lanes of four vectors twice, with signed saturation to 16 bits and with `saturating`
// to 8: the 64 bytes stand in the order of vectors and lanes. The narrowing instructions work within
// quarters of 128 bits, so that a permutation has to follow where registers have several.
#if defined(__AVX512BW__)
#define KERF_PACK(name, saturating)                                                        \
  KERF_INLINE u8x64 name(i32x16 a, i32x16 b, i32x16 c, i32x16 d) {                         \
    __m512i ab = _mm512_packs_epi32((__m512i)a, (__m512i)b);                               \
    __m512i cd = _mm512_packs_epi32((__m512i)c, (__m512i)d);                               \
    __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15); \
    return (u8x64)_mm512_permutexvar_epi32(order, _mm512_##saturating(ab, cd));            \
  }
KERF_PACK(i32x16_packed_signed, packs_epi16)
KERF_PACK(i32x16_packed_unsigned, packus_epi16)
#elif defined(__AVX2__)
#define KERF_PACK(name, saturating)                                                        \
  KERF_INLINE u8x64 name(i32x16 a, i32x16 b, i32x16 c, i32x16 d) {                         \
    kerf_i32_parts x[4] = {{a}, {b}, {c}, {d}};                                            \
    kerf_u8_parts to;                                                                      \
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);                             \
    for (int i = 0; i < 2; i++) {                                                          \
      __m256i first = _mm256_packs_epi32(x[2 * i].r[0], x[2 * i].r[1]);                    \
      __m256i second = _mm256_packs_epi32(x[2 * i + 1].r[0], x[2 * i + 1].r[1]);           \
      to.r[i] = _mm256_permutevar8x32_epi32(_mm256_##saturating(first, second), order);    \
    }                                                                                      \
    return to.v;                                                                           \
  }
KERF_PACK(i32x16_packed_signed, packs_epi16)
KERF_PACK(i32x16_packed_unsigned, packus_epi16)
#else
#if defined(__x86_64__)
#define KERF_PACK_PARTS(saturating, x)                                                     \
  _mm_##saturating(_mm_packs_epi32(x.r[0], x.r[1]), _mm_packs_epi32(x.r[2], x.r[3]))
#else
#define KERF_PACK_PARTS(saturating, x)                                                     \
  (kerf_i32)saturating(vcombine_s16(vqmovn_s32(x.r[0]), vqmovn_s32(x.r[1])),               \
                       vcombine_s16(vqmovn_s32(x.r[2]), vqmovn_s32(x.r[3])))
KERF_INLINE int8x16_t packs_epi16(int16x8_t low, int16x8_t high) {
  return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
}
KERF_INLINE uint8x16_t packus_epi16(int16x8_t low, int16x8_t high) {
  return vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
}
#endif
#define KERF_PACK(name, saturating)                                                        \
  KERF_INLINE u8x64 name(i32x16 a, i32x16 b, i32x16 c, i32x16 d) {                         \
    kerf_i32_parts x[4] = {{a}, {b}, {c}, {d}};                                            \
    kerf_u8_parts to;                                                                      \
    for (int i = 0; i < 4; i++) to.r[i] = KERF_PACK_PARTS(saturating, x[i]);               \
    return to.v;                                                                           \
  }
/// Held to −128…127.
KERF_PACK(i32x16_packed_signed, packs_epi16)
/// Held to 0…255.
KERF_PACK(i32x16_packed_unsigned, packus_epi16)
#endif

/// The smaller of each byte and `bound`.
KERF_INLINE u8x64 u8x64_at_most(u8x64 x, uint8_t bound) {
  return __builtin_elementwise_min(x, (u8x64)bound);
}

/// The low four bits of each byte of `low`, with those of `high` above them.
KERF_INLINE u8x64 u8x64_nibbles(u8x64 low, u8x64 high) {
  typedef uint16_t u16x32 __attribute__((ext_vector_type(32)));
  u8x64 raised = (u8x64)((u16x32)high << 4);
  return (low & 0x0F) | (raised & 0xF0);
}

/// Bit i is bit 4 of byte i.
KERF_INLINE uint64_t u8x64_fifth_bits(u8x64 x) {
#if defined(__AVX512BW__)
  return _mm512_test_epi8_mask((__m512i)x, _mm512_set1_epi8(16));
#elif defined(__x86_64__)
  kerf_u8_parts parts = {x};
  uint64_t bits = 0;
  for (int i = 0; i < KERF_PARTS; i++)
#if defined(__AVX2__)
    bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(parts.r[i], 3)) << (32 * i);
#else
    bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_slli_epi16(parts.r[i], 3)) << (16 * i);
#endif
  return bits;
#else
  u8x64 places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                  1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                  1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                  1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  kerf_u8_parts parts = {(u8x64)((x & 16) != 0) & places};
  uint64_t bits = 0;
  for (int i = 0; i < KERF_PARTS; i++) {
    bits |= (uint64_t)vaddv_u8(vget_low_u8((uint8x16_t)parts.r[i])) << (16 * i);
    bits |= (uint64_t)vaddv_u8(vget_high_u8((uint8x16_t)parts.r[i])) << (16 * i + 8);
  }
  return bits;
#endif
}
