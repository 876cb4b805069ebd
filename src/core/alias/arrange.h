/* From units to buckets: which category fills up whose bucket.
 *
 * Each of the 2^bits buckets holds capacity = 2^64 / 2^bits units. A category with fewer units than that is
 * light (so are the buckets after the last category, which have none), one with more is heavy, and one with
 * just as many is full. The arrangement is part of a stream's definition (docs/streams.md): lights and
 * heavies are taken in the order of their indices. The first heavy fills up the buckets of lights, in that
 * order, and becomes their alias, until it has no more units left than the capacity. These units go into
 * its own bucket. The next heavy fills up that bucket, becomes its alias, and goes on with the lights.
 *
 * `sweep` does just that. It is fast where lights or heavies come in long runs; elsewhere it waits for a
 * mispredicted branch at every second bucket, and `merge_all` is faster. That merges two ascending
 * sequences, both below 2^64:
 *   d[j]  how many units are missing in the buckets of the lights 0 to j - 1, together
 *   s[k]  how many units the heavies 0 to k have beyond their capacity, together
 * Light j is filled up by the first heavy k with s[k] > d[j]. The bucket of heavy k is filled up by heavy
 * k + 1; this comes before light j, for the first j with d[j] >= s[k]. So the order in which buckets are
 * completed is that of the merged sequence. A merge can be started at several places at once, and needs no
 * branches. */
#ifndef SD_ARRANGE_H
#define SD_ARRANGE_H
#include "weights.h"

enum {
    WINDOW = 1024, /* lights, and heavies, that are merged at a time: their arrays fit the L1 cache */
    CHAINS = 3,    /* places from which a window is merged at once */
    SWEEP_RATIO = 4 /* a sweep is faster where one kind is this many times as frequent as the other */
};

static uint64_t capacity_of(unsigned bits) { return (uint64_t)1 << (64 - bits); }

/* The heavy that fills up buckets at present. Marks are bits of categories, 64 in a word (weights.h). */
typedef struct {
    const uint64_t *marks;
    size_t n, word;     /* categories, and the word of the marks that is being read */
    uint64_t word_left; /* the bits of that word that have not been read */
    size_t index;       /* of the category; n if there is none left */
    uint64_t left;      /* its units that are left, always more than the capacity */
} filler_t;

SD_INLINE void find_next_heavy(filler_t *heavy) {
    while (!heavy->word_left) {
        if (64 * ++heavy->word >= heavy->n) {
            heavy->index = heavy->n;
            return;
        }
        heavy->word_left = heavy->marks[heavy->word];
    }
    heavy->index = 64 * heavy->word + SD_FIRST_BIT(heavy->word_left);
    heavy->word_left &= heavy->word_left - 1;
}

/* Fills up the bucket of a light that has `unit` units, and the buckets of heavies that this uses up. */
SD_INLINE void fill_light(filler_t *heavy, size_t light, uint64_t unit, uint64_t *buckets, unsigned bits) {
    const uint64_t capacity = capacity_of(bits);
    buckets[light] = unit << bits | heavy->index;
    heavy->left -= capacity - unit;
    while (heavy->left <= capacity) {
        const size_t own = heavy->index;
        const uint64_t left = heavy->left;
        find_next_heavy(heavy);
        buckets[own] = left == capacity ? own : left << bits | heavy->index;
        if (heavy->index == heavy->n) { /* the last heavy ends full, and no light is left */
            heavy->left = ~(uint64_t)0;
            return;
        }
        heavy->left = left + (buckets[heavy->index] - capacity);
    }
}

/* The whole arrangement but for full categories; buckets[i] holds the units of category i < n. */
static void sweep(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                  const uint64_t *heavy) {
    filler_t filler = {heavy, n, 0, heavy[0], 0, 0};
    find_next_heavy(&filler);
    if (filler.index == n) return;
    filler.left = buckets[filler.index];
    for (size_t word = 0; 64 * word < n; word++) {
        for (uint64_t mark = light[word]; mark; mark &= mark - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(mark);
            fill_light(&filler, i, buckets[i], buckets, bits);
        }
    }
    for (size_t i = n; i < (size_t)1 << bits; i++) fill_light(&filler, i, 0, buckets, bits);
}

/* A window of consecutive lights, or heavies, in the order of their indices. */
typedef struct {
    const uint64_t *marks;
    size_t word, words;          /* of the marks: the next one to be read, and how many there are */
    size_t padding, padding_end; /* buckets after the last category: the next one, and their end */
    size_t count;                /* in the window */
    uint64_t total;              /* what all lights so far lack, or all heavies so far have over */
    uint64_t sum[WINDOW + 64];   /* d for lights, s for heavies, as above */
    uint64_t index[WINDOW + 64]; /* of the category */
    uint64_t keep[WINDOW + 64];  /* units << bits, for lights only */
} window_t;

/* Both in one place, so that one pointer reaches all of their arrays. */
typedef struct { window_t light, heavy; } windows_t;

static void open_window(window_t *window, const uint64_t *marks, size_t n, size_t padding_end) {
    window->marks = marks;
    window->word = 0;
    window->words = n / 64 + (n % 64 > 0);
    window->padding = n;
    window->padding_end = padding_end;
    window->count = 0;
    window->total = 0;
}

/* Whether everything has been read into the window. */
static int is_all_read(const window_t *window) {
    return window->word == window->words && window->padding == window->padding_end;
}

/* Drops the first `done` of the window and fills it up again. */
SD_INLINE void refill(window_t *window, size_t done, const uint64_t *units, unsigned bits, int is_heavy) {
    const uint64_t capacity = capacity_of(bits);
    size_t count = window->count - done;
    uint64_t total = window->total;
    memmove(window->sum, window->sum + done, count * sizeof *window->sum);
    memmove(window->index, window->index + done, count * sizeof *window->index);
    if (!is_heavy) memmove(window->keep, window->keep + done, count * sizeof *window->keep);
    for (; count <= WINDOW - 64 && window->word < window->words; window->word++) {
        for (uint64_t mark = window->marks[window->word]; mark; mark &= mark - 1) {
            const size_t i = 64 * window->word + SD_FIRST_BIT(mark);
            if (is_heavy) total += units[i] - capacity;
            window->sum[count] = total;
            if (!is_heavy) total += capacity - units[i];
            if (!is_heavy) window->keep[count] = units[i] << bits;
            window->index[count++] = i;
        }
    }
    if (window->word == window->words) {
        for (; count < WINDOW && window->padding < window->padding_end; total += capacity) {
            window->sum[count] = total;
            window->keep[count] = 0;
            window->index[count++] = window->padding++;
        }
    }
    if (!is_heavy) window->sum[count] = total; /* what a heavy is compared with after the last light */
    window->total = total;
    window->count = count;
}

/* How many of the ascending sums are below x, or at most x if or_equal. */
static size_t count_below(const uint64_t *sum, size_t count, uint64_t x, int or_equal) {
    size_t low = 0;
    while (low < count) {
        const size_t middle = low + (count - low) / 2;
        if (sum[middle] < x || (or_equal && sum[middle] == x)) low = middle + 1;
        else count = middle;
    }
    return low;
}

/* How many of the first `steps` steps of the merge take a light. */
static size_t count_lights(size_t steps, const window_t *light, size_t lights, const window_t *heavy,
                           size_t heavies) {
    size_t low = steps > heavies ? steps - heavies : 0, high = steps < lights ? steps : lights;
    while (low < high) {
        const size_t j = low + (high - low) / 2;
        if (light->sum[j] < heavy->sum[steps - j - 1]) low = j + 1;
        else high = j;
    }
    return low;
}

/* The bucket of light j, filled up by heavy k. */
SD_INLINE uint64_t make_light_bucket(const windows_t *windows, size_t j, size_t k) {
    return windows->light.keep[j] | windows->heavy.index[k];
}

/* The bucket of heavy k after the first j lights. If the heavy ends full, its alias is itself. */
SD_INLINE uint64_t make_heavy_bucket(const windows_t *windows, size_t j, size_t k, unsigned bits) {
    const uint64_t d = windows->light.sum[j], s = windows->heavy.sum[k];
    return (s - d) << bits | windows->heavy.index[k + (s < d)];
}

/* Completes the buckets of the first so many lights and heavies of the windows, which are also the first
 * ones in the order of the merge. A step writes the buckets of both its light and its heavy. One of them is
 * completed by that, and a later step writes the other one again. */
static void merge(const windows_t *windows, size_t lights, size_t heavies, uint64_t *buckets,
                  unsigned bits) {
    const window_t *const light = &windows->light, *const heavy = &windows->heavy;
    const size_t steps = lights + heavies, each = steps / CHAINS;
    size_t start[CHAINS], j[CHAINS], k[CHAINS];
    for (size_t c = 0; c < CHAINS; c++) {
        start[c] = j[c] = count_lights(c * each, light, lights, heavy, heavies);
        k[c] = c * each - j[c];
    }
    for (size_t i = 0; i < each + steps % CHAINS; i++) {
        SD_UNROLL for (size_t c = 0; c < CHAINS; c++) {
            if (i >= each && c < CHAINS - 1) continue; /* the last chain does the steps that remain */
            const size_t is_light_done = light->sum[j[c]] < heavy->sum[k[c]];
            buckets[light->index[j[c]]] = make_light_bucket(windows, j[c], k[c]);
            buckets[heavy->index[k[c]]] = make_heavy_bucket(windows, j[c], k[c], bits);
            j[c] += is_light_done;
            k[c] += 1 - is_light_done;
        }
    }
    /* The last step of a chain may have written over a bucket that the next chain had completed already. */
    for (size_t c = 1; c < CHAINS; c++) {
        const size_t first_light = start[c], first_heavy = c * each - start[c];
        if (first_light < lights) {
            const size_t before = count_below(heavy->sum, heavies, light->sum[first_light], 1);
            buckets[light->index[first_light]] = make_light_bucket(windows, first_light, before);
        }
        if (first_heavy < heavies) {
            const size_t before = count_below(light->sum, lights, heavy->sum[first_heavy], 0);
            buckets[heavy->index[first_heavy]] = make_heavy_bucket(windows, before, first_heavy, bits);
        }
    }
}

/* The same as `sweep`. */
static void merge_all(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                      const uint64_t *heavy) {
    windows_t windows;
    window_t *const l = &windows.light, *const h = &windows.heavy;
    open_window(l, light, n, (size_t)1 << bits);
    open_window(h, heavy, n, n);
    for (size_t lights = 0, heavies = 0;;) {
        refill(l, lights, buckets, bits, 0);
        refill(h, heavies, buckets, bits, 1);
        /* the last heavy of a window waits until the heavy that fills up its bucket is known */
        lights = l->count;
        heavies = h->count - !is_all_read(h);
        if (!lights && !heavies) return;
        if (lights && heavies) { /* the merge goes on until one of them is used up */
            const uint64_t d = l->sum[lights - 1], s = h->sum[heavies - 1];
            if (d < s) heavies = count_below(h->sum, heavies, d, 1);
            else lights = count_below(l->sum, lights, s, 0);
        }
        if (lights) {
            merge(&windows, lights, heavies, buckets, bits);
        } else {
            for (size_t k = 0; k < heavies; k++) {
                buckets[h->index[k]] = make_heavy_bucket(&windows, 0, k, bits);
            }
        }
    }
}

/* Turns the units of the n categories, in buckets[i], into the 2^bits buckets. light and heavy are
 * marks. Not inlined: as a part of the whole build GCC made it 6% slower. */
static SD_NOINLINE void arrange_units(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                          const uint64_t *heavy) {
    size_t lights = ((size_t)1 << bits) - n, heavies = 0;
    for (size_t word = 0; 64 * word < n; word++) {
        const uint64_t valid = n - 64 * word < 64 ? ((uint64_t)1 << n % 64) - 1 : ~(uint64_t)0;
        lights += SD_COUNT_BITS(light[word]);
        heavies += SD_COUNT_BITS(heavy[word]);
        for (uint64_t full = valid & ~(light[word] | heavy[word]); full; full &= full - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(full);
            buckets[i] = i;
        }
    }
    const int has_runs =
        lights / SWEEP_RATIO > heavies || heavies / SWEEP_RATIO > lights || lights + heavies < 64;
    (has_runs ? sweep : merge_all)(buckets, bits, n, light, heavy);
}

/* The same where the only lights are the buckets after the n categories, and each heavy from k to `end` has
 * `surplus` units over the capacity; those before k have s over. Returns s for those before `end`. */
SD_INLINE uint64_t fill_equal_heavies(uint64_t *buckets, unsigned bits, size_t n, size_t k, size_t end,
                                      uint64_t s, uint64_t surplus) {
    const uint64_t capacity = capacity_of(bits);
    const size_t padding = ((size_t)1 << bits) - n;
    for (; k < end; k++) {
        /* j is the next light to be filled up. Heavies that do not reach it write their index, too, and the
         * first one that does is the last to write. */
        const size_t j = (size_t)((s + (capacity - 1)) >> (64 - bits));
        if (j < padding) buckets[n + j] = k;
        s += surplus;
        const uint64_t keep = s << bits; /* s modulo the capacity, shifted; 0 if the heavy ends full */
        buckets[k] = keep | (k + (keep != 0));
    }
    return s;
}

/* The buckets of n equal weights. Units are the nearest integers to 2^64 / n, and then the first few of
 * them are corrected by one, as alias_build.c does it for weights that differ. */
static SD_NOINLINE void arrange_equal_units(uint64_t *buckets, unsigned bits, size_t n) {
    if (n == 1) { /* it has all 2^64 units, which is no integer of 64 bits */
        buckets[0] = buckets[1] = 0;
        return;
    }
    /* 2^64 = quotient * n + rest, with rest = n where n divides 2^64 */
    const uint64_t one = (uint64_t)1 << (64 - SD_WORD_BITS), last_word = ((uint64_t)0 - one) / one;
    const uint64_t quotient = last_word / n, rest = last_word % n + 1;
    const size_t corrected = (size_t)(rest > n / 2 ? n - rest : rest);
    const uint64_t nearest = quotient + (rest > n / 2), other = quotient + (rest <= n / 2);
    const uint64_t capacity = capacity_of(bits);
    const uint64_t s = fill_equal_heavies(buckets, bits, n, 0, corrected, 0, other * one - capacity);
    fill_equal_heavies(buckets, bits, n, corrected, n, s, nearest * one - capacity);
}

#endif
