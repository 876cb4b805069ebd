/* The one list of tiers, in the order of enum softdraw_tier in softdraw.h, the fastest last. A tier is an
 * instruction set for which all kernels are compiled. Each line has the enumerator, the name in file names
 * and in SOFTDRAW_ISA, whether the compiler's target can build it, and whether the CPU can run it
 * (functions of dispatch.c).
 *
 * A new tier is an enumerator, a line here, a pack (simd/) and a file for each item type (tiers/). */
#ifndef SD_TIERS_H
#define SD_TIERS_H
#include "compiler.h"

#define SD_FOR_EACH_TIER(DO)                             \
    DO(SOFTDRAW_SCALAR, scalar, 1, 1)                    \
    DO(SOFTDRAW_AVX2, avx2, SD_X86, cpu_has_avx2())      \
    DO(SOFTDRAW_AVX512, avx512, SD_X86, cpu_has_avx512()) \
    DO(SOFTDRAW_NEON, neon, SD_NEON, 1)

#endif
