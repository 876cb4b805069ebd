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
    A(exponential)(&law->reduction, NULL, group, x, moved, 0, s, q);
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
 * end a little before r. SIZE_MAX if none has. */
static size_t F(list_find)(const F(list) * list, double r) {
    size_t p = 0;
    while (p + 1 < list->packs && list->before[p + 1] <= r) p++;
    const SD_REAL *mass = list->mass + p * SD_WIDTH;
    double sum = list->before[p];
    size_t i = 0;
    for (int lane = 0; lane < SD_WIDTH; lane++) { /* without a branch, which would be guessed wrong */
        sum += (double)mass[lane];
        i += sum <= r;
    }
    if (i < SD_WIDTH) return p * SD_WIDTH + i;
    for (i = (p + 1) * SD_WIDTH; i > 0; i--)
        if (list->mass[i - 1] > 0) return i - 1;
    return SIZE_MAX;
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

/* The item of first to first + n in whose block of mass r lies; SIZE_MAX if none has any mass. */
static size_t F(blocks_find)(const F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n, double r) {
    size_t b = 0, found = SIZE_MAX;
    while (b + 1 < blocks->count && blocks->before[b + 1] <= r) b++;
    /* a block without mass may have kept a rounding of it, and r may be all that there is */
    for (b++; b > 0 && found == SIZE_MAX; b--) {
        const size_t start = first + (b - 1) * blocks->length, left = first + n - start;
        const size_t length = left < blocks->length ? left : blocks->length;
        const double rest = r - blocks->before[b - 1];
        if (blocks->length > SD_LIST) {
            F(blocks) inner;
            F(blocks_of_law)(&inner, law, row, start, length);
            found = F(blocks_find)(&inner, law, row, start, length, rest);
        } else if (blocks->before[b] > blocks->before[b - 1]) {
            F(list) list;
            SD_REAL room[SD_LIST];
            F(list_make)(&list, law, F(fetch)(row, start, length, room), length, start);
            found = F(list_find)(&list, rest);
            if (found != SIZE_MAX) found += start;
        }
    }
    return found;
}

/* In a row that changes meanwhile there may be nothing left to find. */
SD_INLINE size_t F(some_item)(size_t found) { return found == SIZE_MAX ? 0 : found; }

/* ---- a row without filters ------------------------------------------------------------------- */

/* The mass of a block; or if `two` of what is above a bound, and of the rest, but that with roundings
 * of up to 2^-18 of it. */
typedef struct { double sum, rest; } F(sums);

/* Meanwhile the lane maxima of the next block, as softmax's add_block has them. */
SD_INLINE F(sums) F(block_sums)(const A(reduction) * reduction, const SD_REAL *x, size_t n,
                                SD_PACK *lane_max, const SD_REAL *next, size_t n_next, SD_REAL bound,
                                const int two) {
    const SD_PACK limit = P(set1)(bound), zero = P(set1)(0);
    const A(reduction) r = *reduction;
    const size_t step = SD_GROUP * SD_WIDTH;
    SD_PACK s[SD_GROUP], q[SD_GROUP], packs[SD_GROUP], e[SD_GROUP];
    SD_PACK max = P(set1)(-(SD_REAL)INFINITY);
    A(exponential)(&r, NULL, 1, lane_max, 0, 0, s, q);
    A(mass_sum) sum = A(mass_sum_make)(P(fma)(s[0], q[0], s[0]));
    SD_PACK rest = zero;
    const int group = SD_GROUP;
    size_t i = 0;
    for (; n_next - i >= step; i += step) { /* the next block is not the longer one */
        SD_EACH max = P(max)(P(load)(next + i + (size_t)u * SD_WIDTH), max);
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        A(exponential)(&r, NULL, group, packs, 0, 0, s, q);
        SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
        if (two) {
            SD_EACH rest = P(add)(rest, P(where_ge)(limit, packs[u], e[u], zero));
            SD_EACH e[u] = P(where_ge)(limit, packs[u], zero, e[u]);
        }
        A(mass_sum_add)(&sum, group, e);
    }
    *lane_max = P(max)(max, F(lane_max)(next + i, n_next - i));
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        A(exponential)(&r, NULL, 1, packs, 0, 0, s, q);
        e[0] = P(fma)(s[0], q[0], s[0]);
        if (two) {
            rest = P(add)(rest, P(where_ge)(limit, packs[0], e[0], zero));
            e[0] = P(where_ge)(limit, packs[0], zero, e[0]);
        }
        A(mass_sum_add)(&sum, 1, e);
    }
    const F(sums) sums = {A(mass_sum_total)(&sum), two ? f64_total(A(widened)(rest)) : 0};
    return sums;
}

/* The law of a row in one pass, each block being summed relative to the largest item so far, and what
 * the blocks have; or if `two` have above a bound, and in *rest all that is not. 0 where the row must be
 * moved, which its maximum decides. The sum is NaN if an item is. */
SD_INLINE int F(one_pass)(F(blocks) * blocks, F(law) * law, double *rest, const A(temperature) * ready,
                          double t, const sd_source *row, SD_REAL bound, const int two) {
    const size_t n = row->n;
    SD_REAL room[2][SD_LIST], largest[SD_BLOCKS], max = -(SD_REAL)INFINITY;
    double power[SD_BLOCKS], below = 0;
    A(reduction) reduction = A(reduction_plain)(ready, 0);
    size_t count = n < SD_LIST ? n : SD_LIST, at = 0;
    const SD_REAL *x = F(fetch)(row, 0, count, room[0]);
    SD_PACK lane_max = F(lane_max)(x, count);
    if (ready->all_equal || ready->only_max) return 0;
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
                below *= sd_power_of_2(before - reduction.power);
            }
            if (here >= (SD_REAL)reduction.floor && max >= -SD_LARGEST) {
                const F(sums) sums = F(block_sums)(&reduction, x, count, &lane_max, next, n_next, bound, two);
                sum += sums.sum;
                below += sums.rest;
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
    *rest = below;
    for (size_t b = 0; b < blocks->count; b++)
        blocks->before[b + 1] *= largest[b] >= law->least || blocks->before[b + 1] != blocks->before[b + 1]
                                     ? sd_power_of_2(power[b] - reduction.power)
                                     : 0;
    return 1;
}

static SD_NOINLINE int F(sum_blocks)(F(blocks) * blocks, F(law) * law, const A(temperature) * ready,
                                     double t, const sd_source *row) {
    double none;
    const int done = F(one_pass)(blocks, law, &none, ready, t, row, 0, 0);
    if (done) F(blocks_add_up)(blocks);
    return done;
}

static SD_NOINLINE int F(split_blocks)(F(blocks) * blocks, F(law) * law, double *rest,
                                       const A(temperature) * ready, double t, const sd_source *row,
                                       SD_REAL bound) {
    return F(one_pass)(blocks, law, rest, ready, t, row, bound, 1);
}

/* word / 2^64 of a total; in halves, since compilers ask a word for its top bit, which is random. */
SD_INLINE double F(share)(uint64_t word, double total) {
    return ((double)(int64_t)(word >> 32) * 0x1p-32 + (double)(int64_t)(word & 0xffffffff) * 0x1p-64) * total;
}

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
            out[i] = (int64_t)F(some_item)(F(list_find)(&list, F(share)(words[i], total)));
        return SOFTDRAW_OK;
    }
    F(blocks) blocks;
    F(law) law;
    if (!F(sum_blocks)(&blocks, &law, ready, t, row)) {
        const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
        law = F(law_make)(ready, t, max, n);
        F(blocks_of_law)(&blocks, &law, row, 0, n);
    }
    const double total = blocks.before[blocks.count];
    if (!(total > 0)) return F(row_error)(row, where);
    for (size_t i = 0; i < draws; i++)
        out[i] = (int64_t)F(some_item)(
            F(blocks_find)(&blocks, &law, row, 0, n, F(share)(words[i], total)));
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

/* Which of two packs are from low, or if `strict` above low, to high. */
SD_INLINE uint64_t F(between)(SD_PACK a, SD_PACK b, SD_PACK low, SD_PACK high, const int strict) {
    const unsigned from_a = strict ? ~P(mask_ge)(low, a) : P(mask_ge)(a, low);
    const unsigned from_b = strict ? ~P(mask_ge)(low, b) : P(mask_ge)(b, low);
    return (from_a & P(mask_ge)(high, a)) | (uint64_t)(from_b & P(mask_ge)(high, b)) << SD_WIDTH;
}

/* Appends those of items i to i + n of a row. n <= SD_LIST */
SD_INLINE void F(append)(F(items) * items, const SD_REAL *x, size_t n, size_t i, SD_REAL low, SD_REAL high,
                         const int strict) {
    const SD_PACK from = P(set1)(low), to = P(set1)(high), none = P(set1)(-(SD_REAL)INFINITY);
    const size_t step = 2 * SD_WIDTH;
    size_t count = items->n;
    for (size_t j = 0; j < n; j += step) {
        const size_t left = n - j;
        const SD_PACK a = left >= SD_WIDTH ? P(load)(x + j) : F(load_up_to)(x + j, left);
        const SD_PACK b = left >= step       ? P(load)(x + j + SD_WIDTH)
                          : left > SD_WIDTH ? F(load_up_to)(x + j + SD_WIDTH, left - SD_WIDTH)
                                            : none;
        uint64_t found = F(between)(a, b, from, to, strict);
        uint32_t *index = items->index + count;
        SD_REAL *value = items->x + count;
        const unsigned more = SD_COUNT_BITS((unsigned)found);
        count += more;
        if (more > SD_WIDTH / 2) {
            const unsigned low_half = (unsigned)found & ((1u << SD_WIDTH) - 1);
            const unsigned high_half = (unsigned)(found >> SD_WIDTH);
            P(compress)(value, a, low_half);
            P(compress_index)(index, F(counting), (uint32_t)(i + j), low_half);
            P(compress)(value + SD_COUNT_BITS(low_half), b, high_half);
            P(compress_index)(index + SD_COUNT_BITS(low_half), F(counting), (uint32_t)(i + j + SD_WIDTH),
                              high_half);
            continue;
        }
        for (; found; found &= found - 1) {
            const size_t at = j + SD_FIRST_BIT(found);
            *value++ = x[at];
            *index++ = (uint32_t)(i + at);
        }
    }
    items->n = count;
}

/* What is above a bound, or from it on; stops past `most`. Groups of items, if their maxima are given,
 * are passed over where those are below it. */
SD_INLINE void F(gather)(F(items) * items, const sd_source *row, SD_REAL bound, const int strict,
                         size_t group, const SD_REAL *groups, size_t most) {
    SD_REAL room[SD_LIST];
    items->n = 0;
    for (size_t i = 0; i < row->n && items->n <= most; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = NULL;
        for (size_t j = 0; j < count; j += group) {
            const SD_REAL largest = groups ? *groups++ : SD_LARGEST;
            if (strict ? !(largest > bound) : !(largest >= bound)) continue;
            if (!x) x = F(fetch)(row, i, count, room);
            F(append)(items, x + j, count - j < group ? count - j : group, i + j, bound, SD_LARGEST, strict);
        }
    }
}

static SD_NOINLINE void F(gather_from)(F(items) * items, const sd_source *row, SD_REAL bound,
                                       size_t group, const SD_REAL *groups, size_t most) {
    F(gather)(items, row, bound, 0, group, groups, most);
}

static SD_NOINLINE void F(gather_above)(F(items) * items, const sd_source *row, SD_REAL bound,
                                        size_t group, const SD_REAL *groups, size_t most) {
    F(gather)(items, row, bound, 1, group, groups, most);
}

/* What is from low to high, or if `strict` above low. */
static void F(gather_between)(F(items) * items, const sd_source *row, SD_REAL low, SD_REAL high,
                              int strict) {
    SD_REAL room[SD_LIST];
    items->n = 0;
    for (size_t i = 0; i < row->n; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = F(fetch)(row, i, count, room);
        if (strict) F(append)(items, x, count, i, low, high, 1);
        else F(append)(items, x, count, i, low, high, 0);
    }
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
    F(gather_from)(&f->items, row, bound, group, f->groups, row->n);
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

/* One item at random of each of `count` parts of a row; -inf for NaN. */
static void F(take_samples)(const sd_source *row, SD_REAL *samples, size_t count) {
    const double part = (double)row->n / (double)count;
    const int as_it_lies = row->format == SD_NATIVE && !row->allowed && !row->bits;
    const SD_REAL *x = row->x;
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525u + 1013904223u;
        const size_t at = (size_t)(((double)i + (double)random * 0x1p-32) * part);
        const SD_REAL value = as_it_lies ? x[at] : F(item)(row, at);
        samples[i] = value == value ? value : -(SD_REAL)INFINITY;
    }
}

/* Sums over samples, a whole number of packs, that are at least some value: of what weighs 1, the mass
 * and its square. Nothing that is drawn depends on how these are rounded. */
typedef struct { double count, mass, square; } F(moments);

static F(moments) F(moments_from)(const SD_REAL *samples, const SD_REAL *masses, size_t count,
                                  SD_REAL least) {
    const SD_PACK limit = P(set1)(least), zero = P(set1)(0), one = P(set1)(1);
    SD_PACK number = zero, mass = zero, square = zero;
    for (size_t i = 0; i < count; i += SD_WIDTH) {
        const SD_PACK x = P(load)(samples + i), m = P(where_ge)(x, limit, P(load)(masses + i), zero);
        number = P(add)(number, P(where_ge)(x, limit, one, zero));
        mass = P(add)(mass, m);
        square = P(fma)(m, m, square);
    }
    const F(moments) r = {f64_total(A(widened)(number)), f64_total(A(widened)(mass)),
                          f64_total(A(widened)(square))};
    return r;
}

/* About the largest sample such that from it on samples are at least so many, or have so much mass,
 * sought between two values; -SD_LARGEST if from `low` on they are less. */
SD_INLINE SD_REAL F(quantile)(const SD_REAL *samples, const SD_REAL *weights, size_t count, SD_REAL low,
                              SD_REAL high, double target) {
    const SD_PACK zero = P(set1)(0), one = P(set1)(1);
    SD_REAL try = low;
    for (int i = 0; i < 15; i++) {
        const SD_PACK limit = P(set1)(try);
        SD_PACK a = zero, b = zero;
        for (size_t j = 0; j < count; j += 2 * SD_WIDTH) {
            a = P(add)(a, P(where_ge)(P(load)(samples + j), limit,
                                      weights ? P(load)(weights + j) : one, zero));
            b = P(add)(b, P(where_ge)(P(load)(samples + j + SD_WIDTH), limit,
                                      weights ? P(load)(weights + j + SD_WIDTH) : one, zero));
        }
        if (f64_total(A(widened)(P(add)(a, b))) >= target) low = try;
        else if (i == 0) return -SD_LARGEST;
        else high = try;
        try = low / 2 + high / 2;
    }
    SD_PACK least = P(set1)(-high); /* a sample itself, in case that many items are like it */
    for (size_t j = 0; j < count; j += SD_WIDTH) {
        const SD_PACK x = P(load)(samples + j), limit = P(set1)(low);
        least = P(max)(P(where_ge)(x, limit, P(sub)(zero, x), least), least);
    }
    return -P(largest)(least);
}

static SD_NOINLINE SD_REAL F(of_rank)(const SD_REAL *samples, size_t count, SD_REAL low, SD_REAL high,
                                      double rank) {
    return F(quantile)(samples, NULL, count, low, high, rank > 1 ? rank : 1);
}

static SD_NOINLINE SD_REAL F(of_mass)(const SD_REAL *samples, const SD_REAL *masses, size_t count,
                                      SD_REAL low, SD_REAL high, double mass) {
    return F(quantile)(samples, masses, count, low, high, mass);
}

/* The sample of a rank that is likely to be a little below a bound, or the last that has any mass. */
static SD_REAL F(below)(const SD_REAL *samples, size_t count, SD_REAL least, SD_REAL bound, double rank) {
    const SD_REAL near = bound - (bound - least) / 16;
    if (rank > (double)count) rank = (double)count;
    const SD_REAL low = F(of_rank)(samples, count, near, bound, rank);
    return low > -SD_LARGEST ? low : F(of_rank)(samples, count, least, near, rank);
}

/* How often each block has a value. */
static size_t F(count_ties)(const sd_source *row, SD_REAL value, size_t length, size_t *ties) {
    const SD_PACK same = P(set1)(value);
    SD_REAL room[SD_LIST];
    size_t all = 0;
    for (size_t i = 0, b = 0; i < row->n; b++) {
        const size_t end = row->n - i < length ? row->n : i + length;
        ties[b] = 0;
        for (size_t count; i < end; i += count) {
            count = end - i < SD_LIST ? end - i : SD_LIST;
            const SD_REAL *x = F(fetch)(row, i, count, room);
            for (size_t j = 0; j < count; j += SD_WIDTH) {
                const SD_PACK pack = F(load_up_to)(x + j, count - j);
                ties[b] += SD_COUNT_BITS(P(mask_ge)(pack, same) & P(mask_ge)(same, pack));
            }
        }
        all += ties[b];
    }
    return all;
}

/* The first `kept` items of a value are left, besides all above it, which blocks have. */
static void F(leave_ties)(F(blocks) * blocks, F(law) * law, const sd_source *row, SD_REAL value,
                          const size_t *ties, size_t kept) {
    const double one = F(mass)(law, value);
    law->least = value;
    for (size_t b = 0; b < blocks->count && kept > 0; b++) {
        size_t here = ties[b] < kept ? ties[b] : kept;
        blocks->before[b + 1] += (double)here * one;
        kept -= here;
        if (kept > 0) continue;
        size_t i = b * blocks->length;
        while (F(item)(row, i) != value || --here > 0) i++;
        law->last = i;
    }
}

/* What is left ends among f->items: blocks get the masses of those that are, or if `had` lose those of
 * the others. */
static void F(leave_items)(F(blocks) * blocks, F(law) * law, const F(items) * items, const F(end) * end,
                           SD_REAL *work, int had) {
    size_t ties = end->ties;
    for (size_t i = 0; i < items->n; i += SD_WIDTH) {
        SD_PACK pack = F(load_up_to)(items->x + i, items->n - i);
        F(masses)(law, 1, &pack, 0, &pack);
        P(store)(work + i, pack);
    }
    law->least = end->least;
    for (size_t i = 0; i < items->n; i++) {
        int left = items->x[i] > end->least;
        if (items->x[i] == end->least && ties > 0) {
            left = 1;
            ties--;
            law->last = items->index[i];
        }
        if (left != had)
            blocks->before[items->index[i] / blocks->length + 1] += had ? -(double)work[i] : (double)work[i];
    }
}

/* What top_p leaves of a row that is peaked, from its largest items alone, which are above a bound: 1 if
 * that could be said. The mass of the rest is about
 * rest 2^power. */
static int F(nucleus_of_largest)(F(filter) * f, F(law) * law, const sd_source *row, SD_REAL bound,
                                 double rest, double power) {
    F(items) *items = &f->items;
    const size_t n = row->n;
    F(end) end, other;
    const SD_REAL max = F(maxima)(row, SD_LIST / 4, f->groups);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return 0;
    *law = F(law_make)(f->ready, f->t, max, n);
    if (law->moved) return 0;
    F(gather_above)(items, row, bound, SD_LIST / 4, f->groups, n / 8);
    if (items->n > n / 8) return 0;
    const double certain = F(sum)(law, items->x, items->n);
    const double most = (double)(n - items->n) * F(mass)(law, bound);
    const double lower = f->top_p * certain * (1 - 0x1p-45);
    const double upper = f->top_p * (certain + most) * (1 + 0x1p-45);
    if (upper <= certain) { /* what the rest may have changes nothing? */
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
    F(blocks) blocks;
    rest *= SD_SCALE * sd_power_of_2(power - law->reduction.power);
    if (f->top_p * (certain + 1.05 * rest) > certain || !F(sum_blocks)(&blocks, law, f->ready, f->t, row)) return 0;
    memcpy(f->work, items->x, items->n * sizeof *f->work);
    if (!F(end_by_mass)(&end, law, f->work, items->n, 0, f->top_p * blocks.before[blocks.count])) return 0;
    F(keep)(items, end.least, end.ties);
    return 1;
}

/* Whether a set that ends so is the one that reaches any target between two. */
SD_INLINE int F(is_the_end)(const F(end) * end, double one, double lower, double upper) {
    return end->above + (double)(end->ties - 1) * one < lower &&
           end->above + (double)end->ties * one >= upper;
}

/* Ends the set among the items that are equal to the bound, as end_near does. */
static int F(end_in_ties)(F(filter) * f, F(blocks) * blocks, F(law) * law, const sd_source *row,
                          SD_REAL bound, double above, double all, double error) {
    const double target = f->top_p * all, off = f->top_p * error, one = F(mass)(law, bound);
    size_t ties[SD_BLOCKS];
    const size_t most = F(count_ties)(row, bound, blocks->length, ties);
    F(end) end = {bound, 1, above};
    if (!(above + (double)most * one >= target + off)) return 0;
    for (size_t high = most; end.ties < high;) { /* the smallest number that reaches it */
        const size_t half = end.ties + (high - end.ties) / 2;
        if (above + (double)half * one >= target) high = half;
        else end.ties = half + 1;
    }
    if (error > 0 && !F(is_the_end)(&end, one, target - off, target + off)) return -1;
    if (above == 0 && all == (double)most * one) end.ties = F(ties_of)(f->top_p, most);
    F(leave_ties)(blocks, law, row, bound, ties, end.ties);
    return 1;
}

/* Ends the set that top_p leaves, given what is above a bound and about what all have: among the items
 * from `other` to the bound, or above the bound and up to `other`. 0 if it does not end there, and -1 if
 * to say so takes the exact sum. */
static int F(end_near)(F(filter) * f, F(blocks) * blocks, F(law) * law, const sd_source *row,
                       SD_REAL other, SD_REAL bound, double above, double all, double error) {
    const double target = f->top_p * all, off = f->top_p * error;
    const int upwards = other > bound;
    SD_REAL *work = f->work + 2 * 2048; /* after the samples */
    F(items) *items = &f->items;
    F(end) end = {bound, 1, above};
    if (other == bound) return F(end_in_ties)(f, blocks, law, row, bound, above, all, error);
    F(gather_between)(items, row, upwards ? bound : other, upwards ? other : bound, upwards);
    const double base = upwards ? above - F(sum)(law, items->x, items->n) : above;
    if (upwards && !(base < target - off && items->n > 0) && other < law->max) return 0;
    memcpy(work, items->x, items->n * sizeof *work);
    if (!F(end_by_mass)(&end, law, work, items->n, upwards && other >= law->max ? 0 : base, target)) {
        if (error > 0) return other == -SD_LARGEST || upwards ? -1 : 0;
        if (!upwards && other > -SD_LARGEST) return 0;
        end.least = upwards ? bound : law->least; /* sums that are rounded: all are left */
        end.ties = upwards ? 0 : SIZE_MAX;
    } else if (error > 0 &&
               !F(is_the_end)(&end, F(mass)(law, end.least), target - off, target + off)) {
        return -1;
    }
    F(leave_items)(blocks, law, items, &end, work, upwards);
    return 1;
}

/* top_p of a long row, as apply has it; -1 if it has no plain law or no sum. Samples tell a bound that
 * is near the last item of the set. One pass sums what is above it, and the rest, so that what is wanting
 * or too much is known; the end is found among what is gathered next to the bound. Nothing depends on the samples but
 * the time that this takes. */
static int F(nucleus_of_row)(F(filter) * f, F(law) * law, const sd_source *row, F(blocks) * blocks) {
    const size_t n = row->n, step = 2 * SD_WIDTH;
    const size_t count = (n / 64 < 1792 ? 256 + n / 64 : 2048) / step * step;
    const double weight = (double)n / (double)count;
    SD_REAL *samples = f->work, *masses = f->work + count;
    F(take_samples)(row, samples, count);
    const SD_REAL max = P(largest)(F(lane_max)(samples, count));
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return -1;
    *law = F(law_make)(f->ready, f->t, max, n);
    if (law->moved) return -1;
    for (size_t i = 0; i < count; i += SD_WIDTH) {
        SD_PACK pack = P(load)(samples + i);
        F(masses)(law, 1, &pack, 0, &pack);
        P(store)(masses + i, P(mul)(pack, P(set1)(SD_UNSCALE)));
    }
    const SD_REAL least = law->least;
    const F(moments) all = F(moments_from)(samples, masses, count, -SD_LARGEST);
    if (all.mass * all.mass < all.square * (double)count / 8) {
        const SD_REAL high = F(of_rank)(samples, count, least, max, (double)(count / 32));
        const double of_largest = F(moments_from)(samples, masses, count, high).mass;
        const double power = law->reduction.power;
        if (of_largest > 0.7 * f->top_p * all.mass) {
            if (F(nucleus_of_largest)(f, law, row, high, weight * (all.mass - of_largest), power)) return 1;
            F(take_samples)(row, samples, count);
        }
    }
    const SD_REAL middle = F(of_mass)(samples, masses, count, least, max, f->top_p * all.mass);
    SD_REAL bound = middle < max ? middle : max;
    double from = F(moments_from)(samples, masses, count, bound).count, above, total, error;
    int is_tied;
    for (int again = 0;; again++) {
        double rest;
        const double past = F(moments_from)(samples, masses, count, A(next_up)(bound)).count;
        if (!F(split_blocks)(blocks, law, &rest, f->ready, f->t, row, bound)) return -1;
        above = 0;
        for (size_t b = 0; b < blocks->count; b++) above += blocks->before[b + 1];
        total = above + rest;
        error = rest * 0x1p-18;
        if (!(total > 0)) return -1;
        is_tied = from - past > (double)count / 128;
        if (!is_tied || above < f->top_p * total || past < 1 || again) break;
        bound = F(of_rank)(samples, count, bound, max, from = past); /* the value above */
    }
    for (double margin = 2;;) {
        const double wanted = (f->top_p * total - above) / (weight * F(mass)(law, bound));
        SD_REAL other = bound;
        if (wanted > 0 && !is_tied) {
            const double rank = from + margin * (0.6 * wanted + 1.5 * sqrt(wanted) + 1);
            other = margin > 1000 ? -SD_LARGEST : F(below)(samples, count, least, bound, rank);
        } else if (wanted <= 0) {
            const double rank = from + margin * (0.6 * wanted - 1.5 * sqrt(-wanted) - 1);
            other = rank < 1 || margin > 1000 ? law->max : F(of_rank)(samples, count, bound, max, rank);
            if (!(other > bound)) other = law->max;
        }
        const int found = F(end_near)(f, blocks, law, row, other, bound, above, total, error);
        if (found > 0) break;
        if (found < 0) {
            F(blocks) whole;
            F(law) same;
            if (!F(sum_blocks)(&whole, &same, f->ready, f->t, row)) return -1;
            total = whole.before[whole.count];
            error = 0;
        } else {
            if (!is_tied) margin *= 4;
            is_tied = 0;
        }
    }
    F(blocks_add_up)(blocks);
    return 0;
}

/* ---- a row ---------------------------------------------------------------------------------- */

/* What min_p leaves has at least this logit, but for roundings. */
static SD_REAL F(min_p_bound)(const F(filter) * f, SD_REAL max) {
    const double below = f->t * sd_log1p((1 - f->min_p) / f->min_p);
    const double bound = (double)max - below - 1e-6 * ((max < 0 ? -(double)max : (double)max) + below);
    return bound >= -SD_LARGEST ? (SD_REAL)bound : -SD_LARGEST;
}

/* Leaves what the filters leave: in f->items, returning 1, or as the law says with the blocks' masses,
 * returning 0. -1 for a row that cannot be drawn from. */
static int F(apply)(F(filter) * f, F(law) * law, F(blocks) * blocks, const sd_source *row) {
    F(items) *items = &f->items;
    const size_t n = row->n;
    const int is_long = n >= SD_SAMPLED && f->top_k >= n;
    int left = -1; /* in f->items; 0: as the law says */
    if (is_long && f->top_p < 1) left = F(nucleus_of_row)(f, law, row, blocks);
    if (left < 0) {
        const size_t group = F(group_for)(f->top_k < n ? f->top_k : 1, n);
        const SD_REAL max = F(maxima)(row, group, f->groups);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return -1;
        *law = F(law_make)(f->ready, f->t, max, n);
        left = 1;
        if (f->top_k < n) {
            F(largest_k)(f, row, group);
        } else if (f->top_p < 1 || !is_long || law->moved) {
            F(gather_from)(items, row, -SD_LARGEST, SD_LIST, NULL, n);
        } else {
            F(gather_from)(items, row, F(min_p_bound)(f, max), group, f->groups, n / 8);
            left = items->n <= n / 8;
        }
        *law = F(law_make)(f->ready, f->t, max, left ? items->n : n);
        if (f->top_p < 1) F(nucleus)(f, law);
    }
    if (f->min_p > 0 && left) {
        F(keep_masses)(items, law, F(least_mass)(f, law));
    } else if (f->min_p > 0) {
        law->least_mass = F(least_mass)(f, law);
        F(blocks_of_law)(blocks, law, row, 0, n);
    }
    return left;
}

/* All that a law leaves, in f->items. */
static void F(gather_law)(F(filter) * f, const F(law) * law, const sd_source *row) {
    F(items) *items = &f->items;
    F(gather_from)(items, row, law->least, SD_LIST, NULL, row->n);
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
        if (!as_it_lies) F(gather_from)(&f->items, row, -SD_LARGEST, SD_LIST, NULL, row->n);
        for (size_t i = 0; i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
        F(log_probabilities)(f, as_it_lies ? row->x : items->x, as_it_lies ? row->n : items->n,
                             logprobs, draws);
        return SOFTDRAW_OK;
    }
    F(law) law;
    F(blocks) blocks;
    const int left = F(apply)(f, &law, &blocks, row);
    if (left < 0) return F(row_error)(row, where);
    if (left) {
        const sd_source some = {items->x, SD_NATIVE, NULL, NULL, items->n};
        const int error = F(draw_from_all)(f->ready, f->t, &some, words, draws, out, where);
        if (error != SOFTDRAW_OK) return error; /* only where a row changes meanwhile */
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = items->x[out[i]];
        for (size_t i = 0; i < draws; i++) out[i] = items->index[out[i]];
    } else {
        const double total = blocks.before[blocks.count];
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)F(some_item)(
                F(blocks_find)(&blocks, &law, row, 0, row->n, F(share)(words[i], total)));
        if (logprobs) F(gather_law)(f, &law, row);
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
    }
    if (logprobs) F(log_probabilities)(f, items->x, items->n, logprobs, draws);
    return SOFTDRAW_OK;
}

/* One draw from each of `count` rows, 8 or 1, that are `group` packs long, as list_make and list_find
 * have it. 0 if a row is out of the ordinary. */
SD_INLINE int F(draw_short)(const SD_REAL *x, ptrdiff_t x_stride, size_t n, f64x8 t, const int count,
                            const int group, const uint64_t *words, int64_t *out) {
    const SD_PACK zero = P(set1)(0), lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK packs[8][SD_MOST], maxima[8], seen = zero, s[SD_MOST], q[SD_MOST];
    A(short_rows) rows;
    double least[8], bits = SD_FAINT;
    F(list) list;
    for (int i = 0; i < count; i++, x += x_stride) {
        maxima[i] = lowest;
        SD_EACH {
            packs[i][u] = F(load_up_to)(x + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
            maxima[i] = P(max)(maxima[i], packs[i][u]);
            seen = P(or_nan)(seen, packs[i][u], packs[i][u]);
        }
    }
    if (P(mask_ge)(seen, seen) != (1u << SD_WIDTH) - 1) return 0;
    const f64x8 max = count == 1 ? f64_set1(P(largest)(maxima[0])) : P(largest_8)(maxima);
    if (!A(short_reduce)(&rows, max, t)) return 0;
    for (size_t left = n - 1; left > 0; left /= 2) bits--;
    f64_store(least, f64_sub(max, f64_mul(t, f64_set1(bits / SD_LOG2E_HI))));
    list.packs = (size_t)group;
    list.before[0] = 0;
    for (int i = 0; i < count; i++) {
        const A(reduction) r = A(short_reduction)(&rows, i);
        const SD_PACK from = P(set1)(least[i] >= -SD_LARGEST ? (SD_REAL)least[i] : -SD_LARGEST);
        A(exponential)(&r, NULL, group, packs[i], 0, 0, s, q);
        SD_EACH {
            const SD_PACK e = P(where_ge)(packs[i][u], from, P(fma)(s[u], q[u], s[u]), zero);
            P(store)(list.mass + u * SD_WIDTH, e);
            list.before[u + 1] = list.before[u] + f64_total(A(widened)(e));
        }
        out[i] = (int64_t)F(list_find)(&list, F(share)(words[i], list.before[group]));
    }
    return 1;
}

/* Rows of up to four packs without filters: 8 at a time, or one, as many as come before one that is out
 * of the ordinary. */
SD_INLINE size_t F(draw_short_rows)(const sd_draws *all, size_t first, const int group) {
    const softdraw_filters *by = all->filters;
    const double one = 1, *t = by->temperature ? by->temperature : &one;
    const ptrdiff_t t_stride = by->temperature ? by->temperature_stride : 0;
    size_t done = first;
    while (done < all->rows) {
        const ptrdiff_t at = (ptrdiff_t)done;
        const SD_REAL *x = (const SD_REAL *)all->x + at * all->x_stride;
        double each[8];
        if (all->rows - done >= 8) {
            for (int i = 0; i < 8; i++) each[i] = t[(at + i) * t_stride];
            if (F(draw_short)(x, all->x_stride, all->n, f64_load(each), 8, group, all->words + done,
                              all->out + done)) {
                done += 8;
                continue;
            }
        }
        if (!F(draw_short)(x, 0, all->n, f64_set1(t[at * t_stride]), 1, group, all->words + done,
                           all->out + done))
            break;
        done++;
    }
    return done;
}

static size_t F(draw_ordinary)(const sd_draws *all, size_t first) {
    const softdraw_filters *by = all->filters;
    if (by->top_k || by->top_p || by->min_p || by->allowed || by->allowed_bits || all->logprobs ||
        all->draws != 1 || all->format != SD_NATIVE)
        return first;
    if (all->n <= SD_WIDTH) return F(draw_short_rows)(all, first, 1);
    if (all->n <= 2 * SD_WIDTH) return F(draw_short_rows)(all, first, 2);
    if (all->n <= 3 * SD_WIDTH) return F(draw_short_rows)(all, first, 3);
    if (all->n <= 4 * SD_WIDTH) return F(draw_short_rows)(all, first, 4);
    return first;
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
    f.groups = f.items.x ? f.work + room + 2 * 2048 : NULL;
    f.items.index = f.items.x ? (uint32_t *)(f.groups + room / 16) : NULL;
    for (size_t r = F(draw_ordinary)(all, 0); r < all->rows; r = F(draw_ordinary)(all, r + 1)) {
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
