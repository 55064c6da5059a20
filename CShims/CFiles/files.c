#define _GNU_SOURCE
#include "CFiles.h"

#include <fcntl.h>

void kerf_start_writeback(int descriptor, int64_t offset, int64_t count) {
#if defined(__linux__)
  // It is a hint: where it fails, fsync does all the work.
  (void)sync_file_range(descriptor, offset, count, SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)count;
#endif
}
