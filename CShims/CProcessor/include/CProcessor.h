#ifndef KERF_CPROCESSOR_H
#define KERF_CPROCESSOR_H

// What this CPU can run, and the operating system saves the registers of.
// Compiled without any instruction-set flag, so that asking is safe everywhere.

#include <stdbool.h>

#include "ProcessorFacts.h"

/// x86-64-v3: AVX2, FMA, F16C, BMI1/2, LZCNT, MOVBE.
bool kerf_processor_has_avx2(void);

/// x86-64-v3 with AVX-VNNI.
bool kerf_processor_has_avx_vnni(void);

/// x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) with VNNI and VBMI.
bool kerf_processor_has_avx512(void);

/// Tells the processor that a loop is waiting for another thread.
static inline void kerf_processor_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

/// Processors that this process may run on, at least 1.
int kerf_processor_count(void);

#endif
