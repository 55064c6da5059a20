#ifndef KERF_CFILES_H
#define KERF_CFILES_H

// Calls of the system that Swift's own modules do not show.

#include <stdint.h>

/// Lets the system begin to move what was written to the disk, and does not wait for it, so that a
/// later fsync has little left to do. Nothing where the system has no such call.
void kerf_start_writeback(int descriptor);

/// Swaps the names of two files or directories in one step. Returns 0, or -1 with errno set, as where
/// the file system cannot.
int kerf_swap(const char *a, const char *b);

#endif
