#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "ProcessorFacts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <sys/sysctl.h>
#else
#include <sys/mman.h>
#endif

#if defined(__APPLE__)
static long number(const char *name) {
  int64_t value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, NULL, 0) == 0 ? (long)value : 0;
}

void kerf_processor_name(char *target, long capacity) {
  size_t size = (size_t)capacity;
  if (sysctlbyname("machdep.cpu.brand_string", target, &size, NULL, 0) != 0) *target = 0;
}

long kerf_processor_largest_cache(void) {
  long third = number("hw.l3cachesize"), second = number("hw.perflevel0.l2cachesize");
  if (third > 0) return third;
  return second > 0 ? second : number("hw.l2cachesize");
}

long kerf_memory_byte_count(void) { return number("hw.memsize"); }

void kerf_memory_advise_large_pages(void *start, long count) { (void)start, (void)count; }

#else
void kerf_processor_name(char *target, long capacity) {
  *target = 0;
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (!file) return;
  char line[512];
  while (fgets(line, sizeof line, file)) {
    if (strncmp(line, "model name", 10) != 0) continue;
    char *name = strchr(line, ':');
    if (!name) continue;
    name += 1 + strspn(name + 1, " ");
    name[strcspn(name, "\n")] = 0;
    snprintf(target, (size_t)capacity, "%s", name);
    break;
  }
  fclose(file);
}

long kerf_processor_largest_cache(void) {
  // The C libraries differ in what they know; the kernel says it in one way, index by index.
  long largest = 0;
  for (int index = 0; index < 8; index++) {
    char path[80];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    FILE *file = fopen(path, "r");
    if (!file) break;
    long size = 0;
    char unit = 0;
    if (fscanf(file, "%ld%c", &size, &unit) >= 1) {
      if (unit == 'K') size <<= 10;
      if (unit == 'M') size <<= 20;
      if (size > largest) largest = size;
    }
    fclose(file);
  }
#if defined(_SC_LEVEL3_CACHE_SIZE)
  if (largest == 0) largest = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  return largest > 0 ? largest : 0;
}

long kerf_memory_byte_count(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? pages * size : 0;
}

void kerf_memory_advise_large_pages(void *start, long count) {
#if defined(MADV_HUGEPAGE)
  madvise(start, (size_t)count, MADV_HUGEPAGE);
#else
  (void)start, (void)count;
#endif
}
#endif
