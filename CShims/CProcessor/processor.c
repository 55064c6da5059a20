#define _GNU_SOURCE
#include "CProcessor.h"

#include <sched.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>

enum {
  // Leaf 1, ECX.
  FMA = 1u << 12, MOVBE = 1u << 22, OSXSAVE = 1u << 27, AVX = 1u << 28, F16C = 1u << 29,
  // Leaf 7, EBX and ECX.
  BMI1 = 1u << 3, AVX2 = 1u << 5, BMI2 = 1u << 8,
  AVX512F = 1u << 16, AVX512DQ = 1u << 17, AVX512CD = 1u << 28, AVX512BW = 1u << 30,
  VBMI = 1u << 1, VNNI = 1u << 11,
  // Leaf 7, subleaf 1, EAX.
  AVX_VNNI = 1u << 4,
  // Leaf 0x80000001, ECX.
  LZCNT = 1u << 5,
  // XCR0: the register files that the operating system saves.
  SSE_AVX_STATE = 0x6, AVX512_STATE = 0xE6,
};
static const uint32_t AVX512VL = 1u << 31;

static uint64_t saved_register_state(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

static bool all(uint32_t bits, uint32_t wanted) { return (bits & wanted) == wanted; }

bool kerf_processor_has_avx2(void) {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  if (!all(c, FMA | MOVBE | OSXSAVE | AVX | F16C)) return false;
  if ((saved_register_state() & SSE_AVX_STATE) != SSE_AVX_STATE) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !all(b, BMI1 | AVX2 | BMI2)) return false;
  return __get_cpuid(0x80000001, &a, &b, &c, &d) && all(c, LZCNT);
}

bool kerf_processor_has_avx_vnni(void) {
  uint32_t a, b, c, d;
  if (!kerf_processor_has_avx2()) return false;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && all(a, AVX_VNNI);
}

bool kerf_processor_has_avx512(void) {
  uint32_t a, b, c, d;
  if (!kerf_processor_has_avx2()) return false;
  if ((saved_register_state() & AVX512_STATE) != AVX512_STATE) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  return all(b, AVX512F | AVX512DQ | AVX512CD | AVX512BW | AVX512VL) && all(c, VBMI | VNNI);
}

#else
bool kerf_processor_has_avx2(void) { return false; }
bool kerf_processor_has_avx_vnni(void) { return false; }
bool kerf_processor_has_avx512(void) { return false; }
#endif

int kerf_processor_count(void) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}
