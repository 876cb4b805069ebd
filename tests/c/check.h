/* What the C programs share: checks, random numbers, and hashes of the bits of results. */
#ifndef SD_CHECK_H
#define SD_CHECK_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softdraw.h"

/* Ends the program, since what follows may rely on the condition. */
#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                             \
        }                                                                        \
    } while (0)

/* Counts a failure and goes on, where more cases tell more. Takes what printf takes, and prints it for
 * the first ten failures. */
#define FAIL(...) (failures++ < 10 ? (void)printf(__VA_ARGS__) : (void)0)
static int failures;

static inline int finish(void) {
    printf("%s: %d failures\n", failures ? "FAILED" : "ok", failures);
    return failures != 0;
}

/* Ends the program with the exit status that CTest is told to take for "skipped". */
static inline void skip(const char *why) {
    printf("skipped: %s\n", why);
    exit(77);
}

/* Returns the tier in use. CTest looks for this text where a tier may be missing. */
static inline int require_tier(void) {
    const int tier = softdraw_tier_in_use();
    if (tier >= 0) return tier;
    puts("this CPU or build lacks the tier that SOFTDRAW_ISA names");
    exit(1);
}

/* ---- random numbers: the same everywhere, since hashes of results are committed ---- */

static uint64_t random_state = 1;

static inline uint64_t random_word(void) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

/* in [0, 1) */
static inline double uniform(void) { return (double)(random_word() >> 11) * 0x1p-53; }

/* in (-1, 1), with few bits, so that it is the same number as float and as double */
static inline double random_unit(void) { return (double)(random_word() >> 44) / 524288.0 - 1.0; }

/* ---- bits ---- */

static inline uint32_t float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline uint64_t double_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* FNV-1a over all bits since begin_hash, lowest byte first whatever the machine's order */
static uint64_t hash;

static inline void begin_hash(void) { hash = UINT64_C(0xcbf29ce484222325); }

static inline void hash_bits(uint64_t bits, int bytes) {
    for (int i = 0; i < bytes; i++) hash = (hash ^ (bits >> (8 * i) & 255)) * UINT64_C(0x100000001b3);
}

static inline void hash_floats(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) hash_bits(float_bits(x[i]), 4);
}

static inline void hash_doubles(const double *x, size_t n) {
    for (size_t i = 0; i < n; i++) hash_bits(double_bits(x[i]), 8);
}

static inline void check_hash(const char *what, uint64_t committed) {
    printf("%s: 0x%016llx\n", what, (unsigned long long)hash);
    if (hash != committed) FAIL("DIFFERENT: not 0x%016llx\n", (unsigned long long)committed);
}

#endif
