// Sixteen codes in four bytes.

/// Lanes 4n, 4n + 1, 4n + 2 and 4n + 3, four times.
KERF_INLINE i32x16 i32x16_quarter(i32x16 x, int32_t n) {
  typedef int32_t i32x4 __attribute__((ext_vector_type(4)));
  union { i32x16 v; i32x4 quarters[4]; } parts = {x};
  i32x4 quarter = parts.quarters[n];
  return __builtin_shufflevector(quarter, quarter, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
}

/// The first four bytes.
KERF_INLINE uint32_t u8x16_first_four(u8x16 x) {
  uint32_t bytes;
  __builtin_memcpy(&bytes, &x, 4);
  return bytes;
}

/// Four bytes, lowest first, four times.
KERF_INLINE i32x16 i32x16_four_repeated(uint32_t bytes) {
  typedef uint32_t u32x4 __attribute__((ext_vector_type(4)));
  return u8x16_widened((u8x16)(u32x4)bytes);
}
