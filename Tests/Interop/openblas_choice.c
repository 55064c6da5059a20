// Makes OpenBLAS take the kernels that it would take on a CPU it does not know, and then lets Kerf
// choose. Prints both names, the largest difference of their products, and how many times faster
// the second is.

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "openblas.h"

enum { M = 512, N = 1024, K = 1024 };
static float a[M * K], b[N * K], before[M * N], after[M * N];

static double seconds(const kerf_openblas *library, float *c) {
  double best = INFINITY;
  for (int i = 0; i < 5; i++) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    library->sgemm(KERF_CBLAS_ROW_MAJOR, KERF_CBLAS_NO_TRANS, KERF_CBLAS_TRANS, M, N, K, 1, a, K,
                   b, K, 0, c, N);
    clock_gettime(CLOCK_MONOTONIC, &end);
    best = fmin(best, (end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec));
  }
  return best;
}

int main(void) {
  for (int i = 0; i < M * K; i++) a[i] = (i * 7919 % 1009) / 1009.0f - 0.5f;
  for (int i = 0; i < N * K; i++) b[i] = (i * 104729 % 2003) / 2003.0f - 0.5f;
  kerf_openblas library;
  setenv("OPENBLAS_CORETYPE", "Haswell", 1);
  if (!kerf_openblas_load(&library)) return puts("no library"), 0;
  char own[64];
  snprintf(own, sizeof own, "%s", library.corename());
  if (kerf_openblas_choose_best_kernels(&library)) return puts("the user was overruled"), 1;
  double slow = seconds(&library, before);
  unsetenv("OPENBLAS_CORETYPE");
  if (!kerf_openblas_choose_best_kernels(&library)) return puts("kept"), 0;
  double fast = seconds(&library, after), difference = 0;
  for (int i = 0; i < M * N; i++) difference = fmax(difference, fabs(after[i] - before[i]));
  printf("%s %s %g %.2f\n", own, library.corename(), difference, slow / fast);
}
