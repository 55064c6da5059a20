// E2M1: numbers of four bits, a sign, two bits of exponent and one of significand.

/// The low four bits of each byte, and the high four.
KERF_INLINE u8x16 u8x16_low_nibbles(u8x16 x) { return x & 0x0F; }
KERF_INLINE u8x16 u8x16_high_nibbles(u8x16 x) { return x >> 4; }

/// The first eight bytes of both, and the last eight.
KERF_INLINE u8x16 u8x16_first_halves(u8x16 a, u8x16 b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}
KERF_INLINE u8x16 u8x16_last_halves(u8x16 a, u8x16 b) {
  return __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/// Twice the number of each code 0…15: 0, 1, 2, 3, 4, 6, 8, 12, and the same with a minus; of zero,
/// there is one.
KERF_INLINE f32x16 e2m1_doubled(u8x16 codes) {
  u8x16 index = codes & 7;
  u8x16 past4 = __builtin_elementwise_sub_sat(index, (u8x16)4);
  u8x16 past6 = __builtin_elementwise_sub_sat(index, (u8x16)6);
  u8x16 magnitude = index + past4 + past6 + past6;
  u8x16 mask = (u8x16)(codes > 7);
  return __builtin_convertvector(i8x16_widened((i8x16)((magnitude ^ mask) - mask)), f32x16);
}
