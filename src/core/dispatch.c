/* Which tier runs: CPUID and XGETBV once, or what SOFTDRAW_ISA names. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

#include <stdlib.h>
#include <string.h>

#if SD_X86
#if defined(_MSC_VER) && !defined(__clang__)
static void cpuid(int leaf, uint32_t r[4]) { __cpuidex((int *)r, leaf, 0); }
static uint64_t xgetbv(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static void cpuid(int leaf, uint32_t r[4]) { __cpuid_count(leaf, 0, r[0], r[1], r[2], r[3]); }
static uint64_t xgetbv(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}
#endif

/* Bits of the CPUID leaves 1 and 7 and of XCR0, by Intel's manual, volume 2, CPUID and XGETBV. The
 * operating system must save the registers that a tier uses, or they change under it. */
static int has_avx2_or_avx512(int avx512) {
    uint32_t r[4];
    cpuid(0, r);
    if (r[0] < 7) return 0;
    cpuid(1, r);
    const uint32_t needed_1 = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29; /* FMA OSXSAVE AVX F16C */
    if ((r[2] & needed_1) != needed_1) return 0;
    const uint64_t ymm = 0x06, zmm = 0xE6, wanted = avx512 ? zmm : ymm;
    if ((xgetbv() & wanted) != wanted) return 0;
    cpuid(7, r);
    const uint32_t avx2 = 1u << 5, f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
    const uint32_t needed_7 = avx512 ? avx2 | f | dq | bw | vl : avx2;
    return (r[1] & needed_7) == needed_7;
}
#endif

static const char *const names[] = {
    [SOFTDRAW_SCALAR] = "scalar",
    [SOFTDRAW_AVX2] = "avx2",
    [SOFTDRAW_AVX512] = "avx512",
    [SOFTDRAW_NEON] = "neon",
};
enum { TIERS = sizeof names / sizeof *names };

int softdraw_tier_count(void) { return TIERS; }

const char *softdraw_tier_name(int tier) {
    return tier >= 0 && tier < TIERS ? names[tier] : NULL;
}

int softdraw_tier_available(int tier) {
    switch (tier) {
    case SOFTDRAW_SCALAR: return 1;
#if SD_X86
    case SOFTDRAW_AVX2: return has_avx2_or_avx512(0);
    case SOFTDRAW_AVX512: return has_avx2_or_avx512(1);
#endif
#if SD_NEON
    case SOFTDRAW_NEON: return 1;
#endif
    default: return 0;
    }
}

static int choose_tier(void) {
    const char *forced = getenv("SOFTDRAW_ISA");
    if (forced && *forced) {
        for (int tier = 0; tier < TIERS; tier++)
            if (strcmp(forced, names[tier]) == 0 && softdraw_tier_available(tier)) return tier;
        return -1;
    }
    for (int tier = TIERS - 1; tier > 0; tier--)
        if (softdraw_tier_available(tier)) return tier;
    return SOFTDRAW_SCALAR;
}

/* The only state: written with the same value by whoever comes first. 0: not decided; 1: none. */
static volatile int decided;

static inline int tier_in_use(void) {
    if (decided == 0) decided = choose_tier() + 2;
    return decided - 2;
}

int softdraw_tier_in_use(void) { return tier_in_use(); }

const sd_kernels *sd_kernels_in_use(void) {
    static const sd_kernels *const of_tier[TIERS] = {
        [SOFTDRAW_SCALAR] = &sd_kernels_scalar,
#if SD_X86
        [SOFTDRAW_AVX2] = &sd_kernels_avx2,
        [SOFTDRAW_AVX512] = &sd_kernels_avx512,
#endif
#if SD_NEON
        [SOFTDRAW_NEON] = &sd_kernels_neon,
#endif
    };
    const int tier = tier_in_use();
    return tier < 0 ? NULL : of_tier[tier];
}

int softdraw_version(void) { return SOFTDRAW_VERSION; }

const char *softdraw_strerror(int error) {
    switch (error) {
    case SOFTDRAW_OK: return "no error";
    case SOFTDRAW_ERROR_TEMPERATURE: return "temperature must be >= 0, and > 0 for softmax_vjp";
    case SOFTDRAW_ERROR_ISA: return "SOFTDRAW_ISA names a tier that this CPU or build lacks";
    case SOFTDRAW_ERROR_LENGTH: return "a length does not match, or is not from 1 to 2**32";
    case SOFTDRAW_ERROR_WEIGHT: return "weights must be finite and >= 0";
    case SOFTDRAW_ERROR_ZERO: return "all weights are zero";
    case SOFTDRAW_ERROR_ROW: return "a row index is out of range";
    case SOFTDRAW_ERROR_FILTER: return "top_k must be >= 1, top_p and min_p in [0, 1], and size as in the header";
    case SOFTDRAW_ERROR_LOGIT: return "logits must be finite or -inf";
    case SOFTDRAW_ERROR_NOTHING: return "a row has no item that may be drawn";
    case SOFTDRAW_ERROR_TARGET: return "no temperature gives the target value";
    case SOFTDRAW_ERROR_NULL: return "a pointer that must not be NULL is NULL";
    default: return "unknown error";
    }
}
