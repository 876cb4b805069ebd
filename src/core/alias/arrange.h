/* Units to buckets: who fills what is missing in whose bucket.
 *
 * With capacity = 2^64 / buckets, a category with fewer units than that is light (so are the
 * buckets past the last category, with none), one with more is heavy, one with as many is full.
 * The arrangement, which is part of a stream's definition: lights and heavies are taken in the order
 * of their indices. The first heavy fills the buckets of lights, in that order, and is their alias,
 * until it has no more than the capacity left. Then it fills its own bucket with that, and the next
 * heavy fills what is missing there, as its alias, and goes on.
 *
 * That is how `sweep` does it, well where lights or heavies come in long runs. Otherwise it waits
 * for a mispredicted branch at every second bucket. With d[j] what the lights before the j-th lack,
 * and s[k] what the heavies up to the k-th have over, light j is filled by the first heavy k with
 * s[k] > d[j]; and heavy k has its own bucket filled by the next one, after the first j lights with
 * d[j] >= s[k]: so buckets are completed as the two sequences are merged, and a merge can be cut
 * anywhere and gone through from all cuts at once, without branches. Both are below 2^64, the sum of
 * all units. */
#ifndef SD_ARRANGE_H
#define SD_ARRANGE_H
#include "weights.h"

#include <string.h>

enum {
    WINDOW = 1024, /* lights, and heavies, at a time: all about them fits the first cache */
    CHAINS = 3,
    RUN = 4 /* so many times more of one kind is worth a sweep */
};

static uint64_t capacity_of(unsigned bits) { return (uint64_t)1 << (64 - bits); }

/* The heavy that fills buckets, and what it has left, more than the capacity. */
typedef struct {
    const uint64_t *marks;
    size_t n, word; /* of marks, gone through but for `bits` */
    uint64_t bits;
    size_t index; /* n: there is none */
    uint64_t left;
} filler;

SD_INLINE void next_heavy(filler *heavy) {
    while (!heavy->bits) {
        if (64 * ++heavy->word >= heavy->n) {
            heavy->index = heavy->n;
            return;
        }
        heavy->bits = heavy->marks[heavy->word];
    }
    heavy->index = 64 * heavy->word + SD_FIRST_BIT(heavy->bits);
    heavy->bits &= heavy->bits - 1;
}

/* Fills the bucket of a light with so many units. */
SD_INLINE void fill(filler *heavy, size_t light, uint64_t unit, uint64_t *buckets, unsigned bits) {
    const uint64_t capacity = capacity_of(bits);
    buckets[light] = unit << bits | heavy->index;
    heavy->left -= capacity - unit;
    while (heavy->left <= capacity) {
        const size_t own = heavy->index;
        const uint64_t left = heavy->left;
        next_heavy(heavy);
        buckets[own] = left == capacity ? own : left << bits | heavy->index;
        if (heavy->index == heavy->n) { /* the last one ends full, and there is no light left */
            heavy->left = ~(uint64_t)0;
            return;
        }
        heavy->left = left + (buckets[heavy->index] - capacity);
    }
}

static void sweep(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                  const uint64_t *heavy) {
    filler filler = {heavy, n, 0, heavy[0], 0, 0};
    next_heavy(&filler);
    if (filler.index == n) return;
    filler.left = buckets[filler.index];
    for (size_t word = 0; 64 * word < n; word++) {
        for (uint64_t mark = light[word]; mark; mark &= mark - 1) {
            const size_t i = 64 * word + SD_FIRST_BIT(mark);
            fill(&filler, i, buckets[i], buckets, bits);
        }
    }
    for (size_t i = n; i < (size_t)1 << bits; i++) fill(&filler, i, 0, buckets, bits);
}

/* Lights, or heavies, in the order of their indices, a window at a time. */
typedef struct {
    const uint64_t *marks;
    size_t word, words;  /* of marks: the next one, and how many there are */
    size_t padding, end; /* buckets past the last category: the next one, and their end */
    size_t count;        /* in the window */
    uint64_t total;      /* of what all so far lack, or have over */
    uint64_t sum[WINDOW + 64], index[WINDOW + 64], keep[WINDOW + 64]; /* d or s; keep of lights only */
} list;

/* Together, so that one pointer reaches all of them. */
typedef struct { list light, heavy; } pair;

static void open_list(list *list, const uint64_t *marks, size_t n, size_t end) {
    list->marks = marks;
    list->word = 0;
    list->words = n / 64 + (n % 64 > 0);
    list->padding = n;
    list->end = end;
    list->count = 0;
    list->total = 0;
}

static int at_end(const list *list) { return list->word == list->words && list->padding == list->end; }

/* Drops the first `done` from the window and fills it up again. */
SD_INLINE void refill(list *list, size_t done, const uint64_t *units, unsigned bits, int heavy) {
    const uint64_t capacity = capacity_of(bits);
    size_t count = list->count - done;
    uint64_t total = list->total;
    memmove(list->sum, list->sum + done, count * sizeof *list->sum);
    memmove(list->index, list->index + done, count * sizeof *list->index);
    if (!heavy) memmove(list->keep, list->keep + done, count * sizeof *list->keep);
    for (; count <= WINDOW - 64 && list->word < list->words; list->word++) {
        for (uint64_t mark = list->marks[list->word]; mark; mark &= mark - 1) {
            const size_t i = 64 * list->word + SD_FIRST_BIT(mark);
            if (heavy) total += units[i] - capacity;
            list->sum[count] = total;
            if (!heavy) total += capacity - units[i];
            if (!heavy) list->keep[count] = units[i] << bits;
            list->index[count++] = i;
        }
    }
    if (list->word == list->words) {
        for (; count < WINDOW && list->padding < list->end; total += capacity) {
            list->sum[count] = total;
            list->keep[count] = 0;
            list->index[count++] = list->padding++;
        }
    }
    if (!heavy) list->sum[count] = total; /* what a heavy compares with when no light is left */
    list->total = total;
    list->count = count;
}

/* How many of the ascending sums are below x, or with `equal` not above it. */
static size_t rank(const uint64_t *sum, size_t count, uint64_t x, int equal) {
    size_t low = 0;
    while (low < count) {
        const size_t middle = low + (count - low) / 2;
        if (sum[middle] < x || (equal && sum[middle] == x)) low = middle + 1;
        else count = middle;
    }
    return low;
}

/* Of the first `steps` steps of the merge, how many are lights. */
static size_t lights_among(size_t steps, const list *light, size_t lights, const list *heavy,
                           size_t heavies) {
    size_t low = steps > heavies ? steps - heavies : 0, high = steps < lights ? steps : lights;
    while (low < high) {
        const size_t j = low + (high - low) / 2;
        if (light->sum[j] < heavy->sum[steps - j - 1]) low = j + 1;
        else high = j;
    }
    return low;
}

SD_INLINE uint64_t light_bucket(const pair *lists, size_t j, size_t k) {
    return lists->light.keep[j] | lists->heavy.index[k];
}

/* One that ends full has no alias but itself. */
SD_INLINE uint64_t heavy_bucket(const pair *lists, size_t j, size_t k, unsigned bits) {
    const uint64_t d = lists->light.sum[j], s = lists->heavy.sum[k];
    return (s - d) << bits | lists->heavy.index[k + (s < d)];
}

/* The first so many lights and heavies are the first steps of the merge. A step writes the buckets of
 * both its light and its heavy, of which one is right, and the other may be so later. */
static void merge(const pair *lists, size_t lights, size_t heavies, uint64_t *buckets, unsigned bits) {
    const list *const light = &lists->light, *const heavy = &lists->heavy;
    const size_t steps = lights + heavies, each = steps / CHAINS;
    size_t start[CHAINS], j[CHAINS], k[CHAINS];
    for (size_t c = 0; c < CHAINS; c++) {
        start[c] = j[c] = lights_among(c * each, light, lights, heavy, heavies);
        k[c] = c * each - j[c];
    }
    for (size_t i = 0; i < each + steps % CHAINS; i++) {
        SD_UNROLL for (size_t c = 0; c < CHAINS; c++) {
            if (i >= each && c < CHAINS - 1) continue; /* the last one takes what is left over */
            const size_t filled = light->sum[j[c]] < heavy->sum[k[c]];
            buckets[light->index[j[c]]] = light_bucket(lists, j[c], k[c]);
            buckets[heavy->index[k[c]]] = heavy_bucket(lists, j[c], k[c], bits);
            j[c] += filled;
            k[c] += 1 - filled;
        }
    }
    /* what a chain may have written over after the next one had it right */
    for (size_t c = 1; c < CHAINS; c++) {
        const size_t first_light = start[c], first_heavy = c * each - start[c];
        if (first_light < lights) {
            const size_t before = rank(heavy->sum, heavies, light->sum[first_light], 1);
            buckets[light->index[first_light]] = light_bucket(lists, first_light, before);
        }
        if (first_heavy < heavies) {
            const size_t before = rank(light->sum, lights, heavy->sum[first_heavy], 0);
            buckets[heavy->index[first_heavy]] = heavy_bucket(lists, before, first_heavy, bits);
        }
    }
}

static void merge_all(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                      const uint64_t *heavy) {
    pair lists;
    list *const l = &lists.light, *const h = &lists.heavy;
    open_list(l, light, n, (size_t)1 << bits);
    open_list(h, heavy, n, n);
    for (size_t lights = 0, heavies = 0;;) {
        refill(l, lights, buckets, bits, 0);
        refill(h, heavies, buckets, bits, 1);
        /* the last heavy of a window waits until the one that fills its bucket is known */
        lights = l->count;
        heavies = h->count - !at_end(h);
        if (!lights && !heavies) return;
        if (lights && heavies) { /* until either is used up */
            const uint64_t d = l->sum[lights - 1], s = h->sum[heavies - 1];
            if (d < s) heavies = rank(h->sum, heavies, d, 1);
            else lights = rank(l->sum, lights, s, 0);
        }
        if (lights) {
            merge(&lists, lights, heavies, buckets, bits);
        } else {
            for (size_t k = 0; k < heavies; k++) {
                buckets[h->index[k]] = heavy_bucket(&lists, 0, k, bits);
            }
        }
    }
}

static void arrange_units(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
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
    const int runs = lights / RUN > heavies || heavies / RUN > lights || lights + heavies < 64;
    (runs ? sweep : merge_all)(buckets, bits, n, light, heavy);
}

/* Heavies from k to `end`, each with `over` more than a bucket; s is what those before k have. */
SD_INLINE uint64_t fill_equal(uint64_t *buckets, unsigned bits, size_t n, size_t k, size_t end, uint64_t s,
                              uint64_t over) {
    const uint64_t capacity = capacity_of(bits);
    const size_t padding = ((size_t)1 << bits) - n;
    for (; k < end; k++) {
        /* the next light; all heavies until one reaches it are written, and that one stays */
        const size_t j = (size_t)((s + (capacity - 1)) >> (64 - bits));
        if (j < padding) buckets[n + j] = k;
        s += over;
        const uint64_t keep = s << bits; /* modulo the capacity; 0 if the heavy ends full */
        buckets[k] = keep | (k + (keep != 0));
    }
    return s;
}

static void arrange_equal_units(uint64_t *buckets, unsigned bits, size_t n) {
    if (n == 1) { /* it has all 2^64 units, which is no integer of 64 bits */
        buckets[0] = buckets[1] = 0;
        return;
    }
    /* 2^64 / n is less + rest / n; what is nearest to it is every unit but the first few */
    const uint64_t one = (uint64_t)1 << (64 - SD_WORD_BITS), most = ((uint64_t)0 - one) / one;
    const uint64_t less = most / n, rest = most % n + 1; /* which is n where n divides 2^64 */
    const size_t few = (size_t)(rest > n / 2 ? n - rest : rest);
    const uint64_t nearest = less + (rest > n / 2), other = less + (rest <= n / 2);
    const uint64_t capacity = capacity_of(bits);
    const uint64_t s = fill_equal(buckets, bits, n, 0, few, 0, other * one - capacity);
    fill_equal(buckets, bits, n, few, n, s, nearest * one - capacity);
}

#endif
