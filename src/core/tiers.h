/* The one list of tiers, in the order of enum softdraw_tier in softdraw.h, the best last: the enumerator,
 * the name in file names and in SOFTDRAW_ISA, whether this machine's compilers can build it, and whether
 * the CPU can run it.
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
