#define _GNU_SOURCE
#include "CFiles.h"

#include <fcntl.h>

void kerf_start_writeback(int descriptor) {
#if defined(__linux__)
  // It is a hint: where it fails, fsync does all the work.
  (void)sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor;
#endif
}
