// Loads and stores. No pointer needs any alignment.

#define KERF_MEMORY(vector)                                              \
  KERF_INLINE vector vector##_load(const void *source) {                 \
    vector value;                                                        \
    __builtin_memcpy(&value, source, sizeof value);                      \
    return value;                                                        \
  }                                                                      \
  KERF_INLINE void vector##_store(void *target, vector value) {          \
    __builtin_memcpy(target, &value, sizeof value);                      \
  }

KERF_MEMORY(f32x16)
KERF_MEMORY(i32x16)
KERF_MEMORY(u16x16)
KERF_MEMORY(u8x16)
KERF_MEMORY(i8x16)
KERF_MEMORY(u8x64)

/// Asks for a line of memory that is going to be read. Any address will do.
KERF_INLINE void bytes_prefetch(const void *source) { __builtin_prefetch(source, 0, 3); }

/// The same of a line that is not going to be read at once: it waits in the second-level cache.
KERF_INLINE void bytes_prefetch_early(const void *source) { __builtin_prefetch(source, 0, 2); }

/// Writes the whole lines of `staged` past the caches and moves the rest to its front, less than a
/// line, whose length is returned.
///
/// Lines that are overwritten as a whole then need not be read first. `staged` is aligned to a line
/// and has room for one more. Only the first bytes of a target may begin within a line.
KERF_INLINE intptr_t bytes_stream(void *target, void *staged, intptr_t count) {
  char *to = target;
  const char *from = staged;
#if defined(__x86_64__)
  intptr_t head = -(intptr_t)to & 63;
  if (head) {
    if (head > count) head = count;
    __builtin_memcpy(to, from, head);
    to += head, from += head, count -= head;
  }
  for (; count >= 64; to += 64, from += 64, count -= 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512((void *)to, _mm512_loadu_si512(from));
#elif defined(__AVX2__)
    for (int i = 0; i < 64; i += 32)
      _mm256_stream_si256((void *)(to + i), _mm256_loadu_si256((const void *)(from + i)));
#else
    for (int i = 0; i < 64; i += 16)
      _mm_stream_si128((void *)(to + i), _mm_loadu_si128((const void *)(from + i)));
#endif
  }
#else
  __builtin_memcpy(to, from, count & ~63);
  from += count & ~63;
#endif
  if (count & 63) __builtin_memmove(staged, from, 64);
  return count & 63;
}

/// Puts what was written past the caches in order with all other writes: other threads may then be
/// told that the bytes are there.
KERF_INLINE void bytes_settle(void) {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}
