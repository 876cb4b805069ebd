/* Filters over draw_body.h: items gathered in a list, and where a set ends that takes the largest first,
 * by partition around pivots. */

/* What is left of a row, in its order, with the places that it had there. */
typedef struct {
    SD_REAL *x;
    uint32_t *index;
    size_t n;
} F(items);

static const uint32_t F(counting)[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Which of 64 items, of which `left` are there, are from low to high. */
SD_BODY uint64_t F(between)(const SD_REAL *x, size_t left, SD_PACK low, SD_PACK high) {
    uint64_t found = 0;
    for (size_t i = 0; i < 64 && i < left; i += 2 * SD_WIDTH) {
        const SD_PACK a = F(load_up_to)(x + i, left - i);
        const SD_PACK b = left - i > SD_WIDTH ? F(load_up_to)(x + i + SD_WIDTH, left - i - SD_WIDTH)
                                              : P(set1)(-(SD_REAL)INFINITY);
        found |= (uint64_t)P(mask_between)(a, b, low, high) << i;
    }
    return found;
}

/* Appends those of items i to i + n of a row that are from low to high. n <= SD_LIST */
SD_BODY void F(append)(F(items) * items, const SD_REAL *x, size_t n, size_t i, SD_REAL low, SD_REAL high) {
    const SD_PACK from = P(set1)(low), to = P(set1)(high);
    uint64_t found[SD_LIST / 64];
    size_t count = 0;
    for (size_t j = 0; j < n; j += 64) {
        found[j / 64] = n - j >= 64 ? F(between)(x + j, 64, from, to) : F(between)(x + j, n - j, from, to);
        count += SD_COUNT_BITS(found[j / 64]);
    }
    SD_REAL *value = items->x + items->n;
    uint32_t *index = items->index + items->n;
    items->n += count;
    if (count > n / 8) {
        for (size_t j = 0; j < n; j += SD_WIDTH) {
            const unsigned mask = (unsigned)(found[j / 64] >> j % 64) & ((1u << SD_WIDTH) - 1);
            P(compress)(value, F(load_up_to)(x + j, n - j), mask);
            P(compress_index)(index, F(counting), (uint32_t)(i + j), mask);
            value += SD_COUNT_BITS(mask);
            index += SD_COUNT_BITS(mask);
        }
        return;
    }
    uint32_t *at = index;
    for (size_t j = 0; j < n; j += 64) {
        uint64_t each = found[j / 64];
        uint32_t *const next = at + SD_COUNT_BITS(each);
        do { /* four, whether there are as many or not: where a loop ends at each is guessed wrong */
            SD_UNROLL for (int k = 0; k < 4; k++, each &= each - 1)
                *at++ = (uint32_t)(i + j) + SD_FIRST_BIT(each | UINT64_C(1) << 63);
        } while (each);
        at = next;
    }
    for (size_t k = 0; k < count; k++) value[k] = x[index[k] - i];
}

/* What is from low to high; stops past `most`. Groups of items, if their maxima are given, are passed
 * over where those are below it. */
static SD_NOINLINE void F(gather)(F(items) * items, const sd_source *row, SD_REAL low, SD_REAL high,
                                  size_t group, const SD_REAL *groups, size_t most) {
    SD_REAL room[SD_LIST];
    items->n = 0;
    for (size_t i = 0; i < row->n && items->n <= most; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = NULL;
        for (size_t j = 0; j < count; j += group) {
            if (groups && !(*groups++ >= low)) continue;
            if (!x) x = F(fetch)(row, i, count, room);
            F(append)(items, x + j, count - j < group ? count - j : group, i + j, low, high);
        }
    }
}

/* What is at least `low`. */
static void F(gather_from)(F(items) * items, const sd_source *row, SD_REAL low, size_t group,
                           const SD_REAL *groups, size_t most) {
    F(gather)(items, row, low, SD_LARGEST, group, groups, most);
}

/* Keeps what is above `least`, and the first `ties` that are equal to it. */
static void F(keep)(F(items) * items, SD_REAL least, size_t ties) {
    const SD_PACK limit = P(set1)(least);
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i += SD_WIDTH) {
        const SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
        const unsigned from = P(mask_ge)(pack, limit), above = from & ~P(mask_ge)(limit, pack);
        unsigned equal = from & ~above, some = 0;
        if (SD_COUNT_BITS(equal) > ties) { /* the first of them */
            for (size_t left = ties; left > 0; left--, equal &= equal - 1) some |= equal & (0u - equal);
            equal = some;
        }
        ties -= SD_COUNT_BITS(equal);
        P(compress)(items->x + kept, pack, above | equal);
        P(compress_index)(items->index + kept, items->index + i, 0, above | equal);
        kept += SD_COUNT_BITS(above | equal);
    }
    items->n = kept;
}

/* Keeps what has at least a mass. */
static void F(keep_masses)(F(items) * items, const F(law) * law, SD_REAL least) {
    const SD_PACK limit = P(set1)(least);
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i += SD_WIDTH) {
        const SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
        SD_PACK e;
        F(masses)(law, 1, &pack, law->moved, &e);
        const size_t left = items->n - i;
        const unsigned mask = P(mask_ge)(e, limit) & (left < SD_WIDTH ? (1u << left) - 1 : ~0u);
        P(compress)(items->x + kept, pack, mask);
        P(compress_index)(items->index + kept, items->index + i, 0, mask);
        kept += SD_COUNT_BITS(mask);
    }
    items->n = kept;
}

/* Where a set ends that takes the largest items first: all above `least`, which weigh `above`, and the
 * first `ties` equal to it. */
typedef struct {
    SD_REAL least;
    size_t ties;
    double above;
} F(end);

/* The smallest number of `equal` items of one mass with which `with` reaches the target; all reach it. */
SD_INLINE size_t F(ties_reaching)(double with, double one, size_t equal, double target) {
    size_t low = 1, high = equal;
    while (low < high) {
        const size_t half = low + (high - low) / 2;
        if (with + (double)half * one >= target) high = half;
        else low = half + 1;
    }
    return low;
}

/* One of n items, near the middle of nine of them. */
static SD_REAL F(pivot)(const SD_REAL *x, size_t n) {
    SD_REAL some[9];
    uint32_t random = (uint32_t)n;
    for (int i = 0; i < 9; i++) {
        random = random * 1664525u + 1013904223u;
        const SD_REAL value = x[(size_t)(((uint64_t)random * n) >> 32)];
        int j = i;
        for (; j > 0 && some[j - 1] < value; j--) some[j] = some[j - 1];
        some[j] = value;
    }
    return some[4];
}

/* Finds the end of the smallest set whose weight, with `base` added, reaches the target, each item
 * weighing its mass, or 1 if the law is NULL. Partitions x, which it destroys. 0 if all weigh too little.
 * x has no NaN. */
SD_BODY int F(find_end)(F(end) * end, const F(law) * law, const int weighted, const int moved,
                          SD_REAL *x, size_t n, double base, double target) {
    const SD_PACK zero = P(set1)(0);
    while (n > 0) {
        const SD_REAL pivot = F(pivot)(x, n);
        const SD_PACK middle = P(set1)(pivot);
        f64x8 sum = f64_set1(0);
        size_t above = 0, equal = 0;
        for (size_t i = 0; i < n; i += SD_WIDTH) {
            const SD_PACK pack = F(load_up_to)(x + i, n - i);
            const unsigned valid = n - i < SD_WIDTH ? (1u << (n - i)) - 1 : (1u << SD_WIDTH) - 1;
            const unsigned from = P(mask_ge)(pack, middle) & valid;
            const unsigned up_to = P(mask_ge)(middle, pack) & valid;
            above += SD_COUNT_BITS(from & ~up_to);
            equal += SD_COUNT_BITS(from & up_to);
            if (weighted) {
                SD_PACK e;
                F(weights)(law, 1, &pack, moved, &e);
                sum = f64_add(sum, A(widened)(P(where_ge)(middle, pack, zero, e)));
            }
        }
        const double weight = weighted ? f64_total(sum) : (double)above;
        const double one = weighted ? F(weight)(law, pivot) : 1, with = base + weight;
        const int is_above = above > 0 && with >= target;
        if (!is_above && with + (double)equal * one >= target) {
            end->least = pivot;
            end->ties = F(ties_reaching)(with, one, equal, target);
            end->above = with;
            return 1;
        }
        if (!is_above) base = with + (double)equal * one;
        size_t kept = 0;
        for (size_t i = 0; i < n; i += SD_WIDTH) {
            const SD_PACK pack = F(load_up_to)(x + i, n - i);
            const unsigned valid = n - i < SD_WIDTH ? (1u << (n - i)) - 1 : (1u << SD_WIDTH) - 1;
            const unsigned mask = (is_above ? ~P(mask_ge)(middle, pack) : ~P(mask_ge)(pack, middle)) & valid;
            P(compress)(x + kept, pack, mask);
            kept += SD_COUNT_BITS(mask);
        }
        n = kept;
    }
    return 0;
}

static SD_NOINLINE int F(end_by_count)(F(end) * end, SD_REAL *x, size_t n, double target) {
    return F(find_end)(end, NULL, 0, 0, x, n, 0, target);
}

static SD_NOINLINE int F(end_by_mass)(F(end) * end, const F(law) * law, SD_REAL *x, size_t n,
                                      double base, double target) {
    return law->moved ? F(find_end)(end, law, 1, 1, x, n, base, target)
                      : F(find_end)(end, law, 1, 0, x, n, base, target);
}

/* What a row is filtered with: everything ready, and scratch in its places. */
typedef struct {
    const A(temperature) * ready;
    double t;
    size_t top_k;
    double top_p, min_p;
    F(items) items;
    SD_REAL *work, *groups;
} F(filter);

/* Where a set of what is left ends, by mass, or by count if the law is NULL. */
static int F(end_of_items)(const F(filter) * f, F(end) * end, const F(law) * law, double target) {
    memcpy(f->work, f->items.x, f->items.n * sizeof *f->work);
    return law ? F(end_by_mass)(end, law, f->work, f->items.n, 0, target)
               : F(end_by_count)(end, f->work, f->items.n, target);
}

/* How many items go together so that the k-th largest of their maxima, which at least k items reach, is
 * near the k-th largest item. */
SD_INLINE size_t F(group_for)(size_t k, size_t n) {
    size_t group = SD_LIST / 4;
    while (group > 2 * SD_WIDTH && n / group < 4 * k) group /= 2;
    return group;
}

/* top_k < n, with the maxima of groups there */
static void F(largest_k)(F(filter) * f, const sd_source *row, size_t group) {
    const double k = (double)f->top_k;
    const size_t count = (row->n + group - 1) / group;
    F(end) end;
    SD_REAL bound = -SD_LARGEST;
    if (count >= 2 * f->top_k) {
        memcpy(f->work, f->groups, count * sizeof *f->work);
        if (F(end_by_count)(&end, f->work, count, k) && end.least > bound) bound = end.least;
    }
    F(gather_from)(&f->items, row, bound, group, f->groups, row->n);
    if (F(end_of_items)(f, &end, NULL, k)) F(keep)(&f->items, end.least, end.ties);
}

/* How many of n items are p of them, where all have one mass. */
SD_INLINE size_t F(ties_of)(double p, size_t n) {
    const double wanted = p * (double)n;
    size_t ties = (size_t)wanted;
    if ((double)ties < wanted) ties++;
    return ties > 1 ? ties : 1;
}

/* top_p of what is left. Where all have one mass, it is counted: nothing is rounded then but p. */
static void F(nucleus)(F(filter) * f, F(law) * law) {
    F(items) *items = &f->items;
    const SD_PACK max = P(set1)(law->max), least = P(set1)(law->least);
    size_t largest = 0, possible = 0;
    for (size_t i = 0; i < items->n; i += SD_WIDTH) {
        const SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
        largest += SD_COUNT_BITS(P(mask_ge)(pack, max));
        possible += SD_COUNT_BITS(P(mask_ge)(pack, least));
    }
    F(end) end = {law->max, F(ties_of)(f->top_p, largest), 0};
    if (largest < possible) {
        F(weigh_by_largest)(law);
        const int count = f->ready->limit == SD_ALL_EQUAL;
        const double all = count ? (double)possible : F(sum)(law, items->x, items->n);
        if (!F(end_of_items)(f, &end, count ? NULL : law, f->top_p * all)) return;
    }
    F(keep)(items, end.least, end.ties);
}

/* The least real that is at least a positive double. */
SD_INLINE SD_REAL F(not_below)(double a) {
    SD_REAL r = (SD_REAL)a;
    return (double)r < a ? A(next_up)(r) : r;
}

/* min_p of what is left. */
static SD_REAL F(least_mass)(const F(filter) * f, const F(law) * law) {
    return F(not_below)(f->min_p * F(mass)(law, law->max));
}
