// OpenBLAS's own header, found by pkg-config, and what it exports beside that.
#ifndef KERF_COPENBLAS_H
#define KERF_COPENBLAS_H

#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Only there in builds for many CPUs (DYNAMIC_ARCH).
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

// Has the library take its AVX-512 kernels where it took others on a CPU that has AVX-512, unless
// the user chose; says whether it did. No other call of the library may be under way.
static inline bool kerf_openblas_choose_best_kernels(void) {
#if defined(__x86_64__)
  static const char variable[] = "OPENBLAS_CORETYPE";
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || getenv(variable)) return false;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
    return false;
  // Those that the library has for such CPUs.
  static const char *const known[] = {"SkylakeX", "Cooperlake", "SapphireRapids", "Zen5"};
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(openblas_get_corename(), known[i]) == 0) return false;
  setenv(variable, "SkylakeX", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv(variable);
  return true;
#else
  return false;
#endif
}

#endif
