/* Units to buckets and back, and words to categories; the last by the tier's kernel.
 *
 * With capacity = 2^64 / buckets, a category with fewer units than that is light (so are the
 * buckets past the last category, with none), one with more is heavy, one with as many is full.
 * The arrangement, which is part of a stream's definition: lights and heavies are taken in the order
 * of their indices. The first heavy fills the buckets of lights, in that order, and is their alias,
 * until it has no more than the capacity left. Then it fills its own bucket with that, and the next
 * heavy fills what is missing there, as its alias, and goes on. So no stack is needed, and prefix
 * sums of what lights lack and heavies have over would tell which heavy meets which light. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

#include <string.h>

unsigned softdraw_alias_bits(size_t n) {
    unsigned bits = 1;
    while (bits < 63 && (uint64_t)1 << bits < n) bits++;
    return bits;
}

static size_t next_heavy(const uint64_t *units, size_t n, size_t i, uint64_t capacity) {
    while (i < n && units[i] <= capacity) i++;
    return i;
}

void softdraw_alias_build(const uint64_t *units, size_t n, size_t largest, uint64_t *buckets) {
    const unsigned bits = softdraw_alias_bits(n);
    const size_t count = (size_t)1 << bits;
    const uint64_t capacity = (uint64_t)1 << (64 - bits);
    if (units[largest] == 0) { /* that is 2^64, which cannot be taken apart like the others */
        for (size_t i = 0; i < count; i++) buckets[i] = largest;
        return;
    }

    size_t heavy = next_heavy(units, n, 0, capacity);
    uint64_t left = heavy < n ? units[heavy] : 0; /* what the heavy has left, more than capacity */
    for (size_t i = 0; i < count; i++) {
        const uint64_t unit = i < n ? units[i] : 0;
        if (unit == capacity) buckets[i] = i;
        if (unit >= capacity) continue;
        buckets[i] = unit << bits | heavy;
        left -= capacity - unit;
        while (left <= capacity && heavy < n) {
            const size_t next = next_heavy(units, n, heavy + 1, capacity);
            buckets[heavy] = left == capacity ? heavy : left << bits | next;
            /* past the last heavy, which ends full, no light is left */
            left += next < n ? units[next] - capacity : 0;
            heavy = next;
        }
    }
}

void softdraw_alias_units_of(const uint64_t *buckets, unsigned bits, size_t n, uint64_t *units) {
    const size_t count = (size_t)1 << bits;
    const uint64_t capacity = (uint64_t)1 << (64 - bits), low = ((uint64_t)1 << bits) - 1;
    memset(units, 0, n * sizeof *units);
    for (size_t i = 0; i < count; i++) {
        const uint64_t keep = buckets[i] >> bits;
        if (i < n) units[i] += keep;
        units[buckets[i] & low] += capacity - keep;
    }
}

int softdraw_alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                       int64_t *out) {
    const sd_kernels *kernels = sd_kernels_in_use();
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    kernels->alias_map(buckets, bits, words, n, out);
    return SOFTDRAW_OK;
}
