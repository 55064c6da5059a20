// Eight codes of at most eight bits: a byte each, or one after another in the low bits of a word.

/// Codes that stand in a byte each, without what is between them. No byte may exceed `bits` bits.
KERF_INLINE uint64_t u64_packed_codes(uint64_t bytes, intptr_t bits) {
#if defined(__BMI2__)
  return _pext_u64(bytes, 0x0101010101010101u * ((1u << bits) - 1));
#else
  // Pairs of codes move together, then pairs of pairs.
  uint64_t x = bytes, low = 0x00FF00FF00FF00FFu;
  x = (x & low) | ((x >> 8) & low) << bits;
  low = 0x0000FFFF0000FFFFu;
  x = (x & low) | ((x >> 16) & low) << (2 * bits);
  low = 0xFFFFFFFFu;
  return (x & low) | (x >> 32) << (4 * bits);
#endif
}

/// The way back; bits above those of eight codes do not matter.
KERF_INLINE uint64_t u64_unpacked_codes(uint64_t word, intptr_t bits) {
#if defined(__BMI2__)
  return _pdep_u64(word, 0x0101010101010101u * ((1u << bits) - 1));
#else
  uint64_t x = word, low = (1ull << (4 * bits)) - 1;
  x = (x & low) | ((x >> (4 * bits)) & low) << 32;
  low = 0x0000000100000001u * ((1u << (2 * bits)) - 1);
  x = (x & low) | ((x >> (2 * bits)) & low) << 16;
  low = 0x0001000100010001u * ((1u << bits) - 1);
  return (x & low) | ((x >> bits) & low) << 8;
#endif
}

/// Stores 64 or 32 codes of four bits, the first of two below.
KERF_INLINE void u8x64_store_nibbles(void *target, u8x64 codes, intptr_t count) {
  typedef uint16_t u16x32 __attribute__((ext_vector_type(32)));
  typedef uint8_t u8x32 __attribute__((ext_vector_type(32)));
  u16x32 pairs = (u16x32)codes;
  u8x32 bytes = __builtin_convertvector(pairs | pairs >> 4, u8x32);
  if (count == 64) __builtin_memcpy(target, &bytes, 32);
  else __builtin_memcpy(target, &bytes, 16);
}

/// Sixteen bytes of two words.
KERF_INLINE i32x16 u64x2_widened_bytes(uint64_t low, uint64_t high) {
  typedef uint64_t u64x2 __attribute__((ext_vector_type(2)));
  u64x2 words = {low, high};
  return u8x16_widened((u8x16)words);
}
