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
