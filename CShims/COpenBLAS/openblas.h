// OpenBLAS, found when it is first used and not when the process starts: loading it takes 20 ms and
// starts threads that wait by spinning, which nobody should pay for who multiplies nothing.
//
// Declared here is what Kerf calls of its stable interface, with `int` for its `blasint`; builds
// with 64-bit integers export other names, and are not found.
#ifndef KERF_COPENBLAS_H
#define KERF_COPENBLAS_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const int KERF_CBLAS_ROW_MAJOR = 101;
static const int KERF_CBLAS_NO_TRANS = 111;
static const int KERF_CBLAS_TRANS = 112;
// What openblas_get_parallel answers where the library's threads are OpenMP's.
static const int KERF_OPENBLAS_OPENMP = 2;

typedef struct {
  void (*sgemm)(int order, int transA, int transB, int m, int n, int k, float alpha,
                const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
  void (*sgemv)(int order, int transA, int m, int n, float alpha, const float *a, int lda,
                const float *x, int stepX, float beta, float *y, int stepY);
  char *(*corename)(void);
  int (*parallel)(void);
  int (*thread_count)(void);
  void (*set_thread_count)(int count);
  // Only there in builds for many CPUs (DYNAMIC_ARCH).
  void (*choose_kernels)(void);
  void (*forget_kernels)(void);
} kerf_openblas;

/// Loads the library; false where there is none. Threads of its own it starts none, unless the user
/// says how many, or the host has loaded it before.
static inline bool kerf_openblas_load(kerf_openblas *library) {
#if defined(__APPLE__)
  static const char *const names[] = {
      "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
      "/usr/local/opt/openblas/lib/libopenblas.dylib"};
#else
  static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
#endif
  static const char variable[] = "OPENBLAS_NUM_THREADS";
  const bool isSilent = !getenv(variable);
  if (isSilent) setenv(variable, "1", 0);
  void *handle = NULL;
  for (unsigned i = 0; !handle && i < sizeof names / sizeof *names; i++)
    handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (isSilent) unsetenv(variable);
  if (!handle) return false;

#define KERF_SYMBOL(field, name) \
  library->field = (__typeof__(library->field))dlsym(handle, name)
  KERF_SYMBOL(sgemm, "cblas_sgemm");
  KERF_SYMBOL(sgemv, "cblas_sgemv");
  KERF_SYMBOL(corename, "openblas_get_corename");
  KERF_SYMBOL(parallel, "openblas_get_parallel");
  KERF_SYMBOL(thread_count, "openblas_get_num_threads");
  KERF_SYMBOL(set_thread_count, "openblas_set_num_threads");
  KERF_SYMBOL(choose_kernels, "gotoblas_dynamic_init");
  KERF_SYMBOL(forget_kernels, "gotoblas_dynamic_quit");
#undef KERF_SYMBOL
  return library->sgemm && library->sgemv && library->corename && library->parallel &&
      library->thread_count && library->set_thread_count;
}

/// Has the library take its AVX-512 kernels where it took others on a CPU that has AVX-512, unless
/// the user chose; says whether it did. No other call of the library may be under way.
static inline bool kerf_openblas_choose_best_kernels(const kerf_openblas *library) {
#if defined(__x86_64__)
  static const char variable[] = "OPENBLAS_CORETYPE";
  if (!library->choose_kernels || !library->forget_kernels || getenv(variable)) return false;
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
      !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl"))
    return false;
  // Those that the library has for such CPUs.
  static const char *const known[] = {"SkylakeX", "Cooperlake", "SapphireRapids", "Zen5"};
  for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(library->corename(), known[i]) == 0) return false;
  setenv(variable, "SkylakeX", 1);
  library->forget_kernels();
  library->choose_kernels();
  unsetenv(variable);
  return true;
#else
  return false;
#endif
}

#endif
