/* Units to buckets: who fills what is missing in whose bucket.
 *
 * With capacity = 2^64 / buckets, a category with fewer units than that is light (so are the
 * buckets past the last category, with none), one with more is heavy, one with as many is full.
 * The arrangement, which is part of a stream's definition: lights and heavies are taken in the order
 * of their indices. The first heavy fills the buckets of lights, in that order, and is their alias,
 * until it has no more than the capacity left. Then it fills its own bucket with that, and the next
 * heavy fills what is missing there, as its alias, and goes on.
 *
 * So with d[j] what the lights before the j-th lack, and s[k] what the heavies up to the k-th have
 * over, light j is filled by the first heavy k with s[k] > d[j]; and that k has its own bucket filled
 * by k + 1, after the first j lights with d[j] >= s[k]: the buckets' order is a merge of the two
 * sequences, which can be cut anywhere and gone through from all cuts at once. That hides what a
 * step waits for, and a step needs no branch. d and s are below 2^64, the sum of all. */
#include "compiler.h"
#include "softdraw.h"

#include "alias_weights.h"

#include <string.h>

enum {
    WINDOW = 1024, /* lights, and heavies, looked at together: both fit the first cache */
    CHAINS = 4
};

/* A light with d and its index, or a heavy with s. */
typedef struct { uint64_t sum, index; } entry;

/* Lights, or heavies, in the order of their indices, a window at a time. */
typedef struct {
    const uint64_t *marks;
    size_t word, words;       /* of marks: the next one, and how many there are */
    uint64_t bits;            /* what is left of the one before that */
    size_t padding, end;      /* buckets past the last category: the next one, and their end */
    uint64_t sum;             /* after all that the window has */
    size_t next, count;       /* in the window: what is left of it is from next to count */
    entry window[WINDOW + 1]; /* window[count] has the sum */
} list;

static void open_list(list *list, const uint64_t *marks, size_t n, size_t end) {
    list->marks = marks;
    list->word = 0;
    list->words = n / 64 + (n % 64 > 0);
    list->bits = 0;
    list->padding = n;
    list->end = end;
    list->sum = 0;
    list->next = list->count = 0;
}

static int at_end(const list *list) {
    return !list->bits && list->word == list->words && list->padding == list->end;
}

/* Moves what is left to the front of the window, and fills up the rest. */
SD_INLINE void refill(list *list, const uint64_t *units, uint64_t capacity, int heavy) {
    size_t count = list->count - list->next;
    memmove(list->window, list->window + list->next, count * sizeof(entry));
    uint64_t sum = list->sum, bits = list->bits;
    while (count < WINDOW && (bits || list->word < list->words)) {
        if (!bits) bits = list->marks[list->word++];
        for (; bits && count < WINDOW; bits &= bits - 1) {
            const size_t i = 64 * (list->word - 1) + sd_lowest(bits);
            if (heavy) sum += units[i] - capacity;
            list->window[count].sum = sum;
            list->window[count++].index = i;
            if (!heavy) sum += capacity - units[i];
        }
    }
    while (count < WINDOW && list->padding < list->end) {
        list->window[count].sum = sum;
        list->window[count++].index = list->padding++;
        sum += capacity;
    }
    list->window[count].sum = list->sum = sum;
    list->bits = bits;
    list->next = 0;
    list->count = count;
}

/* Of the first `steps` steps of the merge, how many are lights (a binary search). */
static size_t lights_among(size_t steps, const entry *light, size_t lights, const entry *heavy,
                           size_t heavies) {
    size_t low = steps > heavies ? steps - heavies : 0, high = steps < lights ? steps : lights;
    while (low < high) {
        const size_t j = low + (high - low) / 2;
        if (heavy[steps - j - 1].sum > light[j].sum) low = j + 1;
        else high = j;
    }
    return low;
}

/* How many steps it takes until either is used up. */
static size_t steps_of(const entry *light, size_t lights, const entry *heavy, size_t heavies) {
    size_t low = 0, high;
    if (!lights || !heavies) return lights + heavies;
    if (heavy[heavies - 1].sum > light[lights - 1].sum) {
        for (high = heavies; low < high;) {
            const size_t k = low + (high - low) / 2;
            if (heavy[k].sum <= light[lights - 1].sum) low = k + 1;
            else high = k;
        }
        return lights + low;
    }
    for (high = lights; low < high;) {
        const size_t j = low + (high - low) / 2;
        if (light[j].sum < heavy[heavies - 1].sum) low = j + 1;
        else high = j;
    }
    return heavies + low;
}

/* Writes the bucket of the next light or the next heavy. */
SD_INLINE void step(const entry **light, const entry **heavy, uint64_t *buckets, unsigned bits) {
    const entry *l = *light, *h = *heavy;
    const uint64_t d = l->sum, s = h->sum;
    const size_t filled = s > d, followed = s < d; /* a heavy that ends full has no alias but itself */
    const uint64_t mask = (uint64_t)0 - filled;
    const uint64_t index = h->index ^ ((h->index ^ l->index) & mask);
    const uint64_t keep = (s & ~mask) + (d & mask) - ((d & ~mask) + (l[1].sum & mask));
    buckets[index] = keep << bits | h[followed].index;
    *light = l + filled;
    *heavy = h + 1 - filled;
}

static void merge(const entry *light, size_t lights, const entry *heavy, size_t heavies,
                  size_t steps, uint64_t *buckets, unsigned bits) {
    const entry *l[CHAINS], *h[CHAINS];
    const size_t each = steps / CHAINS;
    for (size_t c = 0; c < CHAINS; c++) {
        const size_t j = lights_among(c * each, light, lights, heavy, heavies);
        l[c] = light + j;
        h[c] = heavy + (c * each - j);
    }
    for (size_t i = 0; i < each; i++) {
        step(&l[0], &h[0], buckets, bits);
        step(&l[1], &h[1], buckets, bits);
        step(&l[2], &h[2], buckets, bits);
        step(&l[3], &h[3], buckets, bits);
    }
    for (size_t i = CHAINS * each; i < steps; i++) step(&l[3], &h[3], buckets, bits);
}

void sd_alias_arrange(uint64_t *buckets, unsigned bits, size_t n, const uint64_t *light,
                      const uint64_t *heavy) {
    const uint64_t capacity = (uint64_t)1 << (64 - bits);
    const size_t end = (size_t)1 << bits;
    for (size_t word = 0; 64 * word < n; word++) {
        const uint64_t valid = n - 64 * word < 64 ? ((uint64_t)1 << n % 64) - 1 : ~(uint64_t)0;
        for (uint64_t full = valid & ~(light[word] | heavy[word]); full; full &= full - 1) {
            const size_t i = 64 * word + sd_lowest(full);
            buckets[i] = i;
        }
    }

    list lights, heavies;
    open_list(&lights, light, n, end);
    open_list(&heavies, heavy, n, n);
    for (;;) {
        refill(&lights, buckets, capacity, 0);
        refill(&heavies, buckets, capacity, 1);
        const entry *l = lights.window, *h = heavies.window;
        /* the last heavy of a window waits until the one that fills its bucket is known */
        const size_t last = heavies.count - !at_end(&heavies);
        if (!lights.count && !last) return;
        const size_t steps = steps_of(l, lights.count, h, last);
        lights.next = lights_among(steps, l, lights.count, h, last);
        heavies.next = steps - lights.next;
        merge(l, lights.count, h, last, steps, buckets, bits);
    }
}
