/* Draws from logits of one floating-point type, over the exponential of exp2_f32.h or exp2_f64.h.
 *
 * An item's mass is its exponential, rounded; a word w draws the first item, in the order of the row,
 * at which the masses add up to more than w / 2^64 of their total. So a row is read once for the mass of
 * each block, relative to the largest item so far, and then only the block that the word falls into.
 * The filters say which items are left, as a short list where they leave few, and otherwise as a bound
 * that masses are made with. Nothing is sorted: what is near the bound is gathered, and a bound found
 * there by partition. */

/* items whose masses are kept at once, a multiple of what a word of mask bits holds */
#define SD_LIST (64 * SD_WIDTH)
/* blocks of a row; a row longer than their product has longer blocks, which are searched in turn */
#define SD_BLOCKS 256
/* the shortest row that top_p takes samples of */
#define SD_SAMPLED 4096

/* ---- reading -------------------------------------------------------------------------------- */

SD_INLINE SD_PACK F(read)(const sd_source *row, size_t i) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    const size_t left = row->n - i;
    SD_PACK x = A(items_at)(row->x, row->format, i, left);
    if (row->allowed) {
        uint8_t last[16] = {0};
        if (left < 16) memcpy(last, row->allowed + i, left);
        x = P(where_bit)(sd_bits_of_bytes(left < 16 ? last : row->allowed + i), x, lowest);
    } else if (row->bits) {
        x = P(where_bit)(row->bits[i / 32] >> i % 32, x, lowest);
    }
    return x;
}

/* Items i to i + count <= i + SD_LIST as reals, -inf where they are masked out: where they lie if they
 * are, else in `room`, which holds SD_LIST. i is a multiple of 64. */
static const SD_REAL *F(fetch)(const sd_source *row, size_t i, size_t count, SD_REAL *room) {
    if (row->format == SD_NATIVE && !row->allowed && !row->bits) return (const SD_REAL *)row->x + i;
    for (size_t j = 0; j < count; j += SD_WIDTH) P(store)(room + j, F(read)(row, i + j));
    return room;
}

/* The largest of each group of `group` items, a divisor of SD_LIST and of at least two packs, and of
 * all; NaN if any item is. groups may be NULL. */
static SD_REAL F(maxima)(const sd_source *row, size_t group, SD_REAL *groups) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK seen = P(set1)(0), all = lowest;
    SD_REAL room[SD_LIST];
    for (size_t i = 0; i < row->n; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = F(fetch)(row, i, count, room);
        for (size_t j = 0; j < count; j += group) {
            const size_t end = count - j < group ? count : j + group;
            SD_PACK a = lowest, b = lowest;
            size_t k = j;
            for (; end - k >= 2 * SD_WIDTH; k += 2 * SD_WIDTH) {
                const SD_PACK first = P(load)(x + k), second = P(load)(x + k + SD_WIDTH);
                a = P(max)(first, a);
                b = P(max)(second, b);
                seen = P(or_nan)(seen, first, second);
            }
            for (; k < end; k += SD_WIDTH) {
                const SD_PACK pack = F(load_up_to)(x + k, end - k);
                a = P(max)(pack, a);
                seen = P(or_nan)(seen, pack, pack);
            }
            a = P(max)(a, b);
            all = P(max)(a, all);
            if (groups) *groups++ = P(largest)(a);
        }
    }
    return P(mask_ge)(seen, seen) == (1u << SD_WIDTH) - 1 ? P(largest)(all) : (SD_REAL)NAN;
}

/* The first item that no draw can be made with, or n. */
static size_t F(first_bad)(const sd_source *row) {
    for (size_t i = 0; i < row->n; i += SD_WIDTH) {
        SD_REAL x[SD_WIDTH];
        P(store)(x, F(read)(row, i));
        for (size_t j = 0; j < SD_WIDTH; j++)
            if (!(x[j] <= SD_LARGEST)) return i + j;
    }
    return row->n;
}

/* ---- masses --------------------------------------------------------------------------------- */

/* How items get their masses, and which are left: above `least`, or equal to it and not after `last`,
 * and of at least least_mass. */
typedef struct {
    A(reduction) reduction;
    SD_REAL max, least, least_mass;
    size_t last;
    int moved;
    A(inverse) unit; /* what filters weigh masses with, 1 or one over the largest */
} F(law);

/* Where unequal temperatures and maxima are their limits, all that is left has one mass. Items so
 * unlikely that softmax gives them 0 are left out: the word 0 would draw the first of a row. */
static F(law) F(law_make)(const A(temperature) * ready, double t, SD_REAL max, size_t n) {
    F(law) law = {0};
    law.max = max;
    law.last = SIZE_MAX;
    law.unit.high = P(set1)(1);
    law.unit.low = P(set1)(0);
    if (ready->all_equal || ready->only_max) {
        law.moved = 1;
        law.least = ready->only_max ? max : -SD_LARGEST;
        law.reduction = A(reduction_equal)();
    } else {
        double bits = SD_FAINT;
        for (size_t left = n - 1; left > 0; left /= 2) bits--;
        const double least = (double)max - t * (bits / SD_LOG2E_HI);
        law.moved = A(must_be_moved)(ready, max);
        law.least = least >= -SD_LARGEST ? (SD_REAL)least : -SD_LARGEST;
        law.reduction = law.moved ? A(reduction_moved)(ready, max) : A(reduction_plain)(ready, max);
    }
    return law;
}

SD_BODY void F(masses)(const F(law) * law, const int group, const SD_PACK *x, const int moved,
                       SD_PACK *e) {
    const SD_PACK zero = P(set1)(0), least = P(set1)(law->least);
    SD_PACK s[SD_MOST], q[SD_MOST];
    A(exponential)(&law->reduction, group, x, moved, 0, s, q);
    SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH e[u] = P(where_ge)(x[u], least, e[u], zero);
}

static double F(mass)(const F(law) * law, SD_REAL x) {
    SD_PACK pack = P(set1)(x);
    F(masses)(law, 1, &pack, law->moved, &pack);
    return (double)P(first)(pack);
}

/* What filters compare: masses in units of the largest, whose weight is a power of two then, so that no
 * sum of equal ones is rounded. */
SD_INLINE void F(weights)(const F(law) * law, const int group, const SD_PACK *x, const int moved,
                          SD_PACK *w) {
    F(masses)(law, group, x, moved, w);
    SD_EACH w[u] = P(fma)(w[u], law->unit.high, P(mul)(w[u], law->unit.low));
}

static double F(weight)(const F(law) * law, SD_REAL x) {
    SD_PACK pack = P(set1)(x);
    F(weights)(law, 1, &pack, law->moved, &pack);
    return (double)P(first)(pack);
}

static void F(weigh_by_largest)(F(law) * law) {
    const sd_sum largest = {F(mass)(law, law->max) * SD_UNSCALE, 0};
    law->unit = A(inverse_make)(largest);
}

SD_INLINE double F(sum_items)(const F(law) * law, const SD_REAL *x, size_t n, const int moved) {
    f64x8 sum = f64_set1(0);
    SD_PACK packs[SD_GROUP], e[SD_GROUP];
    size_t i = 0;
    const int group = SD_GROUP;
    for (; n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        F(weights)(law, group, packs, moved, e);
        SD_EACH sum = f64_add(sum, A(widened)(e[u]));
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(weights)(law, 1, packs, moved, e);
        sum = f64_add(sum, A(widened)(e[0]));
    }
    return f64_total(sum);
}

static double F(sum)(const F(law) * law, const SD_REAL *x, size_t n) {
    return law->moved ? F(sum_items)(law, x, n, 1) : F(sum_items)(law, x, n, 0);
}

/* ---- drawing -------------------------------------------------------------------------------- */

/* The masses of at most SD_LIST items, and what all packs before each, and at last all, have. */
typedef struct {
    SD_REAL mass[SD_LIST];
    double before[SD_LIST / SD_WIDTH + 1];
    size_t packs;
} F(list);

SD_INLINE void F(list_masses)(F(list) * list, const F(law) * law, const SD_REAL *x, size_t n,
                              const int moved) {
    const SD_PACK zero = P(set1)(0), least = P(set1)(law->least_mass);
    SD_PACK packs[SD_GROUP], e[SD_GROUP];
    size_t i = 0;
    const int group = SD_GROUP;
    for (; n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        F(masses)(law, group, packs, moved, e);
        SD_EACH P(store)(list->mass + i + (size_t)u * SD_WIDTH, P(where_ge)(e[u], least, e[u], zero));
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(masses)(law, 1, packs, moved, e);
        P(store)(list->mass + i, P(where_ge)(e[0], least, e[0], zero));
    }
}

/* Items first to first + n of a row; returns their mass. */
static double F(list_make)(F(list) * list, const F(law) * law, const SD_REAL *x, size_t n,
                           size_t first) {
    if (law->moved) F(list_masses)(list, law, x, n, 1);
    else F(list_masses)(list, law, x, n, 0);
    if (law->last < first + n) /* ties further on than the last one kept */
        for (size_t i = law->last < first ? 0 : law->last + 1 - first; i < n; i++)
            if (x[i] == law->least) list->mass[i] = 0;
    list->packs = (n + SD_WIDTH - 1) / SD_WIDTH;
    list->before[0] = 0;
    for (size_t p = 0; p < list->packs; p++)
        list->before[p + 1] =
            list->before[p] + f64_total(A(widened)(P(load)(list->mass + p * SD_WIDTH)));
    return list->before[list->packs];
}

/* The item at which masses add up to more than r, or the last that has any: sums that are rounded may
 * end a little before r. */
static size_t F(list_find)(const F(list) * list, double r) {
    size_t p = 0;
    while (p + 1 < list->packs && list->before[p + 1] <= r) p++;
    for (;; p--) {
        const SD_REAL *mass = list->mass + p * SD_WIDTH;
        double sum = list->before[p];
        size_t found = SD_WIDTH;
        for (size_t i = 0; i < SD_WIDTH; i++) {
            if (!(mass[i] > 0)) continue;
            found = i;
            sum += (double)mass[i];
            if (sum > r) break;
        }
        if (found < SD_WIDTH) return p * SD_WIDTH + found;
        if (p == 0) return 0; /* nothing has any mass, as in a row that changes meanwhile */
    }
}

/* What the blocks before each, and at last all, have. */
typedef struct {
    size_t length, count;
    double before[SD_BLOCKS + 1];
} F(blocks);

SD_INLINE size_t F(block_length)(size_t n) {
    size_t length = SD_LIST;
    while (n > length * SD_BLOCKS) length *= 2;
    return length;
}

/* From the blocks' own masses, in before[1] onwards. */
static void F(blocks_add_up)(F(blocks) * blocks) {
    blocks->before[0] = 0;
    for (size_t b = 0; b < blocks->count; b++) blocks->before[b + 1] += blocks->before[b];
}

/* Of items first to first + n, made with a law. */
static void F(blocks_of_law)(F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n) {
    F(list) list;
    SD_REAL room[SD_LIST];
    blocks->length = F(block_length)(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        for (; i < end; i += SD_LIST) {
            const size_t count = end - i < SD_LIST ? end - i : SD_LIST;
            sum += F(list_make)(&list, law, F(fetch)(row, first + i, count, room), count, first + i);
        }
        i = end;
        blocks->before[blocks->count + 1] = sum;
    }
    F(blocks_add_up)(blocks);
}

/* The item of first to first + n in whose block of mass r lies. */
static size_t F(blocks_find)(const F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n, double r) {
    size_t b = 0;
    while (b + 1 < blocks->count && blocks->before[b + 1] <= r) b++;
    while (b > 0 && blocks->before[b + 1] <= blocks->before[b]) b--; /* r is rounded, too */
    r -= blocks->before[b];
    const size_t start = b * blocks->length;
    const size_t length = n - start < blocks->length ? n - start : blocks->length;
    first += start;
    if (blocks->length > SD_LIST) {
        F(blocks) inner;
        F(blocks_of_law)(&inner, law, row, first, length);
        return F(blocks_find)(&inner, law, row, first, length, r);
    }
    F(list) list;
    SD_REAL room[SD_LIST];
    F(list_make)(&list, law, F(fetch)(row, first, length, room), length, first);
    return first + F(list_find)(&list, r);
}

/* ---- a row without filters ------------------------------------------------------------------- */

/* A block's mass, and the lane maxima of the next, as softmax's add_block has them. */
SD_INLINE double F(block_sum)(const A(reduction) * reduction, const SD_REAL *x, size_t n,
                              const SD_REAL *next, size_t n_next, SD_PACK *next_max) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    const A(reduction) r = *reduction;
    const size_t step = SD_GROUP * SD_WIDTH;
    SD_PACK s[SD_GROUP], q[SD_GROUP], packs[SD_GROUP], max = lowest;
    f64x8 sum = f64_set1(0);
    const int group = SD_GROUP;
    size_t i = 0;
    for (; n_next - i >= step; i += step) { /* the next block is not the longer one */
        SD_EACH max = P(max)(P(load)(next + i + (size_t)u * SD_WIDTH), max);
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        A(exponential)(&r, group, packs, 0, 0, s, q);
        SD_EACH sum = f64_add(sum, A(widened)(P(fma)(s[u], q[u], s[u])));
    }
    *next_max = P(max)(max, F(lane_max)(next + i, n_next - i));
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        A(exponential)(&r, 1, packs, 0, 0, s, q);
        sum = f64_add(sum, A(widened)(P(fma)(s[0], q[0], s[0])));
    }
    return f64_total(sum);
}

/* Blocks and law of a row in one pass, each block relative to the largest item so far. 0 where the row
 * must be moved, which its maximum decides. */
static int F(blocks_in_one_pass)(F(blocks) * blocks, F(law) * law, const A(temperature) * ready,
                                 double t, const sd_source *row) {
    const size_t n = row->n;
    SD_REAL room[2][SD_LIST], largest[SD_BLOCKS], max = -(SD_REAL)INFINITY;
    double power[SD_BLOCKS];
    A(reduction) reduction = A(reduction_plain)(ready, 0);
    size_t count = n < SD_LIST ? n : SD_LIST, at = 0;
    const SD_REAL *x = F(fetch)(row, 0, count, room[0]);
    SD_PACK lane_max = F(lane_max)(x, count);
    blocks->length = F(block_length)(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        SD_REAL top = -(SD_REAL)INFINITY;
        while (i < end) {
            const size_t left = n - i - count, n_next = left < SD_LIST ? left : SD_LIST;
            at ^= 1;
            const SD_REAL *next = F(fetch)(row, i + count, n_next, room[at]);
            const SD_REAL here = P(largest)(lane_max);
            if (here > top) top = here;
            if (here > max) {
                if (A(must_be_moved)(ready, here)) return 0;
                const double before = reduction.power;
                reduction = A(reduction_plain)(ready, max = here);
                sum *= sd_power_of_2(before - reduction.power);
            }
            if (here >= (SD_REAL)reduction.floor && max >= -SD_LARGEST) {
                sum += F(block_sum)(&reduction, x, count, next, n_next, &lane_max);
            } else { /* nothing but masked items, or as unlikely ones; NaN has no maximum */
                sum += F(count)(x, count, SD_LARGEST) * 0;
                lane_max = F(lane_max)(next, n_next);
            }
            i += count;
            x = next;
            count = n_next;
        }
        blocks->before[blocks->count + 1] = sum;
        power[blocks->count] = reduction.power;
        largest[blocks->count] = top;
    }
    *law = F(law_make)(ready, t, max, n);
    for (size_t b = 0; b < blocks->count; b++)
        blocks->before[b + 1] *= largest[b] >= law->least || !(blocks->before[b + 1] >= 0)
                                     ? sd_power_of_2(power[b] - reduction.power)
                                     : 0;
    F(blocks_add_up)(blocks);
    return 1;
}

SD_INLINE double F(share)(uint64_t word, double total) { return (double)word * 0x1p-64 * total; }

/* What is the matter with a row whose largest item, or sum, is no number. */
static int F(row_error)(const sd_source *row, size_t *where) {
    *where = F(first_bad)(row);
    return *where < row->n ? SOFTDRAW_ERROR_LOGIT : SOFTDRAW_ERROR_NOTHING;
}

/* Draws from all items, t > 0. */
static int F(draw_from_all)(const A(temperature) * ready, double t, const sd_source *row,
                            const uint64_t *words, size_t draws, int64_t *out, size_t *where) {
    const size_t n = row->n;
    if (n <= SD_LIST) {
        F(list) list;
        SD_REAL room[SD_LIST];
        const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
        const F(law) law = F(law_make)(ready, t, max, n);
        const double total = F(list_make)(&list, &law, F(fetch)(row, 0, n, room), n, 0);
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)F(list_find)(&list, F(share)(words[i], total));
        return SOFTDRAW_OK;
    }
    F(blocks) blocks;
    F(law) law;
    const int plain = !ready->all_equal && !ready->only_max &&
                      F(blocks_in_one_pass)(&blocks, &law, ready, t, row);
    if (!plain) {
        const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
        law = F(law_make)(ready, t, max, n);
        F(blocks_of_law)(&blocks, &law, row, 0, n);
    }
    const double total = blocks.before[blocks.count];
    if (!(total > 0)) return F(row_error)(row, where);
    for (size_t i = 0; i < draws; i++)
        out[i] = (int64_t)F(blocks_find)(&blocks, &law, row, 0, n, F(share)(words[i], total));
    return SOFTDRAW_OK;
}

/* At T = 0: the first of the largest. */
static int F(draw_largest)(const sd_source *row, size_t draws, int64_t *out, size_t *where) {
    const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
    const SD_PACK least = P(set1)(max);
    size_t i = 0;
    unsigned found = 0;
    for (; i < row->n; i += SD_WIDTH)
        if ((found = P(mask_ge)(F(read)(row, i), least)) != 0) break;
    while (found != 0 && !(found & 1)) {
        found >>= 1;
        i++;
    }
    if (found == 0) i = 0; /* a row that changes meanwhile */
    for (size_t d = 0; d < draws; d++) out[d] = (int64_t)i;
    return SOFTDRAW_OK;
}

/* ---- filters -------------------------------------------------------------------------------- */

/* What is left of a row, in its order, with the places that it had there. */
typedef struct {
    SD_REAL *x;
    uint32_t *index;
    size_t n;
} F(items);

static const uint32_t F(counting)[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* Appends what is at least a bound, or above it; stops past `most`. Groups of items, if their maxima are
 * given, are passed over where those are below it. */
static void F(gather)(F(items) * items, const sd_source *row, SD_REAL bound, const int strict,
                      size_t group, const SD_REAL *groups, size_t most) {
    const SD_PACK limit = P(set1)(bound);
    SD_REAL room[SD_LIST];
    items->n = 0;
    for (size_t i = 0; i < row->n && items->n <= most; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = NULL;
        for (size_t j = 0; j < count; j += group) {
            if (groups && !(strict ? *groups > bound : *groups >= bound)) {
                groups++;
                continue;
            }
            if (groups) groups++;
            if (!x) x = F(fetch)(row, i, count, room);
            const size_t end = count - j < group ? count : j + group;
            for (size_t k = j; k < end; k += SD_WIDTH) {
                const SD_PACK pack = F(load_up_to)(x + k, end - k);
                const unsigned left = (unsigned)(end - k < SD_WIDTH ? end - k : SD_WIDTH);
                const unsigned mask = strict ? ~P(mask_ge)(limit, pack) & ((1u << left) - 1)
                                             : P(mask_ge)(pack, limit);
                if (mask == 0) continue;
                P(compress)(items->x + items->n, pack, mask);
                P(compress_index)(items->index + items->n, F(counting), (uint32_t)(i + k), mask);
                items->n += SD_COUNT_BITS(mask);
            }
        }
    }
}

/* Keeps what is above `least`, and the first `ties` that are equal to it. */
static void F(keep)(F(items) * items, SD_REAL least, size_t ties) {
    const SD_PACK limit = P(set1)(least);
    size_t kept = 0;
    for (size_t i = 0; i < items->n; i += SD_WIDTH) {
        const SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
        const unsigned from = P(mask_ge)(pack, limit), above = from & ~P(mask_ge)(limit, pack);
        unsigned equal = from & ~above;
        while (SD_COUNT_BITS(equal) > ties) {
            unsigned highest = 1u << (SD_WIDTH - 1);
            while (!(equal & highest)) highest >>= 1;
            equal ^= highest;
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
SD_INLINE int F(find_end)(F(end) * end, const F(law) * law, const int weighted, const int moved,
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
            size_t low = 1, high = equal; /* the smallest number of ties that reaches it */
            while (low < high) {
                const size_t half = low + (high - low) / 2;
                if (with + (double)half * one >= target) high = half;
                else low = half + 1;
            }
            end->least = pivot;
            end->ties = low;
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
    F(gather)(&f->items, row, bound, 0, group, f->groups, row->n);
    memcpy(f->work, f->items.x, f->items.n * sizeof *f->work);
    if (F(end_by_count)(&end, f->work, f->items.n, k)) F(keep)(&f->items, end.least, end.ties);
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
        const double all = f->ready->all_equal ? (double)possible : F(sum)(law, items->x, items->n);
        memcpy(f->work, items->x, items->n * sizeof *f->work);
        if (!(f->ready->all_equal ? F(end_by_count)(&end, f->work, items->n, f->top_p * all)
                                  : F(end_by_mass)(&end, law, f->work, items->n, 0, f->top_p * all)))
            return;
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

/* ---- top_p of a long row --------------------------------------------------------------------- */

static SD_REAL F(item)(const sd_source *row, size_t i) {
    if (row->allowed ? !row->allowed[i] : row->bits ? !(row->bits[i / 32] >> i % 32 & 1) : 0)
        return -(SD_REAL)INFINITY;
    return A(item_at)(row->x, row->format, i);
}

/* One item at random of each of `count` parts of a row. */
static void F(take_samples)(const sd_source *row, SD_REAL *samples, size_t count) {
    const size_t part = row->n / count;
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525u + 1013904223u;
        const SD_REAL x = F(item)(row, i * part + (size_t)(((uint64_t)random * part) >> 32));
        samples[i] = x == x ? x : -(SD_REAL)INFINITY;
    }
}

/* A block's mass, that of what is above a band, and what is in the band: gathered, or if the band is
 * one value counted. */
typedef struct {
    SD_REAL low, high;
    double all, above;
    size_t equal;
} F(band);

SD_INLINE void F(split_block)(F(band) * band, F(items) * items, const F(law) * law, const SD_REAL *x,
                              size_t n, uint32_t first) {
    const SD_PACK low = P(set1)(band->low), high = P(set1)(band->high), zero = P(set1)(0);
    const int tied = band->low == band->high;
    SD_PACK packs[SD_GROUP], e[SD_GROUP];
    f64x8 all = f64_set1(0), above = all;
    size_t equal = 0;
    for (size_t i = 0; i < n; i += SD_GROUP * SD_WIDTH) {
        const int group = SD_GROUP;
        SD_EACH {
            const size_t at = i + (size_t)u * SD_WIDTH;
            packs[u] = n - i >= SD_GROUP * SD_WIDTH ? P(load)(x + at)
                       : at < n                     ? F(load_up_to)(x + at, n - at)
                                                    : P(set1)(-(SD_REAL)INFINITY);
        }
        F(masses)(law, group, packs, 0, e);
        SD_EACH all = f64_add(all, A(widened)(e[u]));
        SD_EACH above = f64_add(above, A(widened)(P(where_ge)(high, packs[u], zero, e[u])));
        SD_EACH {
            const unsigned mask = P(mask_ge)(packs[u], low) & P(mask_ge)(high, packs[u]);
            if (tied) {
                equal += SD_COUNT_BITS(mask);
            } else if (mask) {
                const uint32_t at = first + (uint32_t)i + (uint32_t)(u * SD_WIDTH);
                P(compress)(items->x + items->n, packs[u], mask);
                P(compress_index)(items->index + items->n, F(counting), at, mask);
                items->n += SD_COUNT_BITS(mask);
            }
        }
    }
    band->all = f64_total(all);
    band->above = f64_total(above);
    band->equal = equal;
}

/* Splits a row at a band, so that `blocks` gets what each block has above it and `equal`, if the band
 * is one value, how often each has that. Returns the mass of all. */
static double F(split)(F(filter) * f, const F(law) * law, const sd_source *row, F(band) * band,
                       F(blocks) * blocks, size_t *equal) {
    SD_REAL room[SD_LIST];
    double all = 0;
    f->items.n = 0;
    blocks->length = F(block_length)(row->n);
    blocks->count = 0;
    for (size_t i = 0; i < row->n; blocks->count++) {
        const size_t end = row->n - i < blocks->length ? row->n : i + blocks->length;
        double above = 0;
        size_t ties = 0;
        for (size_t count; i < end; i += count) {
            count = end - i < SD_LIST ? end - i : SD_LIST;
            F(split_block)(band, &f->items, law, F(fetch)(row, i, count, room), count, (uint32_t)i);
            all += band->all;
            above += band->above;
            ties += band->equal;
        }
        blocks->before[blocks->count + 1] = above;
        equal[blocks->count] = ties;
    }
    return all;
}

/* With the band split off: where top_p ends, written into the law, and what blocks have then. 0 if that
 * is not in the band, which becomes what is above it, or below. */
static int F(end_in_band)(F(filter) * f, F(law) * law, F(band) * band, F(blocks) * blocks,
                          const size_t *equal, const sd_source *row, double all) {
    const double target = f->top_p * all;
    double above = 0;
    for (size_t b = 0; b < blocks->count; b++) above += blocks->before[b + 1];
    F(end) end = {band->low, 0, 0};
    if (above > 0 && above >= target) {
        band->low = A(next_up)(band->high);
        band->high = SD_LARGEST;
        return 0;
    }
    if (band->low == band->high) {
        const double one = F(mass)(law, band->low);
        size_t ties = 0;
        for (size_t b = 0; b < blocks->count; b++) ties += equal[b];
        size_t low = 1, high = ties;
        while (low < high) {
            const size_t half = low + (high - low) / 2;
            if (above + (double)half * one >= target) high = half;
            else low = half + 1;
        }
        if (ties == 0 || above + (double)low * one < target) {
            band->high = A(next_down)(band->low);
            band->low = -SD_LARGEST;
            return 0;
        }
        if (above == 0 && all == (double)ties * one) low = F(ties_of)(f->top_p, ties);
        end.ties = low;
        for (size_t b = 0; b < blocks->count; b++) {
            const size_t here = equal[b] < low ? equal[b] : low;
            blocks->before[b + 1] += (double)here * one;
            low -= here;
            if (low == 0 && here > 0) { /* the last one kept is in this block */
                size_t i = b * blocks->length, left = here;
                for (;; i++)
                    if (F(item)(row, i) == band->low && --left == 0) break;
                law->last = i;
            }
        }
    } else {
        F(items) *items = &f->items;
        memcpy(f->work, items->x, items->n * sizeof *f->work);
        if (!F(end_by_mass)(&end, law, f->work, items->n, above, target)) {
            if (band->low > law->least) {
                band->high = A(next_down)(band->low);
                band->low = -SD_LARGEST;
                return 0;
            }
            end.least = law->least; /* sums that are rounded: all are kept */
            end.ties = SIZE_MAX;
        }
        F(keep)(items, end.least, end.ties);
        for (size_t i = 0; i < items->n; i += SD_WIDTH) {
            SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
            F(masses)(law, 1, &pack, 0, &pack);
            P(store)(f->work + i, pack);
        }
        for (size_t i = 0; i < items->n; i++) {
            blocks->before[items->index[i] / blocks->length + 1] += (double)f->work[i];
            if (items->x[i] == end.least) law->last = items->index[i];
        }
    }
    law->least = end.least;
    F(blocks_add_up)(blocks);
    return 1;
}

/* top_p of a long row with a plain law, as apply has it. */
static int F(nucleus_of_row)(F(filter) * f, F(law) * law, const sd_source *row, F(blocks) * blocks) {
    F(items) *items = &f->items;
    const size_t n = row->n;
    const size_t count = n / 64 < 256 ? 256 : n / 64 > 2048 ? 2048 : n / 64;
    SD_REAL *samples = f->groups;
    F(end) end, other;
    F(take_samples)(row, samples, count);
    memcpy(f->work, samples, count * sizeof *f->work);
    F(end_by_count)(&end, f->work, count, (double)(count / 64));
    SD_REAL bound = end.least >= -SD_LARGEST ? end.least : -SD_LARGEST;
    /* the largest, all of them, and what the rest may have */
    F(gather)(items, row, bound, 1, SD_LIST, NULL, n / 8);
    if (items->n > n / 8) {
        items->n = 0;
        bound = law->max;
    }
    const double certain = F(sum)(law, items->x, items->n);
    const double most = (double)(n - items->n) * F(mass)(law, bound);
    const double lower = f->top_p * certain * (1 - 0x1p-45);
    const double upper = f->top_p * (certain + most) * (1 + 0x1p-45);
    if (upper <= certain) {
        memcpy(f->work, items->x, items->n * sizeof *f->work);
        if (F(end_by_mass)(&end, law, f->work, items->n, 0, lower)) {
            memcpy(f->work, items->x, items->n * sizeof *f->work);
            if (F(end_by_mass)(&other, law, f->work, items->n, 0, upper) &&
                end.least == other.least && end.ties == other.ties) {
                F(keep)(items, end.least, end.ties);
                return 1;
            }
        }
    }
    /* an estimate of what the rest has, from the samples of it */
    double sum = 0, squares = 0;
    size_t rest = 0;
    for (size_t i = 0; i < count; i++) {
        if (samples[i] > bound) continue;
        const double mass = F(mass)(law, samples[i]);
        sum += mass;
        squares += mass * mass;
        f->work[rest++] = samples[i];
    }
    const double weight = rest > 0 ? (double)(n - items->n) / (double)rest : 0;
    const double off = 4 * weight * sqrt(squares), all = certain + weight * sum;
    F(band) band = {-SD_LARGEST, SD_LARGEST, 0, 0, 0};
    size_t equal[SD_BLOCKS];
    if (f->top_p * (all + off) <= certain) {
        SD_REAL room[SD_LIST];
        double total = 0;
        for (size_t i = 0; i < n; i += SD_LIST) {
            const size_t left = n - i < SD_LIST ? n - i : SD_LIST;
            total += F(sum)(law, F(fetch)(row, i, left, room), left);
        }
        memcpy(f->work, items->x, items->n * sizeof *f->work);
        if (F(end_by_mass)(&end, law, f->work, items->n, 0, f->top_p * total)) {
            F(keep)(items, end.least, end.ties);
            return 1;
        }
        band.high = bound;
    } else if (rest > 0 && F(end_by_mass)(&end, law, f->work, rest, 0, sum - (1 - f->top_p) * all / weight)) {
        /* the samples some ranks above and below the one where the rest should end */
        const double one = F(mass)(law, end.least);
        size_t below = 0;
        double below_squares = 0;
        rest = 0;
        for (size_t i = 0; i < count; i++) {
            if (samples[i] > bound) continue;
            f->work[rest++] = samples[i];
            if (samples[i] >= end.least) continue;
            const double mass = F(mass)(law, samples[i]);
            below_squares += mass * mass;
            below++;
        }
        const double ranks = (3 * sqrt(below_squares) + (1 - f->top_p) * off / weight) / one + 2;
        const double up = (double)(rest - below) - ranks, down = (double)(rest - below) + ranks;
        if (up >= 1 && F(end_by_count)(&other, f->work, rest, up)) band.high = other.least;
        rest = 0;
        for (size_t i = 0; i < count; i++)
            if (samples[i] <= bound) f->work[rest++] = samples[i];
        if (down <= (double)rest && F(end_by_count)(&other, f->work, rest, down)) band.low = other.least;
        if (!(band.low >= -SD_LARGEST)) band.low = -SD_LARGEST;
    }
    for (;;) {
        const double total = F(split)(f, law, row, &band, blocks, equal);
        if (F(end_in_band)(f, law, &band, blocks, equal, row, total)) return 0;
    }
}

/* ---- a row ---------------------------------------------------------------------------------- */

/* What min_p leaves has at least this logit, but for roundings. */
static SD_REAL F(min_p_bound)(const F(filter) * f, SD_REAL max) {
    const double below = f->t * sd_log1p((1 - f->min_p) / f->min_p);
    const double bound = (double)max - below - 1e-6 * ((max < 0 ? -(double)max : (double)max) + below);
    return bound >= -SD_LARGEST ? (SD_REAL)bound : -SD_LARGEST;
}

/* Leaves what the filters leave: in f->items, returning 1, or as the law says with the blocks' masses,
 * returning 0. Everything is ready but the maxima of groups, which top_k and min_p have use for. */
static int F(apply)(F(filter) * f, F(law) * law, F(blocks) * blocks, const sd_source *row, size_t group) {
    F(items) *items = &f->items;
    const size_t n = row->n;
    const int plain = !law->moved && n >= SD_SAMPLED;
    int is_short = 1;
    if (f->top_k < n) {
        F(largest_k)(f, row, group);
    } else if (f->top_p < 1 && plain) {
        is_short = F(nucleus_of_row)(f, law, row, blocks);
    } else if (f->top_p < 1 || !plain) {
        F(gather)(items, row, -SD_LARGEST, 0, SD_LIST, NULL, n);
    } else {
        const SD_REAL bound = F(min_p_bound)(f, law->max);
        F(gather)(items, row, bound, 0, group, f->groups, n / 8);
        is_short = items->n <= n / 8;
    }
    if (!is_short) {
        if (f->min_p > 0) {
            law->least_mass = F(least_mass)(f, law);
            F(blocks_of_law)(blocks, law, row, 0, n);
        }
        return 0;
    }
    *law = F(law_make)(f->ready, f->t, law->max, items->n);
    if (f->top_p < 1 && !(plain && f->top_k >= n)) F(nucleus)(f, law);
    if (f->min_p > 0) F(keep_masses)(items, law, F(least_mass)(f, law));
    return 1;
}

/* All that a law leaves, in f->items. */
static void F(gather_law)(F(filter) * f, const F(law) * law, const sd_source *row) {
    F(items) *items = &f->items;
    F(gather)(items, row, law->least, 0, SD_LIST, NULL, row->n);
    size_t ties = 0;
    for (size_t i = 0; i < items->n; i++) ties += items->x[i] == law->least && items->index[i] <= law->last;
    F(keep)(items, law->least, ties);
    F(keep_masses)(items, law, law->least_mass);
}

/* The logarithms of the probabilities that items drawn had among all of x. */
static void F(log_probabilities)(const F(filter) * f, const SD_REAL *x, size_t n, SD_REAL *drawn,
                                 size_t draws) {
    const F(log_row) all = F(log_row_make)(f->ready, x, n);
    const double log_sum = sd_log1p(all.excess.high);
    const A(log_writer) writer = A(log_writer_make)(f->t, all.max, log_sum);
    for (size_t i = 0; i < draws; i++)
        drawn[i] = f->t > DBL_MAX ? (SD_REAL)-log_sum + 0
                                  : P(first)(A(log_write)(&writer, P(set1)(drawn[i])));
}

/* The filters checked; logprobs may be NULL. */
static int F(draw_from_row)(F(filter) * f, const sd_source *row, const uint64_t *words, size_t draws,
                            int64_t *out, SD_REAL *logprobs, size_t *where) {
    const F(items) *items = &f->items;
    if (f->t == 0) {
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = 0;
        return F(draw_largest)(row, draws, out, where);
    }
    if (f->top_k >= row->n && f->top_p >= 1 && f->min_p <= 0) {
        const int error = F(draw_from_all)(f->ready, f->t, row, words, draws, out, where);
        if (error != SOFTDRAW_OK || !logprobs) return error;
        const int as_it_lies = row->format == SD_NATIVE && !row->allowed && !row->bits;
        if (!as_it_lies) F(gather)(&f->items, row, -SD_LARGEST, 0, SD_LIST, NULL, row->n);
        for (size_t i = 0; i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
        F(log_probabilities)(f, as_it_lies ? row->x : items->x, as_it_lies ? row->n : items->n,
                             logprobs, draws);
        return SOFTDRAW_OK;
    }
    const size_t group = F(group_for)(f->top_k < row->n ? f->top_k : 1, row->n);
    const SD_REAL max = F(maxima)(row, group, f->groups);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
    F(law) law = F(law_make)(f->ready, f->t, max, row->n);
    F(blocks) blocks;
    if (F(apply)(f, &law, &blocks, row, group)) {
        const sd_source left = {items->x, SD_NATIVE, NULL, NULL, items->n};
        const int error = F(draw_from_all)(f->ready, f->t, &left, words, draws, out, where);
        if (error != SOFTDRAW_OK) return error; /* only where a row changes meanwhile */
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = items->x[out[i]];
        for (size_t i = 0; i < draws; i++) out[i] = items->index[out[i]];
    } else {
        const double total = blocks.before[blocks.count];
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)F(blocks_find)(&blocks, &law, row, 0, row->n, F(share)(words[i], total));
        if (logprobs) F(gather_law)(f, &law, row);
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
    }
    if (logprobs) F(log_probabilities)(f, items->x, items->n, logprobs, draws);
    return SOFTDRAW_OK;
}

static int F(sample)(const sd_draws *all, size_t *where) {
    const softdraw_filters *by = all->filters;
    const size_t n = all->n, room = (n + 79) / 16 * 16;
    const size_t itemsize = all->format == SD_NATIVE ? sizeof(SD_REAL) : sizeof(uint16_t);
    double t = by->temperature ? by->temperature[0] : 1;
    A(temperature) ready = A(temperature_make)(t);
    F(filter) f = {0};
    f.ready = &ready;
    f.items.x = all->scratch;
    f.work = f.items.x ? f.items.x + room : NULL;
    f.groups = f.items.x ? f.work + room : NULL;
    f.items.index = f.items.x ? (uint32_t *)(f.groups + room / 16 + 4096) : NULL;
    for (size_t r = 0; r < all->rows; r++) {
        const ptrdiff_t at = (ptrdiff_t)r;
        const double next = by->temperature ? by->temperature[at * by->temperature_stride] : 1;
        if (next != t) ready = A(temperature_make)(t = next);
        const sd_source row = {
            (const char *)all->x + at * all->x_stride * (ptrdiff_t)itemsize, all->format,
            by->allowed ? by->allowed + at * by->allowed_stride : NULL,
            by->allowed_bits ? by->allowed_bits + at * by->allowed_bits_stride : NULL, n};
        f.t = t;
        f.top_k = by->top_k && by->top_k[at * by->top_k_stride] < n
                      ? (size_t)by->top_k[at * by->top_k_stride] : n;
        f.top_p = by->top_p ? by->top_p[at * by->top_p_stride] : 1;
        f.min_p = by->min_p ? by->min_p[at * by->min_p_stride] : 0;
        const int error = F(draw_from_row)(&f, &row, all->words + r * all->draws, all->draws,
                                           all->out + r * all->draws,
                                           all->logprobs ? (SD_REAL *)all->logprobs + r * all->draws : NULL,
                                           where);
        if (error != SOFTDRAW_OK) {
            *where = error == SOFTDRAW_ERROR_LOGIT ? r * n + *where : r;
            return error;
        }
    }
    return SOFTDRAW_OK;
}

#undef SD_LIST
#undef SD_BLOCKS
#undef SD_SAMPLED
