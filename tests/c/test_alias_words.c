/* The whole core once more, compiled for words of 16 bits: every word of a table is drawn and counted.
 *
 * Units are then the top 16 bits of 64-bit integers and sum to 2^16; all else is the same code. */
#define SD_WORD_BITS 16
#define softdraw_alias_build_f64 small_alias_build_f64
#define softdraw_alias_build_f32 small_alias_build_f32
#define softdraw_alias_build_u64 small_alias_build_u64
#define softdraw_alias_scratch small_alias_scratch
#define sd_word_kernels_in_use small_kernels_in_use
#define sd_scalar_words small_scalar_words
#include "alias_build.c"

#include "simd/scalar.h"
#include "tiers/words.h"

const sd_word_kernels *sd_word_kernels_in_use(void) { return &sd_scalar_words; }

#include "check.h"

enum { MOST = 256, WORDS = 1 << 16 };

/* All words, with the bits below their 16 all clear and all set, against exact arithmetic on integer
 * weights below 2^32, whose sum times 2^16 fits 64 bits. */
static void check_every_word(const uint64_t *weights, size_t n) {
    static uint64_t words[WORDS], buckets[MOST], scratch[5 * MOST];
    static int64_t drawn[WORDS];
    uint64_t counted[MOST], first[MOST], total = 0, lifted = 0;
    size_t largest;
    CHECK(softdraw_alias_build_u64(weights, n, buckets, scratch, &largest) == SOFTDRAW_OK);
    for (int set = 0; set < 2; set++) {
        memset(counted, 0, sizeof counted);
        for (uint64_t i = 0; i < WORDS; i++) words[i] = i << 48 | (set ? 0xffffffffffff : 0);
        CHECK(softdraw_alias_map(buckets, softdraw_alias_bits(n), words, WORDS, drawn) == SOFTDRAW_OK);
        for (int i = 0; i < WORDS; i++) {
            CHECK(drawn[i] >= 0 && (size_t)drawn[i] < n);
            counted[drawn[i]]++;
        }
        if (set) CHECK(memcmp(counted, first, sizeof first) == 0);
        memcpy(first, counted, sizeof first);
    }
    for (size_t i = 0; i < n; i++) total += weights[i];
    for (size_t i = 0; i < n; i++) {
        /* exact is wanted / total */
        const uint64_t wanted = weights[i] << 16, got = counted[i] * total;
        CHECK((weights[i] > 0) == (counted[i] > 0));
        CHECK(weights[i] <= weights[largest]);
        if (weights[i] && wanted < total) lifted++;
        if (i != largest) CHECK(got < wanted + total && wanted < got + total);
    }
    const uint64_t wanted = weights[largest] << 16, got = counted[largest] * total;
    CHECK(got < wanted + total && wanted < got + (lifted + 1) * total);
}

int main(void) {
    require_tier();
    static uint64_t weights[MOST];
    for (size_t n = 1; n <= MOST; n += 1 + n / 8) {
        for (int shape = 0; shape < 7; shape++) {
            for (size_t i = 0; i < n; i++) {
                const uint64_t u = random_word() >> 32;
                weights[i] = shape == 0   ? u
                             : shape == 1 ? u >> random_word() % 32
                             : shape == 2 ? 7
                             : shape == 3 ? (i == n / 3 ? 0xffffffff : u >> 30)
                             : shape == 4 ? i % 3 * (u >> 16)
                             : shape == 5 ? 0x1000000 + (u >> 30)
                                          : 0xffffffff / (1 + (u >> 20));
            }
            weights[n / 2]++;
            weights[n / 2] &= 0xffffffff;
            weights[n / 2] += !weights[n / 2];
            check_every_word(weights, n);
        }
        for (size_t i = 0; i < n; i++) weights[i] = 3;
        check_every_word(weights, n);
    }
    return finish();
}
