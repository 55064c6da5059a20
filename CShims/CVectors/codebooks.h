// Sixteen elements from entries of a codebook.

#include "grids.h"

// Entry i of a codebook.
#define KERF_ENTRIES(name) \
  KERF_INLINE uint16_t name##_entry(uint32_t i) { return kerf_##name##_grid[i]; }
KERF_ENTRIES(iq2_xxs)
KERF_ENTRIES(iq2_xs)
KERF_ENTRIES(iq2_s)
KERF_ENTRIES(iq3_xxs)
KERF_ENTRIES(iq3_s)
KERF_ENTRIES(iq1)

typedef uint16_t kerf_u16x8 __attribute__((ext_vector_type(8)));
typedef uint16_t kerf_u16x4 __attribute__((ext_vector_type(4)));

/// Eight codes of two bits from each of two entries. Products push what is above a code out of its
/// word.
KERF_INLINE i16x16 kerf_codes_of_8(uint16_t a, uint16_t b) {
  kerf_u16x8 low = a, high = b;
  u16x16 words = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  u16x16 factors = {1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 1 << 2, 1,
                    1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 1 << 2, 1};
  return (i16x16)((words * factors) >> 14);
}

/// Four codes of four bits from each of four entries.
KERF_INLINE i16x16 kerf_codes_of_4(uint16_t a, uint16_t b, uint16_t c, uint16_t d) {
  kerf_u16x4 entries = {a, b, c, d};
  u16x16 words = __builtin_shufflevector(entries, entries, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  u16x16 factors = {1 << 12, 1 << 8, 1 << 4, 1, 1 << 12, 1 << 8, 1 << 4, 1,
                    1 << 12, 1 << 8, 1 << 4, 1, 1 << 12, 1 << 8, 1 << 4, 1};
  return (i16x16)((words * factors) >> 12);
}

/// As floats, negative where the bit of `signs` is set.
KERF_INLINE f32x16 kerf_signed_numbers(i16x16 numbers, uint16_t signs) {
  u16x16 places = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  i16x16 mask = ((u16x16)signs & places) != 0;
  return __builtin_convertvector((numbers ^ mask) - mask, f32x16);
}

/// Sign bits of four entries, a byte each, from 28 bits: of every eighth sign, only the parity with
/// the seven before it is stored, and it is even.
KERF_INLINE uint32_t u28_signs(uint32_t x) {
  uint32_t sevens = (x & 0x7F) | (x & 0x3F80) << 1 | (x & 0x1FC000) << 2 | (x & 0xFE00000) << 3;
  uint32_t parity = sevens ^ sevens >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return sevens | (parity & 0x01010101) << 7;
}

// Sixteen elements of a format, before any scale: entries a, b… of its codebook, and sixteen signs.

#define KERF_IQ2(name)                                                                   \
  KERF_INLINE f32x16 name##_numbers(uint32_t a, uint32_t b, uint32_t signs) {            \
    /* 8, 25, 43 */                                                                      \
    i16x16 codes = kerf_codes_of_8(name##_entry(a), name##_entry(b));        \
    return kerf_signed_numbers(codes * 17 + (codes >> 1) + 8, (uint16_t)signs);          \
  }
KERF_IQ2(iq2_xxs)
KERF_IQ2(iq2_xs)
KERF_IQ2(iq2_s)

KERF_INLINE f32x16 iq3_xxs_numbers(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t signs) {
  // 4, 12, 20, 28, 36, 44, 52, 62
  i16x16 codes = kerf_codes_of_4(
      iq3_xxs_entry(a), iq3_xxs_entry(b), iq3_xxs_entry(c), iq3_xxs_entry(d));
  return kerf_signed_numbers(codes * 8 + ((codes + 1) >> 3) * 2 + 4, (uint16_t)signs);
}

KERF_INLINE f32x16 iq3_s_numbers(uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t signs) {
  // 1, 3, 5 … 15
  i16x16 codes = kerf_codes_of_4(
      iq3_s_entry(a), iq3_s_entry(b), iq3_s_entry(c), iq3_s_entry(d));
  return kerf_signed_numbers(codes * 2 + 1, (uint16_t)signs);
}

/// −1, 0 or 1, and for each entry a shift.
KERF_INLINE f32x16 iq1_numbers(uint32_t a, uint32_t b, float shift_a, float shift_b) {
  typedef float f32x8 __attribute__((ext_vector_type(8)));
  i16x16 codes = kerf_codes_of_8(iq1_entry(a), iq1_entry(b));
  f32x8 low = shift_a, high = shift_b;
  f32x16 shifts = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return __builtin_convertvector(codes - 1, f32x16) + shifts;
}
