// Lanes among themselves.

/// 0…15
KERF_INLINE i32x16 i32x16_lanes(void) {
  return (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/// One number in lanes 0…7, another in the rest.
KERF_INLINE f32x16 f32x16_halves(float low, float high) {
  f32x16 x = low, y = high;
  return __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31);
}

// Each lane changes places with the one whose number differs in one bit. Adding up a vector and its
// image, bit after bit, leaves the same sum in every lane: both orders of two terms give one sum.
#define KERF_SWAPPED(x, bit)                                                               \
  __builtin_shufflevector(x, x, 0 ^ bit, 1 ^ bit, 2 ^ bit, 3 ^ bit, 4 ^ bit, 5 ^ bit,      \
                          6 ^ bit, 7 ^ bit, 8 ^ bit, 9 ^ bit, 10 ^ bit, 11 ^ bit,          \
                          12 ^ bit, 13 ^ bit, 14 ^ bit, 15 ^ bit)

/// In each lane the sum of its eight, 0…7 or 8…15: neighbours, then pairs, then fours.
KERF_INLINE f32x16 f32x16_half_sums(f32x16 x) {
  x += KERF_SWAPPED(x, 1);
  x += KERF_SWAPPED(x, 2);
  return x + KERF_SWAPPED(x, 4);
}
/// In each lane the sum of all sixteen: that of its eight and that of the others.
KERF_INLINE f32x16 f32x16_whole_sums(f32x16 x) {
  x = f32x16_half_sums(x);
  return x + KERF_SWAPPED(x, 8);
}
/// In each lane the largest of its eight.
KERF_INLINE f32x16 f32x16_half_maxima(f32x16 x) {
  x = f32x16_max(x, KERF_SWAPPED(x, 1));
  x = f32x16_max(x, KERF_SWAPPED(x, 2));
  return f32x16_max(x, KERF_SWAPPED(x, 4));
}
/// In each lane the largest of all sixteen.
KERF_INLINE f32x16 f32x16_whole_maxima(f32x16 x) {
  x = f32x16_half_maxima(x);
  return f32x16_max(x, KERF_SWAPPED(x, 8));
}
