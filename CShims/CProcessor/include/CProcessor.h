#ifndef KERF_CPROCESSOR_H
#define KERF_CPROCESSOR_H

// What this CPU can run, and the operating system saves the registers of.
// Compiled without any instruction-set flag, so that asking is safe everywhere.

#include <stdbool.h>

/// x86-64-v3: AVX2, FMA, F16C, BMI1/2, LZCNT, MOVBE.
bool kerf_processor_has_avx2(void);

/// x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) with VNNI and VBMI.
bool kerf_processor_has_avx512(void);

/// Processors that this process may run on, at least 1.
int kerf_processor_count(void);

#endif
