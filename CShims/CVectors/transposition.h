// Sixteen rows of sixteen floats, turned so that each row becomes a lane.

// Two vectors woven within each quarter of 128 bits, by one float or by two; then quarters moved.
#define KERF_WEAVE(a, b, i0, i1, i2, i3)                                                   \
  __builtin_shufflevector(a, b, i0, i1, i2, i3, i0 + 4, i1 + 4, i2 + 4, i3 + 4,            \
                          i0 + 8, i1 + 8, i2 + 8, i3 + 8, i0 + 12, i1 + 12, i2 + 12, i3 + 12)
#define KERF_QUARTERS(a, b, q0, q1, q2, q3)                                                \
  __builtin_shufflevector(a, b, 4 * q0, 4 * q0 + 1, 4 * q0 + 2, 4 * q0 + 3,                \
                          4 * q1, 4 * q1 + 1, 4 * q1 + 2, 4 * q1 + 3,                      \
                          4 * q2, 4 * q2 + 1, 4 * q2 + 2, 4 * q2 + 3,                      \
                          4 * q3, 4 * q3 + 1, 4 * q3 + 2, 4 * q3 + 3)

/// target[16·j + i] = source[stride·i + j] for i, j in 0..<16.
KERF_INLINE void f32_transpose_16x16(const float *source, intptr_t stride, float *target) {
  f32x16 r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = f32x16_load(source + stride * i);
  for (int i = 0; i < 16; i += 2) {
    t[i] = KERF_WEAVE(r[i], r[i + 1], 0, 16, 1, 17);
    t[i + 1] = KERF_WEAVE(r[i], r[i + 1], 2, 18, 3, 19);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = KERF_WEAVE(t[i], t[i + 2], 0, 1, 16, 17);
    r[i + 1] = KERF_WEAVE(t[i], t[i + 2], 2, 3, 18, 19);
    r[i + 2] = KERF_WEAVE(t[i + 1], t[i + 3], 0, 1, 16, 17);
    r[i + 3] = KERF_WEAVE(t[i + 1], t[i + 3], 2, 3, 18, 19);
  }
  // r[4g + c] now holds, in quarter q, column 4q + c of rows 4g…4g+3.
  for (int c = 0; c < 4; c++) {
    f32x16 even = KERF_QUARTERS(r[c], r[c + 4], 0, 2, 4, 6);
    f32x16 odd = KERF_QUARTERS(r[c], r[c + 4], 1, 3, 5, 7);
    f32x16 even2 = KERF_QUARTERS(r[c + 8], r[c + 12], 0, 2, 4, 6);
    f32x16 odd2 = KERF_QUARTERS(r[c + 8], r[c + 12], 1, 3, 5, 7);
    // Quarters of `even`: columns c and 8 + c of rows 0…3, then of rows 4…7.
    f32x16_store(target + 16 * c, KERF_QUARTERS(even, even2, 0, 2, 4, 6));
    f32x16_store(target + 16 * (c + 8), KERF_QUARTERS(even, even2, 1, 3, 5, 7));
    f32x16_store(target + 16 * (c + 4), KERF_QUARTERS(odd, odd2, 0, 2, 4, 6));
    f32x16_store(target + 16 * (c + 12), KERF_QUARTERS(odd, odd2, 1, 3, 5, 7));
  }
}
