/* Chooses the tier that runs: the best that this build has and the CPU can run, which is asked only once,
 * or the one that the environment variable SOFTDRAW_ISA names. The API gets its kernels here. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"
#include "tiers.h"

#include <stdlib.h>

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

/* Whether the CPU has FMA, F16C, AVX and the features of leaf_7, and whether the operating system saves the
 * registers whose bits in XCR0 are given as `saved`, without which they could change at any time. The bits,
 * of CPUID leaves 1 and 7 and of XCR0, are in Intel's manual, volume 2, under CPUID and XGETBV. */
static int has_features(uint32_t leaf_7, uint64_t saved) {
    uint32_t r[4];
    cpuid(0, r);
    if (r[0] < 7) return 0;
    cpuid(1, r);
    const uint32_t leaf_1 = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29; /* FMA OSXSAVE AVX F16C */
    if ((r[2] & leaf_1) != leaf_1) return 0;
    if ((xgetbv() & saved) != saved) return 0;
    cpuid(7, r);
    return (r[1] & leaf_7) == leaf_7;
}

enum { AVX2 = 1 << 5, AVX512F = 1 << 16, AVX512DQ = 1 << 17, AVX512BW = 1 << 30 };
static const uint32_t AVX512VL = 1u << 31;
static int cpu_has_avx2(void) { return has_features(AVX2, 0x06); } /* XMM, YMM */
static int cpu_has_avx512(void) {                                  /* and ZMM and masks */
    return has_features(AVX2 | AVX512F | AVX512DQ | AVX512BW | AVX512VL, 0xE6);
}
#else
static int cpu_has_avx2(void) { return 0; }
static int cpu_has_avx512(void) { return 0; }
#endif

/* The tables of a tier: sd_kernels for each item type, and sd_word_kernels. */
typedef struct {
    const char *name;
    const sd_kernels *kernels[SD_TYPES]; /* NULL where the tier is not built */
    const sd_word_kernels *words;
} tier_tables;

#define DECLARE_TABLES(enumerator, tier, is_built, can_run)                                                \
    extern const sd_kernels sd_##tier##_f32, sd_##tier##_f64, sd_##tier##_f16, sd_##tier##_bf16;           \
    extern const sd_word_kernels sd_##tier##_words;
SD_FOR_EACH_TIER(DECLARE_TABLES)

#define TABLES_1(tier) \
    {&sd_##tier##_f32, &sd_##tier##_f64, &sd_##tier##_f16, &sd_##tier##_bf16}, &sd_##tier##_words
#define TABLES_0(tier) {NULL}, NULL
#define TABLES_IF_(is_built, tier) TABLES_##is_built(tier)
#define TABLES_IF(is_built, tier) TABLES_IF_(is_built, tier)
#define TABLES_LINE(enumerator, tier, is_built, can_run) [enumerator] = {#tier, TABLES_IF(is_built, tier)},
static const tier_tables tiers[] = {SD_FOR_EACH_TIER(TABLES_LINE)};
enum { TIERS = sizeof tiers / sizeof *tiers };

int softdraw_tier_count(void) { return TIERS; }

const char *softdraw_tier_name(int tier) { return tier >= 0 && tier < TIERS ? tiers[tier].name : NULL; }

int softdraw_tier_available(int tier) {
#define CAN_RUN_LINE(enumerator, tier, is_built, can_run) \
    case enumerator: return is_built && can_run;
    switch (tier) {
        SD_FOR_EACH_TIER(CAN_RUN_LINE)
    default: return 0;
    }
}

/* What is in use where SOFTDRAW_ISA names no available tier: no kernels. */
static const tier_tables no_tier;

/* The tables of the tier to run. */
static const tier_tables *choose_tier(void) {
    const char *forced = getenv("SOFTDRAW_ISA");
    if (forced && *forced) {
        for (int tier = 0; tier < TIERS; tier++)
            if (strcmp(forced, tiers[tier].name) == 0 && softdraw_tier_available(tier)) return &tiers[tier];
        return &no_tier;
    }
    for (int tier = TIERS - 1; tier > 0; tier--)
        if (softdraw_tier_available(tier)) return &tiers[tier];
    return &tiers[SOFTDRAW_SCALAR];
}

/* The only state: NULL until a tier is chosen. Several threads may write it at once, but all write the same
 * pointer, to constants, so the order of memory accesses does not matter. MSVC has no atomics, but reads and
 * writes a volatile pointer whole. */
#if defined(_MSC_VER) || defined(__STDC_NO_ATOMICS__)
static const tier_tables *volatile chosen;
#define LOAD_CHOSEN() chosen
#define STORE_CHOSEN(tables) (chosen = (tables))
#else
#include <stdatomic.h>
static const tier_tables *_Atomic chosen;
#define LOAD_CHOSEN() atomic_load_explicit(&chosen, memory_order_relaxed)
#define STORE_CHOSEN(tables) atomic_store_explicit(&chosen, tables, memory_order_relaxed)
#endif

static inline const tier_tables *tables_in_use(void) {
    const tier_tables *tables = LOAD_CHOSEN();
    if (!tables) {
        tables = choose_tier();
        STORE_CHOSEN(tables);
    }
    return tables;
}

int softdraw_tier_in_use(void) {
    const tier_tables *tables = tables_in_use();
    return tables == &no_tier ? -1 : (int)(tables - tiers);
}

const sd_kernels *sd_kernels_in_use(enum sd_type type) { return tables_in_use()->kernels[type]; }

const sd_word_kernels *sd_word_kernels_in_use(void) { return tables_in_use()->words; }
