// What keeps a yardstick honest: a loop that only fills registers computes nothing that anyone
// wants, so the compiler would take it out, or do it once.

// The registers that a vector of the instruction set may be in.
#if defined(__AVX512F__)
#define KERF_REGISTER "+v"
#elif defined(__x86_64__)
#define KERF_REGISTER "+x"
#else
#define KERF_REGISTER "+w"
#endif

/// x, of which the compiler no longer knows anything. Takes no instruction.
KERF_INLINE i32x16 i32x16_opaque(i32x16 x) {
  kerf_i32_parts parts = {x};
  for (int i = 0; i < KERF_PARTS; i++) __asm__ volatile("" : KERF_REGISTER(parts.r[i]));
  return parts.v;
}

/// The same of floats.
KERF_INLINE f32x16 f32x16_opaque(f32x16 x) {
  kerf_f32_parts parts = {x};
  for (int i = 0; i < KERF_PARTS; i++) __asm__ volatile("" : KERF_REGISTER(parts.r[i]));
  return parts.v;
}

/// x · x + sum in the instructions that the CPU has for it: fused where it can, else two.
KERF_INLINE f32x16 f32x16_adding_square(f32x16 sum, f32x16 x) {
#if defined(__x86_64__) && !defined(__FMA__)
  return sum + x * x;
#else
  return f32x16_fma(x, x, sum);
#endif
}
