/* Functions on one alias table that is built already: its units computed back from the buckets, and the
 * categories that words draw, by the kernel of the tier in use. softdraw.h says what a bucket holds. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

unsigned softdraw_alias_bits(size_t n) {
    unsigned bits = 1;
    while (bits < 63 && (uint64_t)1 << bits < n) bits++;
    return bits;
}

static int bits_valid(unsigned bits) { return bits >= 1 && bits <= 32; }

int softdraw_alias_units(const uint64_t *buckets, unsigned bits, size_t n, uint64_t *units) {
    if (!buckets || !units) return SOFTDRAW_ERROR_NULL;
    if (!bits_valid(bits) || n == 0 || bits != softdraw_alias_bits(n)) return SOFTDRAW_ERROR_LENGTH;
    const size_t count = (size_t)1 << bits;
    const uint64_t capacity = (uint64_t)1 << (64 - bits), low = ((uint64_t)1 << bits) - 1;
    memset(units, 0, n * sizeof *units);
    for (size_t i = 0; i < count; i++) {
        const uint64_t keep = buckets[i] >> bits;
        if (i < n) units[i] += keep;
        const size_t alias = (size_t)(buckets[i] & low);
        if (alias >= n) return SOFTDRAW_ERROR_LENGTH;
        units[alias] += capacity - keep;
    }
    return SOFTDRAW_OK;
}

int softdraw_alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                       int64_t *out) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n && (!buckets || !words || !out)) return SOFTDRAW_ERROR_NULL;
    if (!bits_valid(bits)) return SOFTDRAW_ERROR_LENGTH;
    kernels->alias_map(buckets, bits, words, n, out);
    return SOFTDRAW_OK;
}

int softdraw_alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator, size_t n,
                          int64_t *out) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n && (!buckets || !generator || !out)) return SOFTDRAW_ERROR_NULL;
    if (!bits_valid(bits)) return SOFTDRAW_ERROR_LENGTH;
    uint64_t words[1024]; /* which stay in the L1 cache on their way to the kernel */
    for (size_t i = 0, size; i < n; i += size) {
        size = n - i < 1024 ? n - i : 1024;
        softdraw_xoshiro_fill(generator, words, size);
        kernels->alias_map_private(buckets, bits, words, size, out + i);
    }
    return SOFTDRAW_OK;
}

int softdraw_alias_draw(const uint64_t *buckets, unsigned bits, uint64_t (*next)(void *state), void *state,
                        size_t n, int64_t *out) {
    const sd_word_kernels *kernels = sd_word_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (n && (!buckets || !next || !out)) return SOFTDRAW_ERROR_NULL;
    if (!bits_valid(bits)) return SOFTDRAW_ERROR_LENGTH;
    uint64_t words[256]; /* whose buckets fit the L1 cache */
    for (size_t i = 0, size; i < n; i += size) {
        size = n - i < 256 ? n - i : 256;
        for (size_t j = 0; j < size; j++) {
            words[j] = next(state);
            SD_FETCH(buckets + (words[j] >> (64 - bits)));
        }
        kernels->alias_map_private(buckets, bits, words, size, out + i);
    }
    return SOFTDRAW_OK;
}
