// The vector vocabulary of the kernels: one always-inlined function per operation that Swift's own
// SIMD types do not turn into a single instruction.
//
// Every vector has sixteen lanes, whatever the CPU: the compiler splits it into registers that
// exist. So a kernel is written once, and the order of its sums is the same everywhere. Operators
// (+ - * / & | ^ and shifts by constants) are Swift's own; what is here is loads and stores,
// conversions, rounding, comparisons as bits, the transposition, and look-ups in small tables.
//
// The translation unit that imports this header decides the instruction set (`-Xcc -march=…`).

#ifndef KERF_CVECTORS_H
#define KERF_CVECTORS_H

#include <stdint.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// A fused multiply-add rounds once where two operations round twice: the same line would give
// different results on different CPUs.
#pragma STDC FP_CONTRACT OFF

// Vectors wider than the CPU's registers have no stable calling convention; nothing here is called.
#pragma clang diagnostic ignored "-Wpsabi"

#define KERF_INLINE static inline __attribute__((always_inline))

typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef double f64x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16)));
typedef uint16_t u16x16 __attribute__((ext_vector_type(16)));
typedef uint8_t u8x16 __attribute__((ext_vector_type(16)));
typedef int8_t i8x16 __attribute__((ext_vector_type(16)));
typedef uint8_t u8x64 __attribute__((ext_vector_type(64)));

// A vector as the registers that the CPU has, and back: f32x16_parts(x).r[i].
#if defined(__AVX512F__)
#define KERF_PARTS 1
typedef __m512 kerf_f32;
typedef __m512i kerf_i32;
#elif defined(__AVX2__)
#define KERF_PARTS 2
typedef __m256 kerf_f32;
typedef __m256i kerf_i32;
#elif defined(__x86_64__)
#define KERF_PARTS 4
typedef __m128 kerf_f32;
typedef __m128i kerf_i32;
#elif defined(__aarch64__)
#define KERF_PARTS 4
typedef float32x4_t kerf_f32;
typedef int32x4_t kerf_i32;
#endif

typedef union { f32x16 v; kerf_f32 r[KERF_PARTS]; } kerf_f32_parts;
typedef union { i32x16 v; kerf_i32 r[KERF_PARTS]; } kerf_i32_parts;
typedef union { u8x64 v; kerf_i32 r[KERF_PARTS]; } kerf_u8_parts;

#include "memory.h"
#include "arithmetic.h"
#include "conversion.h"
#include "transposition.h"
#include "folding.h"
#include "words.h"
#include "packing.h"
#include "lanes.h"
#include "tables.h"
#include "dot.h"
#include "comparison.h"
#include "e2m1.h"
#include "ternary.h"
#include "codebooks.h"
#include "bitstream.h"
#include "numbers.h"
#include "yardsticks.h"

#endif
