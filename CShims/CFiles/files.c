#define _GNU_SOURCE
#include "CFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

void kerf_start_writeback(int descriptor) {
#if defined(__linux__)
  // It is a hint: where it fails, fsync does all the work.
  (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor;
#endif
}

int kerf_swap(const char *a, const char *b) {
#if defined(__linux__)
  return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
#elif defined(__APPLE__)
  return renamex_np(a, b, RENAME_SWAP);
#else
  (void)a, (void)b;
  errno = ENOTSUP;
  return -1;
#endif
}
